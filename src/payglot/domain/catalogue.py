"""What a merchant sells, taxes it charges and customers it knows: what links may refer to."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One kept here has a media type and no address, one kept elsewhere the other way round."""

    id: UUID
    url: str | None = None
    media_type: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """`price` is in major units of `currency`, a fiat or stablecoin code. `pictures` in their order. `details` holds
    what only the dialect understands."""

    id: UUID
    merchant_id: UUID
    name: str
    description: str
    price: Decimal
    currency: str
    for_sale: bool
    details: dict[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Tax:
    """`percentage` is from 0 to 100. One that is not active cannot be applied."""

    id: UUID
    merchant_id: UUID
    name: str
    description: str | None
    percentage: Decimal
    active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """`kind` and `status` are the dialect's words."""

    id: UUID
    merchant_id: UUID
    first_name: str
    last_name: str
    phone: str
    email: str | None
    kind: str
    status: str
    created_at: datetime
    updated_at: datetime
