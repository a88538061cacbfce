"""Why a link is in its state: every kind of event has its sentence, and every state its words."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.domain import explanation, link as links, payment as payments, payout as payouts
from payglot.domain.dossier import Dossier
from payglot.domain.event import Event, EventKind
from payglot.domain.explanation import Explanation, History, Told
from payglot.domain.link import Direction, FailureRule, Link, LinkStatus
from payglot.domain.money import Currency, Money
from payglot.domain.narration import Birth, Origin, standing
from payglot.domain.payment import Payment, PaymentStatus, Step, Terms
from payglot.domain.payout import Approval, Claim
from payglot.domain.plan import Renewal
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import Transfer, TransferStatus
from tests.domain.build import NOW, a_link, a_transfer, an_opening, euros

KEY = UUID(int=7)
MINUTE = timedelta(minutes=1)


class Play:
    """A link's life in memory, with the events that a store would have kept."""

    def __init__(self, **fields: Any) -> None:
        change = links.birth(a_link(**fields))
        self.link: Link = change.after
        self.events: list[Event] = [change.event]
        self.payments: dict[Any, Payment] = {}
        self.transfers: dict[Any, tuple[Transfer, ...]] = {}
        self.payout: payouts.Payout | None = None
        self.now = NOW

    @property
    def payment(self) -> Payment:
        return list(self.payments.values())[-1]

    def at(self, **parts: float) -> "Play":
        self.now = NOW + timedelta(**parts)
        return self

    def start(self, **fields: Any) -> "Play":
        return self._step(payments.start(self.link, an_opening(**fields), len(self.payments) + 1, self.now))

    def do(self, verb: Callable[..., Step], *arguments: Any, **fields: Any) -> "Play":
        return self._step(verb(self.link, self.payment, *arguments, self.now, **fields))

    def receive(self, *transfers: Transfer) -> "Play":
        return self._step(payments.settle(self.link, self.payment, transfers, self.now))

    def fail(self, reason: str) -> "Play":
        return self._step(payments.fail(self.link, self.payment, (), self.now, reason=reason))

    def lapse(self) -> "Play":
        return self._step(payments.lapse(self.link, self.payment, self.transfers[self.payment.id], self.now))

    def cancel(self) -> "Play":
        return self._step(payments.cancel(self.link, self.payment, (), self.now))

    def move(self, status: LinkStatus) -> "Play":
        return self._change(links.move(self.link, status, self.now))

    def revise(self, **terms: Any) -> "Play":
        return self._change(links.revise(self.link, self.now, **terms))

    def claim(self, approval: Approval = Approval.NOT_NEEDED) -> "Play":
        asked = Claim(
            pays=Money(minor=10_000_000, currency=Currency.USDC),
            charged=euros(1000),
            rate=Decimal(1),
            rate_expires_at=NOW + MINUTE,
            network="polygon",
            destination="0xabc",
            approval=approval,
        )
        return self._payout(payouts.claim(self.link, None, asked, self.now))

    def pay_out(self, verb: Callable[..., payouts.Step], **fields: Any) -> "Play":
        return self._payout(verb(self.link, self.payout, self.now, **fields))

    def explain(self, *told: Told, **birth: Any) -> Explanation:
        dossier = Dossier(
            link=self.link, payments=tuple(self.payments.values()), transfers=self.transfers, payout=self.payout
        )
        return explanation.explain(
            History(
                dossier=dossier.seen_at(self.now),
                events=self.events,
                told=told,
                birth=Birth(**({"title": "P100", "keys": (KEY,)} | birth)),
            )
        )

    def _step(self, step: Step) -> "Play":
        payment = step.payment.after
        self.payments[payment.id], self.transfers[payment.id] = payment, step.transfers
        self.link = step.link.after
        self.events.append(step.payment.event)
        if step.link.event is not step.payment.event:
            self.events.append(step.link.event)
        return self

    def _change(self, change: Any) -> "Play":
        self.link = change.after
        self.events.append(change.event)
        return self

    def _payout(self, step: payouts.Step) -> "Play":
        self.payout, self.link = step.payout.after, step.link.after
        self.events.append(step.payout.event)
        if step.link.event is not step.payout.event:
            self.events.append(step.link.event)
        return self


