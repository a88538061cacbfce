"""An event's snapshot as JSON, and back. Money travels as its minor units and currency, decimals as text."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from payglot.domain.event import Event
from payglot.domain.link import Link
from payglot.domain.payment import Payment
from payglot.domain.payout import Payout
from payglot.domain.transfer import Transfer


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    before: str | None = None
    link: Link
    payment: Payment | None
    transfers: tuple[Transfer, ...]
    payout: Payout | None = None


_adapter = TypeAdapter(Snapshot)


def of(event: Event) -> dict[str, Any]:
    """The dataclasses themselves: the database's JSON writer knows how to spell them."""
    told = {"before": event.before, "link": event.link, "payment": event.payment, "transfers": event.transfers}
    return told if event.payout is None else told | {"payout": event.payout}


def read(stored: dict[str, Any]) -> Snapshot:
    return _adapter.validate_python(stored)
