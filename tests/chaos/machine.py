"""Random sequences of verbs on the real operations and store, each step held against `model`."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import orjson
import uvloop
from hypothesis import HealthCheck, Phase, seed as seeded, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from payglot.domain import identity
from payglot.domain.dossier import Dossier
from payglot.domain.errors import IllegalTransition, LinkNotPayable, TransferKnown
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import MerchantSettings, Mode
from payglot.domain.money import Currency, Money
from payglot.domain.payment import AttemptRule, Opening, Terms
from payglot.domain.payout import Claim
from payglot.domain.refund import RefundRule, RefundTerms
from payglot.domain.transfer import TransferStatus
from payglot.operations import expiry, links, merchants, payments, payouts
from payglot.operations.payments import Receipt
from payglot.store.database import Database, Tx
from payglot.web.atomic import atomic
from tests.chaos.model import LINK_MOVES, PAYMENT_MOVES, TRANSFER_MOVES, Attempt, Model, Refused, Rules, books

T = TypeVar("T")
RAIL = "model"
FIRST_DAY = datetime(2500, 1, 1, tzinfo=UTC)
BATCH = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
APART = timedelta(days=60)
"""Longer than any sequence lasts. Each begins this long before the one before it: the clock's work, which is the real
one, finds nothing overdue of others."""
REFUNDS = {"take": RefundRule.TAKE, "rest": RefundRule.RETURN_REST, "all": RefundRule.RETURN_ALL}
ATTEMPTS = {"many": AttemptRule.MANY, "replace": AttemptRule.REPLACE, "one": AttemptRule.ONE}


@dataclass
class Runtime:
    """What all sequences of one run share: a loop of its own, a database, and the counts. `told` is the rail's own
    book: what it has said is confirmed and not reversed, by currency."""

    loop: asyncio.Runner
    database: Database
    merchant_id: UUID
    sequences: int = 0
    steps: int = 0
    refused: int = 0
    told: dict[Currency, int] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        # Not by the runner itself, which sets signal handlers each time: a fifth of a run would go there.
        return self.loop.get_loop().run_until_complete(work)


@dataclass(frozen=True, kw_only=True)
class Explored:
    sequences: int
    steps: int
    refused: int
    books: dict[Currency, tuple[int, int]]
    """By currency: what the rail says it has brought, and what the database says was received."""


def together(explored: Sequence[Explored]) -> Explored:
    return Explored(
        sequences=sum(each.sequences for each in explored),
        steps=sum(each.steps for each in explored),
        refused=sum(each.refused for each in explored),
        books=_summed([each.books for each in explored]),
    )


def _summed(kept: Sequence[Mapping[Currency, tuple[int, int]]]) -> dict[Currency, tuple[int, int]]:
    sums: dict[Currency, tuple[int, int]] = {}
    for unit, (told, received) in [entry for book in kept for entry in book.items()]:
        before = sums.get(unit, (0, 0))
        sums[unit] = before[0] + told, before[1] + received
    return sums


def explore(database_url: str, *, sequences: int, steps: int, seed: int) -> Explored:
    """Run this many sequences. Raises with a shortened example at the first divergence. Must be called in a thread
    without a running loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(_hurry(database_url))
        database = Database(database_url, size=3)
        try:
            runtime = Runtime(loop=loop, database=database, merchant_id=loop.run(_a_merchant(database)))
            # Hypothesis counts only what it finds worth it, half of what it tries; here every one counts.
            while runtime.sequences < sequences:
                machine = seeded(seed + runtime.sequences)(type("Machine", (LinkMachine,), {"runtime": runtime}))
                run_state_machine_as_test(
                    machine,
                    settings=settings(
                        max_examples=min(BATCH, sequences - runtime.sequences),
                        stateful_step_count=steps,
                        deadline=None,
                        database=None,
                        print_blob=True,
                        phases=(Phase.generate, Phase.shrink),
                        suppress_health_check=list(HealthCheck),
                    ),
                )
            received = loop.run(_received(database, runtime.merchant_id))
        finally:
            loop.run(database.close())
    book = {unit: (runtime.told.get(unit, 0), received.get(unit, 0)) for unit in {*runtime.told, *received}}
    return Explored(sequences=runtime.sequences, steps=runtime.steps, refused=runtime.refused, books=book)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an attempt is started with; times in minutes."""

    how: str
    partial: bool
    top_up: int | None
    late: int
    minutes: int | None
    quoted: int | None
    refunds: tuple[str, str, str] | None


MINUTES = st.sampled_from([0, 1, 1, 5, 5, 10, 15, 31, 61, 130])
AMOUNTS = st.sampled_from([1000, 1000, 1, 300, 400, 700, 999, 1001, 1600])
REFUND = st.sampled_from(["take", "rest", "all"])
OPENINGS = st.builds(
    Wanted,
    how=st.sampled_from(["many", "many", "many", "many", "replace", "one"]),
    partial=st.booleans(),
    top_up=st.sampled_from([None, 30]),
    late=st.sampled_from([0, 10]),
    minutes=st.sampled_from([None, 20, 70]),
    quoted=st.sampled_from([None, 10]),
    refunds=st.none() | st.tuples(REFUND, REFUND, REFUND),
)
DUE = 1000
ATTEMPTS_AT_MOST = 5


class LinkMachine(RuleBasedStateMachine):
    """One link from its birth on. Times are minutes from it, and no two deadlines are equal."""

    runtime: Runtime

    @initialize(
        cap=st.sampled_from([1, 1, 2, 3, None]),
        on_failure=st.sampled_from(list(FailureRule)),
        minutes=st.sampled_from([None, 90, 600]),
        unit=st.sampled_from([Currency.EUR, Currency.USDC]),
        first=OPENINGS,
    )
    def create(
        self, cap: int | None, on_failure: FailureRule, minutes: int | None, unit: Currency, first: Wanted
    ) -> None:
        """A link with an attempt to pay it."""
        self.runtime.sequences += 1
        self.now = FIRST_DAY - self.runtime.sequences * APART
        self.unit, self.words, self.ticks = unit, 0, 0
        expires_at = None if minutes is None else self.now + timedelta(minutes=minutes)
        self.link_id = identity.new_id()
        self.payments: list[UUID] = []
        self.history: list[int] = []
        self.model = Model(cap=cap, on_failure=on_failure.value, expires_at=expires_at)
        link = Link(
            id=self.link_id,
            merchant_id=self.runtime.merchant_id,
            dialect="p100",
            mode=Mode.TEST,
            status=LinkStatus.OPEN,
            currency=unit,
            amount=self.money(DUE),
            title=None,
            reference=None,
            token=identity.page_token(),
            max_payments=cap,
            on_failure=on_failure,
            expires_at=expires_at,
            created_at=self.now,
            updated_at=self.now,
        )
        self.runtime.run(atomic(self.runtime.database, lambda tx: links.create(tx, link)))
        self.start(first)

    # What payers and rails do.

    @precondition(lambda self: len(self.payments) < ATTEMPTS_AT_MOST)
    @rule(wanted=OPENINGS)
    def start(self, wanted: Wanted) -> None:
        # A deadline to itself, by a few milliseconds: equal ones would be worked off in no order.
        apart = timedelta(milliseconds=7 * (len(self.payments) + 1))
        until = None if wanted.minutes is None else self.now + timedelta(minutes=wanted.minutes) + apart
        quote = None if wanted.quoted is None else self.now + timedelta(minutes=wanted.quoted) + apart
        over, under, after = wanted.refunds or ("take", "take", "take")
        rules = Rules(
            partial_completes=wanted.partial,
            top_up=None if wanted.top_up is None else timedelta(minutes=wanted.top_up),
            late=timedelta(minutes=wanted.late),
            overpaid=over,
            underpaid=under,
            late_money=after,
        )
        refund = RefundTerms(
            overpaid=REFUNDS[over],
            underpaid=REFUNDS[under],
            late=REFUNDS[after],
            link_seconds=int(rules.refund_life.total_seconds()),
        )
        opening = Opening(
            method="wallet",
            amount=self.money(DUE),
            due=self.money(DUE),
            terms=Terms(
                accepts_partial=wanted.partial,
                top_up_seconds=None if wanted.top_up is None else 60 * wanted.top_up,
                late_seconds=60 * wanted.late,
                refund=None if wanted.refunds is None else refund,
            ),
            expires_at=until,
            rate_expires_at=quote,
            attempts=ATTEMPTS[wanted.how],
        )
        attempt = Attempt(due=DUE, rules=rules, expires_at=until, quoted_until=quote)
        self.both(
            lambda model: model.start(attempt, wanted.how, self.now),
            lambda tx: payments.start(tx, self.link_id, opening, self.now),
        )

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 4), verb=st.sampled_from(["authorize", "confirm", "confirm", "fail", "cancel", "lapse"]))
    def act(self, which: int, verb: str) -> None:
        index = which % len(self.payments)
        at = (self.link_id, self.payments[index], self.now)
        verbs: dict[str, Callable[[Tx], Awaitable[Dossier]]] = {
            "authorize": lambda tx: payments.authorize(tx, *at),
            "confirm": lambda tx: payments.confirm(tx, *at),
            "fail": lambda tx: payments.fail(tx, *at, reason="MS03"),
            "cancel": lambda tx: payments.cancel(tx, *at),
            "lapse": lambda tx: payments.lapse(tx, *at),
        }
        self.both(lambda model: getattr(model, verb)(model.attempts[index], self.now), verbs[verb])

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 4), minor=AMOUNTS, status=st.sampled_from(["detected", "confirmed", "confirmed"]))
    def send(self, which: int, minor: int, status: str) -> None:
        """The rail tells of a transfer that it has not told of."""
        self.words += 1
        self.tell(which % len(self.payments), f"{self.link_id} {self.words}", minor, status)

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 4), status=st.sampled_from(["detected", "confirmed"]))
    def pay(self, which: int, status: str) -> None:
        """Exactly what is due, in one transfer."""
        self.words += 1
        self.tell(which % len(self.payments), f"{self.link_id} {self.words}", DUE, status)

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 4), status=st.sampled_from(["failed", "reversed"]))
    def undo_the_unknown(self, which: int, status: str) -> None:
        """The rail takes back what it never told of."""
        self.words += 1
        self.tell(which % len(self.payments), f"{self.link_id} {self.words}", 300, status)

    @precondition(lambda self: any(attempt.transfers for attempt in self.model.attempts))
    @rule(which=st.integers(0, 9), step=st.integers(0, 1))
    def go_on(self, which: int, step: int) -> None:
        """The rail goes on with a transfer: confirms what it has seen, or refuses it, or takes it back."""
        places = [
            (index, ref, transfer.minor, sorted(TRANSFER_MOVES[transfer.status]))
            for index, each in enumerate(self.model.attempts)
            for ref, transfer in each.transfers.items()
            if TRANSFER_MOVES[transfer.status]
        ]
        if places:
            index, reference, minor, moves = places[which % len(places)]
            self.tell(index, reference, minor, moves[step % len(moves)])

    @precondition(lambda self: any(attempt.transfers for attempt in self.model.attempts))
    @rule(which=st.integers(0, 9), status=st.sampled_from(["detected", "confirmed", "failed", "reversed"]))
    def tell_again(self, which: int, status: str) -> None:
        """The rail says the same again, or something older that comes late."""
        known = [(index, ref) for index, each in enumerate(self.model.attempts) for ref in each.transfers]
        index, reference = known[which % len(known)]
        self.tell(index, reference, self.model.attempts[index].transfers[reference].minor, status)

    @precondition(lambda self: any(attempt.transfers for attempt in self.model.attempts))
    @rule(which=st.integers(0, 9), other=st.integers(0, 4), more=st.sampled_from([0, 1]))
    def tell_amiss(self, which: int, other: int, more: int) -> None:
        """A known reference for another attempt, or with another amount."""
        known = [ref for each in self.model.attempts for ref in each.transfers]
        reference = known[which % len(known)]
        self.tell(other % len(self.payments), reference, DUE + more, "confirmed")

    @precondition(lambda self: any(attempt.refunds for attempt in self.model.attempts))
    @rule(which=st.integers(0, 3))
    def claim_a_refund(self, which: int) -> None:
        places = [(a, r) for a, each in enumerate(self.model.attempts) for r in range(len(each.refunds))]
        index, number = places[which % len(places)]
        link_id = UUID(self.stored["payments"][index]["refunds"][number]["link_id"])
        minor = self.model.attempts[index].refunds[number].minor
        asked = Claim(
            pays=self.money(minor),
            charged=self.money(minor),
            rate=Decimal(1),
            rate_expires_at=self.now,
            network="test",
            destination="here",
        )
        self.both(
            lambda model: model.claim(model.attempts[index].refunds[number], self.now),
            lambda tx: payouts.claim(tx, link_id, asked, self.now),
        )

    # What merchants and the clock do.

    @precondition(lambda self: self.words > 1)
    @rule(status=st.sampled_from(["expired", "canceled"]))
    def end(self, status: str) -> None:
        verb = links.expire if status == "expired" else links.cancel
        self.both(lambda model: model.end(status), lambda tx: verb(tx, self.link_id, self.now))

    @rule(
        active=st.sampled_from([True, True, False, None]),
        cap=st.sampled_from(["same", "same", 1, 2, None]),
        minutes=st.sampled_from([0, 120]),
    )
    def revise(self, active: bool | None, cap: Any, minutes: int) -> None:
        """Other terms, among them more time."""
        to = self.model.cap if cap == "same" else cap
        until = self.now + timedelta(minutes=minutes) if minutes else self.model.expires_at

        async def work(tx: Tx) -> Dossier:
            dossier = await links.locked(tx, self.link_id)
            return await links.revise(tx, dossier, self.now, active=active, max_payments=to, expires_at=until)

        self.both(lambda model: model.revise(self.now, active=active, cap=to, expires_at=until), work)

    @rule(minutes=MINUTES, works=st.sampled_from([True, True, False]))
    def let_time_pass(self, minutes: int, works: bool) -> None:
        """And the clock's work is done, or has not been got round to."""
        self.now += timedelta(minutes=minutes)
        if works:
            self.model.tick(self.now)
            self.runtime.run(expiry.run(self.runtime.database, self.now))

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 4), minor=AMOUNTS)
    def be_interrupted(self, which: int, minor: int) -> None:
        """Money is written down, and the process ends before the commit."""
        receipt = self.receipt(f"{self.link_id} undone", minor, "confirmed")

        async def work() -> None:
            async with self.runtime.database.transaction() as tx:
                await payments.receive(tx, self.link_id, self.payments[which % len(self.payments)], receipt, self.now)
                raise InterruptedError

        try:
            self.runtime.run(work())
        except (InterruptedError, IllegalTransition):
            return
        raise AssertionError("it went on")

    # Both at once.

    def both(self, expected: Callable[[Model], None], work: Callable[[Tx], Awaitable[object]]) -> bool:
        """The verb on the model and on the real thing: both do it, or both refuse it and nothing is changed."""
        tried = copy.deepcopy(self.model)
        possible = True
        try:
            expected(tried)
        except Refused:
            possible = False
        try:
            self.runtime.run(atomic(self.runtime.database, work))
        except (IllegalTransition, LinkNotPayable, TransferKnown) as error:
            if possible:
                raise AssertionError(f"should have been done: {vars(error)}") from error
            self.runtime.refused += 1
            return False
        assert possible, "should have been refused"
        self.model = tried
        return True

    def tell(self, index: int, reference: str, minor: int, status: str) -> None:
        receipt = self.receipt(reference, minor, status)
        known = self.model.attempts[index].transfers.get(reference)
        was = known.status if known is not None else None
        done = self.both(
            lambda model: model.receive(model.attempts[index], reference, minor, status, self.now),
            lambda tx: payments.receive(tx, self.link_id, self.payments[index], receipt, self.now),
        )
        if done:
            brought = minor * ((status == "confirmed") - (was == "confirmed"))
            self.runtime.told[self.unit] = self.runtime.told.get(self.unit, 0) + brought

    def receipt(self, reference: str, minor: int, status: str) -> Receipt:
        return Receipt(rail=RAIL, reference=reference, amount=self.money(minor), status=TransferStatus(status))

    def money(self, minor: int) -> Money:
        return Money(minor=minor, currency=self.unit)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        self.runtime.steps += 1
        self.stored = stored = self.runtime.run(self._read())
        self.payments = [UUID(payment["id"]) for payment in stored["payments"]]
        link, model = stored["link"], self.model
        assert (link["status"], link["taken"], link["paid"]) == (model.status, model.taken, model.paid)
        assert link["max_payments"] == model.cap
        assert model.most is None or link["paid"] <= model.most, "paid more often than it may be"
        assert len(stored["payments"]) == len(model.attempts)
        for payment, attempt in zip(stored["payments"], model.attempts, strict=True):
            _check_payment(payment, attempt)
        self._check_events(stored["events"])
        self._check_books()

    async def _read(self) -> Any:
        async with self.runtime.database.single() as tx:
            rows = await tx.fetch(_STATE, [self.link_id, len(self.history)])
        return orjson.loads(rows[0]["state"])

    def _check_events(self, news: list[dict[str, Any]]) -> None:
        """One per change, numbered without gaps, each a legal step from the one before."""
        self.history += [event["sequence"] for event in news]
        assert self.history == list(range(1, len(self.history) + 1))
        assert len(self.history) == self.model.events == self.stored["link"]["sequence"]
        for event in news:
            kind, before, after = event["kind"], event["before"], event["link"]["status"]
            moves = LINK_MOVES
            if not kind.startswith("link."):
                after, moves = event["payment"], PAYMENT_MOVES
            if before is None:
                assert kind in ("link.created", "payment.created")
            else:
                quiet = kind in ("link.updated", "payment.settlement_changed")
                assert after == before if quiet else after in moves[before], kind
        if news:
            assert news[-1]["link"] == self.stored["link"], "the last event shows the link as it is"

    def _check_books(self) -> None:
        received, credited, unattributed, returned = books(self.model.attempts)
        assert received == credited + unattributed + returned
        for payment, attempt in zip(self.stored["payments"], self.model.attempts, strict=True):
            back = sum(refund["amount"]["minor"] for refund in payment["refunds"] if not refund["revoked"])
            assert back <= max(payment["received"], attempt.claimed), "more back than came"
        assert sum(payment["received"] for payment in self.stored["payments"]) == received