def usdc(whole: int) -> Money:
    return Money(minor=whole * 1_000_000, currency=Currency.USDC)


def of(payment: Payment, whole: int, status: TransferStatus = TransferStatus.CONFIRMED, **fields: Any) -> Transfer:
    return replace(a_transfer(payment, usdc(whole).minor, status), **fields)


def on_chain(**fields: Any) -> dict[str, Any]:
    chosen = {"method": "usdc", "network": "polygon", "amount": euros(1000), "due": usdc(100)}
    return chosen | {"terms": Terms(top_up_seconds=1800)} | fields


def told(status: str = "delivered", **fields: Any) -> Told:
    values: dict[str, Any] = {
        "delivery_id": uuid4(),
        "endpoint_id": uuid4(),
        "url": "https://shop.example/hooks?k=1",
        "name": "EXPIRED",
        "status": status,
        "attempts": 1,
        "answer": "200",
        "off": None,
        "created_at": NOW + 2 * MINUTE,
        "next_attempt_at": None,
        "finished_at": NOW + 2 * MINUTE,
    }
    return Told(**(values | fields))


def texts(explained: Explanation) -> Sequence[str]:
    return [cause.text for cause in explained.causes]


def test_late_money_is_explained_from_the_request_to_the_window_that_had_ended() -> None:
    play = Play().start(**on_chain(expires_at=NOW + 60 * MINUTE))
    play.at(minutes=60).lapse()
    play.at(minutes=90)
    transfer = of(play.payment, 80, reference="0xfeed", confirmed_at=play.now, detected_at=play.now)
    explained = play.receive(transfer).explain()
    assert texts(explained) == [
        (
            f"Created by P100's API at 2030-01-01 12:00:00 UTC with the key {KEY} for 10.00 EUR, "
            "open until 2030-01-01 13:00:00 UTC."
        ),
        (
            "The payer chose USDC on Polygon at 2030-01-01 12:00:00 UTC (attempt 1): 100.00 USDC is due for 10.00 EUR "
            "until 2030-01-01 13:00:00 UTC."
        ),
        "The time to pay attempt 1 ended at 2030-01-01 13:00:00 UTC: no money has come for it yet, 100.00 USDC is due.",
        "The link's time ended at 2030-01-01 13:00:00 UTC.",
        "80.00 of 100.00 USDC arrived in transfer 0xfeed at 2030-01-01 13:30:00 UTC.",
        "Of attempt 1, 80.00 USDC came when this attempt could take no money any more: it is late money, kept apart.",
    ]
    assert explained.conclusion == (
        "So the link is expired, and the 80.00 USDC of attempt 1 are late money; no webhook was made of this."
    )
    assert [cause.origin for cause in explained.causes] == [
        Origin.REQUEST,
        Origin.PAGE,
        Origin.CLOCK,
        Origin.CLOCK,
        Origin.TRANSFER,
        Origin.RULE,
    ]
    evidence = explained.causes[4].evidence
    assert (evidence["transfer"], evidence["rail"], evidence["payment"]) == ("0xfeed", "test", str(play.payment.id))
    assert explained.text.endswith(explained.conclusion)


def test_money_that_is_missing_says_how_much_and_until_when() -> None:
    play = Play().start(**on_chain())
    play.at(minutes=5).receive(of(play.payment, 80, confirmed_at=NOW + 5 * MINUTE))
    assert "80.00 of 100.00 USDC has arrived, 20.00 USDC is missing and may be sent until" in play.explain().conclusion
    ended = play.at(hours=2).lapse().explain()
    assert [cause.origin for cause in ended.causes[-2:]] == [Origin.CLOCK, Origin.CLOCK]
    assert texts(ended)[-2] == (
        "The time to send the missing 20.00 USDC ended at 2030-01-01 13:00:00 UTC: attempt 1 failed with "
        "80.00 of 100.00 USDC."
    )


