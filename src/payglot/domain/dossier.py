"""A dossier: one link with everything that happened to it, as readers of a dialect need it together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from payglot.domain.event import Event
from payglot.domain.link import Link
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.payout import Payout
from payglot.domain.transfer import Transfer


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """`payments` oldest first; `transfers` by payment id, oldest first; `payout` once a payout link was claimed."""

    link: Link
    payments: tuple[Payment, ...] = ()
    transfers: Mapping[UUID, tuple[Transfer, ...]] = field(default_factory=dict)
    payout: Payout | None = None

    @property
    def current(self) -> Payment | None:
        """The attempt that speaks for the link: one that holds a place, else the latest that was not canceled."""
        for payment in reversed(self.payments):
            if payment.holds_place:
                return payment
        for payment in reversed(self.payments):
            if payment.status is not PaymentStatus.CANCELED:
                return payment
        return self.payments[-1] if self.payments else None

    def transfers_of(self, payment: Payment) -> tuple[Transfer, ...]:
        return self.transfers.get(payment.id, ())

    def seen_at(self, now: datetime) -> "Dossier":
        return replace(self, link=self.link.seen_at(now))


def of_event(event: Event) -> Dossier:
    """What an event's snapshot shows: the link and the one payment or payout that the event is about, if any."""
    if event.payment is None:
        return Dossier(link=event.link, payout=event.payout)
    return Dossier(link=event.link, payments=(event.payment,), transfers={event.payment.id: event.transfers})
