"""What a link, its payments and their money should be after any sequence of verbs: plain facts, counted anew each time.

Written from the documentation and not from the code it is held against: nothing here imports the domain. Amounts are
minor units of one currency; statuses are the words that are stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOLDING = ("processing", "paid")
LIVE = ("created", "authorizing", "processing")

LINK_MOVES = {
    "open": {"processing", "paid", "expired", "canceled"},
    "processing": {"open", "paid", "expired", "canceled"},
    "paid": {"open"},
    "expired": {"open"},
    "canceled": {"open"},
}
PAYMENT_MOVES = {
    "created": {"authorizing", "processing", "paid", "failed", "canceled", "expired"},
    "authorizing": {"processing", "paid", "failed", "canceled", "expired"},
    "processing": {"paid", "failed"},
    "paid": {"reversed"},
    "expired": {"processing", "paid", "failed", "canceled"},
    "failed": set(),
    "canceled": set(),
    "reversed": set(),
}
TRANSFER_MOVES = {
    "detected": {"confirmed", "failed"},
    "confirmed": {"reversed"},
    "failed": set(),
    "reversed": set(),
}


class Refused(Exception):
    """The verb is not possible now, and changes nothing."""


@dataclass(kw_only=True)
class Transfer:
    minor: int
    status: str
    seen_at: datetime
    confirmed_at: datetime | None = None


@dataclass(kw_only=True)
class Refund:
    minor: int
    until: datetime
    claimed: bool = False
    revoked: bool = False


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A payment's terms. A refund rule is "take", "rest" or "all"."""

    partial_completes: bool = False
    top_up: timedelta | None = None
    late: timedelta = timedelta()
    overpaid: str = "take"
    underpaid: str = "take"
    late_money: str = "take"
    refund_life: timedelta = timedelta(hours=2)