PLAYS: dict[EventKind, tuple[Play, str]] = {
    EventKind.LINK_CREATED: (
        Play(amount=None, max_payments=3),
        "for an amount that the payer chooses, payable 3 times",
    ),
    EventKind.LINK_UPDATED: (
        Play().at(minutes=1).revise(title="New", expires_at=NOW + 120 * MINUTE),
        (
            "The merchant changed it by API at 2030-01-01 12:01:00 UTC: the title from none to New, "
            "its end from 2030-01-01 13:00:00 UTC to 2030-01-01 14:00:00 UTC."
        ),
    ),
    EventKind.LINK_PROCESSING: (Play().start().do(payments.confirm), "its payment has begun, and the link takes no"),
    EventKind.LINK_EXPIRED: (Play().move(LinkStatus.EXPIRED), "The merchant ended it by API"),
    EventKind.LINK_CANCELED: (Play().move(LinkStatus.CANCELED), "The merchant revoked it by API"),
    EventKind.LINK_REOPENED: (
        Play().start().do(payments.confirm).fail("MS03"),
        "With it, a place is free again (it is unpaid) and the link is open.",
    ),
    EventKind.PAYMENT_CREATED: (Play().start(), "The payer chose card at"),
    EventKind.PAYMENT_AUTHORIZING: (Play().start().do(payments.authorize), "The payer went to their bank or wallet"),
    EventKind.PAYMENT_PROCESSING: (Play().start().do(payments.confirm), "The payer confirmed attempt 1 at"),
    EventKind.PAYMENT_FAILED: (
        Play().start().fail("declined"),
        "refused attempt 1 at 2030-01-01 12:00:00 UTC (declined)",
    ),
    EventKind.PAYMENT_CANCELED: (Play().start().cancel(), "The payer gave attempt 1 up at"),
    EventKind.PAYMENT_EXPIRED: (
        Play().start(terms=Terms(late_seconds=86400)).at(minutes=60).lapse(),
        "late money is still taken until 2030-01-02 13:00:00 UTC",
    ),
    EventKind.PAYOUT_CREATED: (
        Play(direction=Direction.OUT).claim(Approval.PENDING),
        (
            "The payee claimed it at 2030-01-01 12:00:00 UTC: 10.00 USDC to 0xabc on polygon; "
            "somebody at the merchant's must approve it."
        ),
    ),
    EventKind.PAYOUT_APPROVED: (
        Play(direction=Direction.OUT).claim(Approval.PENDING).pay_out(payouts.approve),
        "The payout was approved at",
    ),
    EventKind.PAYOUT_REJECTED: (
        Play(direction=Direction.OUT).claim(Approval.PENDING).pay_out(payouts.reject),
        "The payout was refused at 2030-01-01 12:00:00 UTC (rejected).",
    ),
    EventKind.PAYOUT_SENDING: (
        Play(direction=Direction.OUT).claim().pay_out(payouts.hand_over, rail="test", until=NOW),
        "The payout was handed to the rail test at",
    ),
    EventKind.PAYOUT_FAILED: (
        Play(direction=Direction.OUT).claim().pay_out(payouts.fail, reason="no funds"),
        "The payout failed at 2030-01-01 12:00:00 UTC (no funds).",
    ),
}


def with_money() -> None:
    """What needs a payment at hand to be played."""
    whole = Play().start()
    whole.receive(a_transfer(whole.payment, 1000))
    PLAYS[EventKind.LINK_PAID] = (whole, "With it, its payment is complete: the link is paid.")
    PLAYS[EventKind.PAYMENT_PAID] = (whole, "With it, attempt 1 is paid: all of the 10.00 EUR has arrived.")
    back = Play().start()
    transfer = a_transfer(back.payment, 1000)
    back.receive(transfer).receive(replace(transfer, status=TransferStatus.REVERSED))
    PLAYS[EventKind.PAYMENT_REVERSED] = (
        back,
        "With it, attempt 1 is reversed: the money that had arrived was taken back.",
    )
    short = Play().start(terms=Terms(top_up_seconds=60))
    seen = a_transfer(short.payment, 400, TransferStatus.DETECTED)
    short.receive(seen).receive(replace(seen, status=TransferStatus.CONFIRMED, confirmed_at=NOW))
    PLAYS[EventKind.PAYMENT_SETTLEMENT_CHANGED] = (
        short,
        "Of attempt 1, 4.00 of 10.00 EUR has arrived, 6.00 EUR is missing",
    )
    sent = Play(direction=Direction.OUT).claim().pay_out(payouts.hand_over, rail="test", until=NOW)
    sent.pay_out(payouts.sent, reference="0xout", look_at=NOW)
    PLAYS[EventKind.PAYOUT_SENT] = (sent, "The rail sent 10.00 USDC in transfer 0xout at")
    done = Play(direction=Direction.OUT).claim().pay_out(payouts.hand_over, rail="test", until=NOW)
    done.pay_out(payouts.sent, reference="0xout", look_at=NOW).pay_out(payouts.complete)
    PLAYS[EventKind.PAYOUT_COMPLETED] = (done, "Transfer 0xout is final since")