_STATE = """
SELECT json_build_object(
  'link', json_build_object('status', l.status, 'taken', l.taken, 'paid', l.paid, 'sequence', l.sequence,
    'max_payments', l.max_payments),
  'payments', (SELECT coalesce(json_agg(json_build_object('id', p.id, 'status', p.status, 'settlement', p.settlement,
      'received', p.received_minor, 'refunds', p.refunds,
      'expires_at', (extract(epoch FROM p.expires_at) * 1000000)::bigint,
      'transfers', (SELECT coalesce(json_object_agg(t.reference, json_build_array(t.amount_minor, t.status)), '{}')
        FROM transfers t WHERE t.payment_id = p.id)) ORDER BY p.number), '[]')
    FROM payments p WHERE p.link_id = l.id),
  'events', (SELECT coalesce(json_agg(json_build_object('sequence', e.sequence, 'kind', e.kind,
      'before', e.snapshot->'before', 'payment', e.snapshot->'payment'->'status', 'link', json_build_object(
        'status', e.snapshot->'link'->'status', 'taken', e.snapshot->'link'->'taken',
        'paid', e.snapshot->'link'->'paid', 'sequence', e.snapshot->'link'->'sequence',
        'max_payments', e.snapshot->'link'->'max_payments')) ORDER BY e.sequence), '[]')
    FROM events e WHERE e.link_id = l.id AND e.sequence > $2)
)::text AS state
FROM links l WHERE l.id = $1
"""


