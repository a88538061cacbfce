"""The application that goal G4 compares with, written as tutorials write it: an ORM session per request, `refresh`
after `commit`, the answer through `response_model`, and two of Starlette's `BaseHTTPMiddleware`."""

import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, DateTime, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

engine = create_async_engine(os.environ["BENCH_DATABASE_URL"], pool_size=10, max_overflow=0)
sessions = async_sessionmaker(engine)
app = FastAPI()


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}  # noqa: RUF012


class Link(Base):
    __tablename__ = "payment_links"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID]
    code: Mapped[str]
    status: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    description: Mapped[str | None]
    customer_email: Mapped[str | None]
    success_url: Mapped[str | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    version: Mapped[int]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    aggregate_id: Mapped[uuid.UUID]
    event_type: Mapped[str]
    payload: Mapped[dict[str, Any]]


class LinkIn(BaseModel):
    amount: Annotated[int, Field(gt=0, lt=10**12)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    description: Annotated[str, Field(max_length=500)] | None = None
    customer_email: Annotated[str, Field(max_length=254)] | None = None
    success_url: Annotated[str, Field(max_length=2000)] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    expires_at: datetime | None = None


class LinkOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    account_id: uuid.UUID
    code: str
    status: str
    amount: int
    currency: str
    description: str | None
    customer_email: str | None
    success_url: str | None
    metadata: dict[str, Any] = Field(validation_alias="metadata_")
    version: int
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Naming(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["x-request-id"] = "abc"
        return response


app.add_middleware(Naming)
app.add_middleware(Naming)


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


@app.post("/v1/links", response_model=LinkOut, status_code=201)
async def create(body: LinkIn, db: Session) -> Link:
    id, now = uuid.uuid4(), datetime.now(UTC)
    asked = body.model_dump(exclude={"metadata"})
    stamps: dict[str, Any] = {"version": 1, "created_at": now, "updated_at": now}
    link = Link(id=id, account_id=id, code=id.hex, status="open", metadata_=body.metadata, **asked, **stamps)
    payload = {"object": "payment_link", "id": str(id), "status": "open", "amount": body.amount, "meta": body.metadata}
    db.add_all([link, Outbox(aggregate_id=id, event_type="payment_link.created", payload=payload)])
    await db.commit()
    await db.refresh(link)
    return link


@app.get("/v1/links/{id}", response_model=LinkOut)
async def get(id: uuid.UUID, db: Session) -> Link:
    link = await db.get(Link, id)
    if link is None:
        raise HTTPException(404)
    return link