with_money()


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_has_its_sentence(kind: EventKind) -> None:
    play, sentence = PLAYS[kind]
    assert kind in {event.kind for event in play.events}
    said = [cause for cause in play.explain().causes if sentence in cause.text]
    assert [cause.evidence.get("kind") for cause in said] == [kind], texts(play.explain())


def a_payment(settlement: Settlement, status: PaymentStatus, received: int) -> Payment:
    born = payments.start(a_link(), an_opening(**on_chain()), 1, NOW).payment.after
    return replace(born, settlement=settlement, status=status, received=usdc(received), failure="rejected")


@pytest.mark.parametrize(
    ("settlement", "status", "received", "words"),
    [
        (Settlement.EXPECTING, PaymentStatus.CREATED, 0, "no money has come for it yet, 100.00 USDC is due"),
        (Settlement.PENDING, PaymentStatus.PROCESSING, 0, "80.00 of 100.00 USDC was seen, and none of it is confirmed"),
        (Settlement.UNDERPAID, PaymentStatus.FAILED, 80, "80.00 of 100.00 USDC has arrived, 20.00 USDC is missing"),
        (Settlement.UNDERPAID, PaymentStatus.PAID, 80, "20.00 USDC is missing, and the merchant takes what came"),
        (Settlement.SETTLED, PaymentStatus.PAID, 100, "all of the 100.00 USDC has arrived"),
        (Settlement.OVERPAID, PaymentStatus.PAID, 120, "120.00 USDC has arrived, 20.00 USDC more than the 100.00 USDC"),
        (Settlement.LATE, PaymentStatus.EXPIRED, 80, "80.00 USDC came when this attempt could take no money any more"),
        (Settlement.REJECTED, PaymentStatus.FAILED, 0, "the money was refused on its way (rejected)"),
        (Settlement.REVERSED, PaymentStatus.REVERSED, 0, "the money that had arrived was taken back"),
    ],
)
def test_every_settlement_has_its_words(
    settlement: Settlement, status: PaymentStatus, received: int, words: str
) -> None:
    payment = a_payment(settlement, status, received)
    assert words in standing(payment, (of(payment, 80),))


def test_all_settlements_are_in_the_table_above() -> None:
    (marker,) = test_every_settlement_has_its_words.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} == set(Settlement)


@pytest.mark.parametrize(
    ("play", "status", "words"),
    [
        (Play(), LinkStatus.OPEN, "open until 2030-01-01 13:00:00 UTC, and nobody has begun to pay"),
        (
            Play(max_payments=None, expires_at=None).start(),
            LinkStatus.OPEN,
            "open, with 0 payments complete; of attempt 1",
        ),
        (Play().start().do(payments.confirm), LinkStatus.PROCESSING, "in progress: no money has come for it yet"),
        (PLAYS[EventKind.LINK_PAID][0], LinkStatus.PAID, "paid: all of the 10.00 EUR has arrived"),
        (Play().move(LinkStatus.EXPIRED), LinkStatus.EXPIRED, "expired, and nobody had begun to pay"),
        (Play().move(LinkStatus.CANCELED), LinkStatus.CANCELED, "canceled, and nobody had begun to pay"),
        (Play(on_failure=FailureRule.CLOSE).start().fail("declined"), LinkStatus.CANCELED, "canceled: the money was"),
        (PLAYS[EventKind.PAYOUT_COMPLETED][0], LinkStatus.PAID, "paid, and its payout is completed"),
        (Play(direction=Direction.OUT), LinkStatus.OPEN, "open, and nobody has claimed it"),
    ],
)
def test_every_state_of_a_link_has_its_words(play: Play, status: LinkStatus, words: str) -> None:
    explained = play.explain()
    assert explained.dossier.link.status is status
    assert explained.conclusion.startswith(f"So the link is {words}"), explained.conclusion