@dataclass(kw_only=True)
class Attempt:
    due: int
    rules: Rules
    expires_at: datetime | None
    quoted_until: datetime | None
    status: str = "created"
    settlement: str = "expecting"
    refused: bool = False
    """Its merchant did not take the money that came."""
    transfers: dict[str, Transfer] = field(default_factory=dict)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.status in HOLDING

    @property
    def received(self) -> int:
        return self._sum("confirmed")

    @property
    def pending(self) -> int:
        return self._sum("detected")

    @property
    def returned(self) -> int:
        return sum(refund.minor for refund in self.refunds if not refund.revoked)

    @property
    def claimed(self) -> int:
        return sum(refund.minor for refund in self.refunds if refund.claimed)

    def overdue(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now and self.status in (*LIVE, "expired")

    def owed(self) -> int:
        """What is to go back to the payer."""
        if self.status == "failed" and self.refused:
            return self.received
        if self.status == "paid" and self.received > self.due and self.rules.overpaid != "take":
            return self.received - self.due
        if self.status != "paid" and self.settlement == "late" and self.rules.late_money != "take":
            return self.received
        return 0

    def _sum(self, status: str) -> int:
        return sum(transfer.minor for transfer in self.transfers.values() if transfer.status == status)


@dataclass(kw_only=True)
class Model:
    """One link. `events` is how many it should have; `kept` are the places that failed payments still hold."""

    cap: int | None
    on_failure: str
    expires_at: datetime | None
    status: str = "open"
    attempts: list[Attempt] = field(default_factory=list)
    kept: int = 0
    was_confirmed: bool = False
    events: int = 1
    most: int | None = None
    """How many payments it may ever have been paid by: payments under way keep their places when a cap is lowered."""

    _seen: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        self.most, self._seen = self.cap, self._facts()

    # Counts.

    @property
    def taken(self) -> int:
        return sum(attempt.holds for attempt in self.attempts) + self.kept

    @property
    def paid(self) -> int:
        return sum(attempt.status == "paid" for attempt in self.attempts)

    @property
    def room(self) -> bool:
        return self.cap is None or self.taken < self.cap

    def payable(self, now: datetime) -> bool:
        return self.status == "open" and not self._over(now) and self.room

    # What payers and rails do.

    def start(self, attempt: Attempt, rule: str, now: datetime) -> None:
        if rule == "one" and self.attempts:
            raise Refused
        if rule == "replace":
            for earlier in self.attempts:
                if earlier.status == "created":
                    self._become(earlier, "canceled", now)
        if not self.payable(now):
            raise Refused
        self.attempts.append(attempt)
        self._told(attempt, False, now)

    def authorize(self, attempt: Attempt, now: datetime) -> None:
        self._become(attempt, "authorizing", now)

    def confirm(self, attempt: Attempt, now: datetime) -> None:
        if not self.payable(now) or attempt.settlement == "late":
            raise Refused
        attempt.expires_at = None
        self._become(attempt, "processing", now)

    def fail(self, attempt: Attempt, now: datetime) -> None:
        if attempt.overdue(now) or attempt.status == "expired":
            self._heed(attempt, now)
            return
        if attempt.received == 0 and "failed" in PAYMENT_MOVES[attempt.status]:
            attempt.settlement = "rejected"
        self._become(attempt, "failed", now)

    def cancel(self, attempt: Attempt, now: datetime) -> None:
        self._become(attempt, "canceled", now)

    def lapse(self, attempt: Attempt, now: datetime) -> None:
        if attempt.overdue(now):
            self._lapse(attempt, now)

    def receive(self, attempt: Attempt, reference: str, minor: int, status: str, now: datetime) -> None:
        for other in self.attempts:
            if other is not attempt and reference in other.transfers:
                raise Refused
        known = attempt.transfers.get(reference)
        if known is not None:
            if known.minor != minor:
                raise Refused
            if known.status == status:
                return
            if status not in TRANSFER_MOVES[known.status]:
                raise Refused
        self._heed(attempt, now)
        if known is None:
            known = attempt.transfers[reference] = Transfer(minor=minor, status=status, seen_at=now)
        known.status = status
        if status == "confirmed":
            known.confirmed_at = now
        self._settle(attempt, now)

    def claim(self, refund: Refund, now: datetime) -> None:
        if refund.claimed or refund.revoked or refund.until <= now:
            raise Refused
        refund.claimed = True

    # What merchants and the clock do.

    def end(self, status: str) -> None:
        if status not in LINK_MOVES[self.status]:
            raise Refused
        self.status = status
        self.events += 1
        self._seen = self._facts()

    def revise(self, now: datetime, *, active: bool | None, cap: int | None, expires_at: datetime | None) -> None:
        if cap is not None and cap < self.taken:
            raise Refused
        full = cap is not None and self.paid >= cap
        was_over = self._over(now)
        self.expires_at = expires_at
        over = self._over(now)
        if active and (over or full):
            raise Refused
        if active is False and (self.status == "expired" or (self.status == "open" and was_over)):
            raise Refused
        if self.status in ("open", "processing"):
            room = cap is None or self.taken < cap
            status = "canceled" if active is False else "paid" if full else "open" if room else "processing"
        elif self.status == "canceled":
            status = "open" if active else "canceled"
        else:
            status = self.status if over or full or active is False else "open"
        self.cap, self.status = cap, status
        self.most = cap
        self.events += 1
        self._seen = self._facts()

    def tick(self, now: datetime) -> None:
        """The clock's work, until none is left."""
        while True:
            due = sorted((a for a in self.attempts if a.overdue(now)), key=lambda a: a.expires_at or now)
            ends = self.status == "open" and self._over(now)
            if not due and not ends:
                return
            for attempt in due:
                self._lapse(attempt, now)
            if self.status == "open" and self._over(now) and ends:
                self.end("expired")

    # The rules.

    def _over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def _become(self, attempt: Attempt, status: str, now: datetime) -> None:
        if status not in PAYMENT_MOVES[attempt.status]:
            raise Refused
        held, failed = attempt.holds, attempt.status == "failed"
        attempt.status = status
        if held and not attempt.holds and self.on_failure == "keep":
            self.kept += 1
        self._told(attempt, status == "failed" and not failed, now)

    def _told(self, attempt: Attempt, failed_now: bool, now: datetime) -> None:
        """The attempt's event, and the link's own if the attempt changed anything about it."""
        before, self.events = self._seen, self.events + 1
        self.was_confirmed = self.was_confirmed or attempt.holds
        if self.status in ("open", "processing"):
            if failed_now and self.on_failure == "close":
                self.status = "canceled"
            elif self.cap is not None and self.paid >= self.cap:
                self.status = "paid"
            elif not self.room:
                self.status = "processing"
            else:
                self.status = "expired" if self._over(now) else "open"
        self._seen = self._facts()
        self.events += self._seen != before

    def _facts(self) -> tuple[object, ...]:
        return self.taken, self.paid, self.was_confirmed, self.status

    def _lapse(self, attempt: Attempt, now: datetime) -> None:
        if attempt.status in ("created", "authorizing"):
            late = attempt.rules.late
            assert attempt.expires_at is not None
            attempt.expires_at = attempt.expires_at + late if late else None
            self._become(attempt, "expired", now)
        else:
            attempt.expires_at = None
            self._become(attempt, "canceled" if attempt.status == "expired" else "failed", now)

    def _heed(self, attempt: Attempt, now: datetime) -> None:
        while attempt.overdue(now):
            self._lapse(attempt, now)

    def _settle(self, attempt: Attempt, now: datetime) -> None:
        takes = self._takes(attempt)
        attempt.settlement = _weigh(attempt, takes or (attempt.status == "failed" and attempt.refused))
        status = _status(attempt) if takes else attempt.status
        if status == "paid" and attempt.status != "paid" and _unwanted(attempt):
            status, attempt.refused = "failed", True
        attempt.expires_at = self._deadline(attempt, now)
        if status == attempt.status:
            self._told(attempt, False, now)
        else:
            self._become(attempt, status, now)
        self._give_back(attempt, now)

    def _takes(self, attempt: Attempt) -> bool:
        """Whether money still is for this attempt: it is paid, or under way with a place or one to be had. Money that
        came too late is kept apart for good, and so is whatever follows it."""
        if attempt.settlement == "late":
            return False
        if attempt.status == "expired" and attempt.expires_at is None:
            return False
        return attempt.holds or (attempt.status in (*LIVE, "expired") and self.room)

    def _deadline(self, attempt: Attempt, now: datetime) -> datetime | None:
        if attempt.settlement == "expecting":
            return attempt.expires_at
        if attempt.settlement != "underpaid" or attempt.rules.partial_completes or attempt.rules.top_up is None:
            return None
        since = min((t.confirmed_at for t in attempt.transfers.values() if t.confirmed_at), default=now)
        return max(since + attempt.rules.top_up, self.expires_at or since)

    def _give_back(self, attempt: Attempt, now: datetime) -> None:
        """Refunds come to what is owed, unless more was claimed already. The newest go first, each as a whole."""
        for refund in reversed(attempt.refunds):
            if attempt.returned > attempt.owed() and not refund.claimed:
                refund.revoked = True
        missing = attempt.owed() - attempt.returned
        if missing > 0:
            attempt.refunds.append(Refund(minor=missing, until=now + attempt.rules.refund_life))


def _weigh(attempt: Attempt, takes: bool) -> str:
    received, pending = attempt.received, attempt.pending
    statuses = {transfer.status for transfer in attempt.transfers.values()}
    if not received and not pending:
        return next((word for status, word in _NOTHING if status in statuses), "expecting")
    if not takes:
        return "late"
    if received < attempt.due:
        return "pending" if pending else "underpaid"
    return "settled" if received == attempt.due else "overpaid"


_NOTHING = (("reversed", "reversed"), ("failed", "rejected"))


def _status(attempt: Attempt) -> str:
    match attempt.settlement:
        case "settled" | "overpaid":
            return "paid"
        case "underpaid":
            return "paid" if attempt.rules.partial_completes or attempt.status == "paid" else "processing"
        case "pending":
            return "paid" if attempt.status == "paid" else "processing"
        case "reversed":
            return "reversed" if attempt.status == "paid" else "failed"
        case "rejected":
            return "failed"
        case _:
            return attempt.status


def _unwanted(attempt: Attempt) -> bool:
    """Whether the merchant gives back all that has come instead of taking it."""
    seen = [t.seen_at for t in attempt.transfers.values() if t.status != "failed"]
    is_late = attempt.quoted_until is not None and bool(seen) and min(seen) > attempt.quoted_until
    rules = attempt.rules
    return (
        (is_late and rules.late_money == "all")
        or (attempt.settlement == "overpaid" and rules.overpaid == "all")
        or (attempt.settlement == "underpaid" and rules.underpaid == "all")
    )


def books(attempts: Iterable[Attempt]) -> tuple[int, int, int, int]:
    """(received, credited, unattributed, returned) of one currency."""
    received = credited = unattributed = returned = 0
    for attempt in attempts:
        received += attempt.received
        returned += attempt.returned
        rest = attempt.received - attempt.returned
        if attempt.status == "paid":
            credited += rest
        else:
            unattributed += rest
    return received, credited, unattributed, returned
