"""Why a link is in its state: the causes in order, each with its evidence, and what they come to. A pure function over
the link's history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never
from urllib.parse import urlsplit
from uuid import UUID

from payglot.domain.dossier import Dossier
from payglot.domain.event import Event, EventKind
from payglot.domain.link import Direction, Link, LinkStatus
from payglot.domain.narration import Before, Birth, Cause, Origin, narrate, plain, seen, standing, when
from payglot.domain.payment import Payment
from payglot.domain.settlement import Settlement


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One webhook about the link. `off` says why nothing is sent to its endpoint at present, if so. `answer` is the
    receiver's last one, or why there was none."""

    delivery_id: UUID
    endpoint_id: UUID
    url: str
    name: str
    status: Literal["pending", "delivered", "exhausted", "canceled"]
    attempts: int
    answer: str | None
    off: str | None
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """All that is known of a link. `dossier` is as it is seen at the moment of asking; `events` oldest first, without
    those `left_out` after the first."""

    dossier: Dossier
    events: Sequence[Event]
    left_out: int = 0
    told: Sequence[Told]
    birth: Birth


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """`conclusion` is one sentence; `text` is all of it, to be read out."""

    dossier: Dossier
    causes: tuple[Cause, ...]
    conclusion: str

    @property
    def text(self) -> str:
        return " ".join([*(cause.text for cause in self.causes), self.conclusion])


def explain(history: History) -> Explanation:
    causes = _in_time([*_causes(history), *_clock(history)], [_delivery(told) for told in history.told])
    return Explanation(dossier=history.dossier, causes=tuple(causes), conclusion=_conclusion(history))


def _causes(history: History) -> list[Cause]:
    found: list[Cause] = []
    link: Link | None = None
    attempts: dict[UUID, Event] = {}
    begun = {(e.occurred_at, e.sequence) for e in history.events if e.kind is EventKind.PAYMENT_CREATED}
    for event in history.events:
        last = attempts.get(event.payment.id) if event.payment else None
        before = Before(link=link, payment=last.payment if last else None, transfers=last.transfers if last else ())
        # A payer's new choice ends the attempt before it in the same transaction, and then begins.
        replaced = any(at == event.occurred_at and number > event.sequence for at, number in begun)
        found += narrate(event, before, history.birth, replaced=replaced)
        if event.sequence == 1 and history.left_out:
            text = f"{history.left_out} events after that are left out here."
            found.append(Cause(at=event.occurred_at, origin=Origin.RULE, text=text))
        link = event.link
        if event.payment is not None:
            attempts[event.payment.id] = event
    return found


def _clock(history: History) -> list[Cause]:
    """What readers see before the clock's work is done: a link past its end is expired to everybody."""
    link, told = history.dossier.link, history.events[-1].link if history.events else None
    if told is None or link.status is told.status or link.expires_at is None:
        return []
    text = f"The link's time ended at {when(link.expires_at)}; its merchant is about to be told."
    return [Cause(at=link.expires_at, origin=Origin.CLOCK, text=text)]


def _delivery(told: Told) -> Cause:
    host, name = urlsplit(told.url).netloc or "the endpoint", f"`{told.name}`"
    answered = f"{told.answer}" if told.answer else "no answer"
    match told.status:
        case "delivered":
            at = told.finished_at or told.created_at
            attempt = "" if told.attempts == 1 else f" at attempt {told.attempts}"
            text = f"The merchant was told {name} at {when(at)}: {host} answered {answered}{attempt}."
        case "pending":
            at = told.created_at
            tried = f" after {told.attempts} attempts (last: {answered})" if told.attempts else ""
            text = f"The merchant has not taken {name} yet{tried}: {_waiting(told)}."
        case "exhausted":
            at = told.finished_at or told.created_at
            tries = f"{told.attempts} attempts" if told.attempts != 1 else "1 attempt"
            text = f"The merchant was not told {name}: given up at {when(at)} after {tries}, {host}: {answered}."
        case "canceled":
            at = told.finished_at or told.created_at
            text = f"The merchant was not told {name}: its endpoint was removed at {when(at)}."
        case other:
            assert_never(other)
    evidence = {"delivery": str(told.delivery_id), "endpoint": str(told.endpoint_id), "url": told.url}
    return Cause(at=at, origin=Origin.DELIVERY, text=text, evidence=evidence)


def _waiting(told: Told) -> str:
    if told.off is not None:
        return f"its endpoint is {told.off}, and what is for it waits"
    if told.next_attempt_at is None:
        return "it waits for what was to be said of this link before it"
    return f"the next attempt is due at {when(told.next_attempt_at)}"


def _in_time(causes: Sequence[Cause], deliveries: Sequence[Cause]) -> list[Cause]:
    """Causes keep the order of their events, whatever the clocks of two processes said; deliveries go where their time
    is, after what they tell of."""
    placed: list[tuple[datetime, int, int, Cause]] = []
    latest: datetime | None = None
    for number, cause in enumerate(causes):
        latest = cause.at if latest is None else max(latest, cause.at)
        placed.append((latest, 0, number, cause))
    placed += [(cause.at, 1, number, cause) for number, cause in enumerate(deliveries)]
    return [cause for *_, cause in sorted(placed, key=lambda each: each[:3])]


def _conclusion(history: History) -> str:
    link = history.dossier.link
    sentence = f"So the link is {_state(history.dossier)}"
    late = [_late(history.dossier, payment) for payment in history.dossier.payments if _is_late(payment)]
    if late:
        sentence += f", and {' and '.join(late)} late money"
    if not history.told and link.sequence > 1:
        sentence += "; no webhook was made of this"
    return sentence + "."


def _state(dossier: Dossier) -> str:
    link = dossier.link
    if link.direction is Direction.OUT:
        return _payout_state(dossier)
    current = dossier.current
    money = f": {standing(current, dossier.transfers_of(current))}" if current and not _is_late(current) else ""
    match link.status:
        case LinkStatus.OPEN:
            until = f" until {when(link.expires_at)}" if link.expires_at else ""
            if current is None:
                return f"open{until}, and nobody has begun to pay"
            counted = f", with {link.paid} payments complete" if link.max_payments != 1 else ""
            return f"open{until}{counted}{money.replace(':', f'; of attempt {current.number},', 1)}"
        case LinkStatus.PROCESSING:
            return f"in progress{money}"
        case LinkStatus.PAID:
            return f"paid{money}"
        case LinkStatus.EXPIRED:
            return f"expired{money}" if current else "expired, and nobody had begun to pay"
        case LinkStatus.CANCELED:
            return f"canceled{money}" if current else "canceled, and nobody had begun to pay"
        case other:
            assert_never(other)


def _payout_state(dossier: Dossier) -> str:
    payout = dossier.payout
    claimed = "nobody has claimed it" if payout is None else f"its payout is {payout.status.replace('_', ' ')}"
    return f"{dossier.link.status}, and {claimed}"


def _is_late(payment: Payment) -> bool:
    return payment.settlement is Settlement.LATE


def _late(dossier: Dossier, payment: Payment) -> str:
    return f"the {plain(seen(payment, dossier.transfers_of(payment)))} of attempt {payment.number} are"