def test_a_link_past_its_end_is_explained_before_the_clocks_work_is_done() -> None:
    explained = Play().at(hours=2).explain()
    assert explained.conclusion.startswith("So the link is expired")
    assert explained.causes[-1].origin is Origin.CLOCK
    assert texts(explained)[-1] == "The link's time ended at 2030-01-01 13:00:00 UTC; its merchant is about to be told."


@pytest.mark.parametrize(
    ("birth", "fields", "words"),
    [
        ({"keys": ()}, {}, "Created by P100's API at 2030-01-01 12:00:00 UTC for 10.00 EUR"),
        ({"keys": (uuid4(), uuid4())}, {}, "with one of the merchant's 2 keys for 10.00 EUR"),
        ({"refund_of": KEY}, {"direction": Direction.OUT}, f"to give 10.00 EUR of payment {KEY} back"),
        (
            {},
            {"renewal": Renewal(subscription_id=KEY, payment_id=KEY, number=2, starts_at=NOW, ends_at=NOW + MINUTE)},
            f"for period 2 of subscription {KEY}: 10.00 EUR",
        ),
    ],
)
def test_how_a_link_came_to_be_is_not_always_a_request(
    birth: dict[str, Any], fields: dict[str, Any], words: str
) -> None:
    assert words in texts(Play(**fields).explain(**birth))[0]


def test_a_periods_link_may_have_ended_with_its_subscription() -> None:
    renewal = Renewal(subscription_id=KEY, payment_id=KEY, number=2, starts_at=NOW, ends_at=NOW + MINUTE)
    explained = Play(renewal=renewal).move(LinkStatus.CANCELED).explain()
    assert f"with subscription {KEY} or by the merchant's own request" in texts(explained)[-1]


def test_a_link_that_gave_money_back_is_revoked_when_nothing_is_owed_any_more() -> None:
    explained = Play(direction=Direction.OUT).move(LinkStatus.CANCELED).explain(refund_of=KEY)
    assert "is not owed any more" in texts(explained)[-1]


def test_whoever_ended_an_attempt_is_named() -> None:
    again = Play().start()
    again.cancel().start()
    assert "The payer chose anew at 2030-01-01 12:00:00 UTC, which ended attempt 1 unpaid." in texts(again.explain())
    over = Play().start(terms=Terms(late_seconds=86400)).at(minutes=60).lapse().at(days=2)
    assert texts(over.lapse().explain())[-1] == "The time for late money of attempt 1 ended at 2030-01-02 13:00:00 UTC."


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        (told(), "The merchant was told `EXPIRED` at 2030-01-01 12:02:00 UTC: shop.example answered 200."),
        (told(attempts=3), "shop.example answered 200 at attempt 3."),
        (
            told("pending", attempts=2, answer="timeout", next_attempt_at=NOW + 3 * MINUTE),
            "not taken `EXPIRED` yet after 2 attempts (last: timeout): the next attempt is due at 2030-01-01 12:03:00",
        ),
        (told("pending", attempts=0, answer=None), "it waits for what was to be said of this link before it."),
        (
            told("pending", attempts=0, answer=None, off="disabled"),
            "its endpoint is disabled, and what is for it waits",
        ),
        (told("exhausted", attempts=5, answer="500"), "given up at 2030-01-01 12:02:00 UTC after 5 attempts"),
        (told("canceled", url=""), "its endpoint was removed"),
    ],
)
def test_what_became_of_a_webhook_is_a_cause_among_the_others(delivery: Told, words: str) -> None:
    play = Play().at(minutes=1).move(LinkStatus.EXPIRED).at(minutes=3)
    explained = play.explain(delivery)
    assert words in texts(explained)[-1]
    assert explained.causes[-1].origin is Origin.DELIVERY
    assert explained.causes[-1].evidence["delivery"] == str(delivery.delivery_id)
    assert "no webhook" not in explained.conclusion


def test_causes_keep_the_order_of_their_events_whatever_the_clocks_said() -> None:
    play = Play().at(minutes=5).start()
    play.at(minutes=4).cancel()
    explained = play.explain(told(created_at=NOW, finished_at=NOW))
    order = [cause.evidence.get("kind", "delivery") for cause in explained.causes]
    assert order == ["link.created", "delivery", "payment.created", "payment.canceled"]