def _check_payment(payment: dict[str, Any], attempt: Attempt) -> None:
    seen = (payment["status"], payment["settlement"], payment["received"])
    assert seen == (attempt.status, attempt.settlement, attempt.received)
    refunds = [(refund["amount"]["minor"], refund["revoked"]) for refund in payment["refunds"]]
    assert refunds == [(refund.minor, refund.revoked) for refund in attempt.refunds]
    transfers = {reference: (each.minor, each.status) for reference, each in attempt.transfers.items()}
    assert {reference: tuple(each) for reference, each in payment["transfers"].items()} == transfers
    if attempt.status in ("created", "authorizing", "processing", "expired"):
        at = None if attempt.expires_at is None else (attempt.expires_at - _EPOCH) // timedelta(microseconds=1)
        assert payment["expires_at"] == at


async def _hurry(database_url: str) -> None:
    """Commits need not reach the disk: nothing is killed here."""
    database = Database(database_url, size=1)
    async with database.single() as tx:
        name = (await tx.execute(text("SELECT current_database()"))).scalar_one()
        await tx.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    await database.close()


async def _a_merchant(database: Database) -> UUID:
    async with database.transaction() as tx:
        made = await merchants.create(
            tx, name="Model", mode=Mode.TEST, settings=MerchantSettings(), now=datetime.now(UTC)
        )
    return made.id


_RECEIVED = text(
    "SELECT currency, sum(amount_minor) FROM transfers WHERE merchant_id = :id AND status = 'confirmed' GROUP BY 1"
)


async def _received(database: Database, merchant_id: UUID) -> dict[Currency, int]:
    async with database.single() as tx:
        rows = (await tx.execute(_RECEIVED, {"id": merchant_id})).all()
    return {Currency(row[0]): int(row[1]) for row in rows}
