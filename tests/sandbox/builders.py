"""What the sandbox's tests start from."""

from typing import Any
from uuid import UUID

import httpx

from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant
from payglot.operations import endpoints
from tests.world import World

ADMIN = {"Authorization": "Bearer admin-token-for-tests-0123456789abcdef"}


async def a_link(world: World, merchant: Merchant, *, amount: str = "123.45", **members: Any) -> dict[str, Any]:
    """A P100 link, as the create call answers it."""
    body = {"amount": amount, "expiresAt": world.later(days=30), **members}
    created = await world.http.post("/v1/payment-link", headers=await world.headers(merchant, "p100"), json=body)
    assert created.status_code == 200, created.text
    answered: dict[str, Any] = created.json()
    return answered


async def pay(world: World, url: str, outcome: str, **members: Any) -> httpx.Response:
    return await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome, **members})


async def an_endpoint(world: World, merchant: Merchant, dialect: str, *, secret: str, url: str | None = None) -> str:
    """An endpoint of the merchant at its inbox; returns the inbox's path."""
    path = inbox_path(merchant.id, dialect)
    async with world.services.database.transaction() as tx:
        await endpoints.create(
            tx,
            world.services.vault,
            merchant_id=merchant.id,
            dialect=dialect,
            url=url or f"http://payglot.test{path}",
            secret=secret,
            details=DIALECTS[dialect].endpoint_details(merchant.id) if dialect in DIALECTS else {},
            now=world.now,
        )
    return path


def inbox_path(merchant_id: UUID, dialect: str) -> str:
    return f"/sandbox/inbox/{merchant_id}/{dialect}"


async def messages(world: World, merchant: Merchant, **query: Any) -> list[dict[str, Any]]:
    answered = await world.http.get("/sandbox/v1/inbox", params={"merchant_id": str(merchant.id), **query})
    assert answered.status_code == 200, answered.text
    found: list[dict[str, Any]] = answered.json()["messages"]
    return found
