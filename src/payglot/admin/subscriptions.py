"""Subscriptions: list, read, skip a period, cancel. Both changes may be sent again: they happen once."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.admin import cursor
from payglot.admin.office import errand, uuid
from payglot.admin.openapi import BY_MERCHANT, FAILURES
from payglot.domain.errors import NotFound
from payglot.domain.subscription import Period as DomainPeriod, Subscription as DomainSubscription, SubscriptionStatus
from payglot.operations import subscriptions
from payglot.operations.subscriptions import History
from payglot.web import instants, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.openapi import Instant
from payglot.web.refusals import Invalid

LONGEST_NUMBER = 6
"""Digits of a period's number: more weeks than any subscription will ever see."""

router = APIRouter()


class Subscription(TypedDict):
    """`amount` is each renewal's, before tax. `link_id` and `payment_id` are the offer and the payment that started it;
    `periods` counts those that have begun, `unpaid` those that are unpaid now. `payer` is what they told of themselves.
    """

    id: str
    merchant_id: str
    dialect: str
    mode: str
    status: str
    every: str
    amount: str
    currency: str
    title: str | None
    reference: str | None
    link_id: str
    payment_id: str
    payer: dict[str, object]
    periods: int
    unpaid: int
    started_at: Instant
    next_at: Instant | None
    canceled_at: Instant | None
    updated_at: Instant


class Period(TypedDict):
    """`link_id` is the renewal's link: null for the first period, and for one that was skipped beforehand."""

    number: int
    status: str
    starts_at: Instant
    ends_at: Instant
    link_id: str | None
    updated_at: Instant


class SubscriptionWithPeriods(Subscription):
    history: list[Period]


class SubscriptionPage(TypedDict):
    data: list[Subscription]
    next_cursor: str | None


@router.get(
    "/admin/v1/subscriptions",
    **openapi.operation(
        "List subscriptions, newest first",
        answers={200: ("OK", SubscriptionPage), **FAILURES},
        parameters=(
            openapi.query("status", "Only those", type="string", enum=[str(status) for status in SubscriptionStatus]),
            *BY_MERCHANT,
        ),
    ),
)
async def list_subscriptions(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.id_of(request, "cursor")
    merchant_id, status = cursor.id_of(request, "merchant_id"), _status_of(request)
    async with call.services.database.single() as tx:
        found = await subscriptions.newest(tx, merchant_id, status=status, before=before, limit=limit + 1)
    return answer(200, cursor.page(found, limit, subscription, lambda last: str(last.id)))


@router.get(
    "/admin/v1/subscriptions/{subscription_id}",
    **openapi.operation(
        "Read a subscription with its periods", answers={200: ("OK", SubscriptionWithPeriods), **FAILURES}
    ),
)
async def read_subscription(subscription_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        found = await subscriptions.get(tx, uuid(subscription_id, "subscription"))
    return answer(200, with_periods(found))


@router.post(
    "/admin/v1/subscriptions/{subscription_id}/cancel",
    **openapi.operation(
        "Cancel a subscription, and the links that still ask for its money",
        answers={200: ("Canceled, now or before", SubscriptionWithPeriods), **FAILURES},
    ),
)
async def cancel(subscription_id: str, request: Request) -> Response:
    call = errand(request)
    id = uuid(subscription_id, "subscription")

    async def work(tx: Tx) -> History:
        return await subscriptions.cancel(tx, id, call.now, by=call.author)

    canceled = await atomic(call.services.database, work)
    call.services.wake()
    return answer(200, with_periods(canceled))


@router.post(
    "/admin/v1/subscriptions/{subscription_id}/periods/{number}/skip",
    **openapi.operation(
        "Ask no money for a period: one that is due, was left unpaid, or is the next to begin",
        answers={200: ("Skipped, now or before", SubscriptionWithPeriods), **FAILURES},
    ),
)
async def skip(subscription_id: str, number: str, request: Request) -> Response:
    call = errand(request)
    id, which = uuid(subscription_id, "subscription"), _number(number)

    async def work(tx: Tx) -> History:
        return await subscriptions.skip(tx, id, which, call.now, by=call.author)

    skipped = await atomic(call.services.database, work)
    call.services.wake()
    return answer(200, with_periods(skipped))


def subscription(value: DomainSubscription) -> Subscription:
    plan = value.plan
    return {
        "id": str(value.id),
        "merchant_id": str(value.merchant_id),
        "dialect": value.dialect,
        "mode": value.mode,
        "status": value.status,
        "every": plan.every,
        "amount": str(plan.amount),
        "currency": plan.amount.currency,
        "title": plan.title,
        "reference": plan.reference,
        "link_id": str(value.link_id),
        "payment_id": str(value.payment_id),
        "payer": value.payer,
        "periods": value.periods,
        "unpaid": value.unpaid,
        "started_at": instants.millis(value.started_at),
        "next_at": None if value.next_at is None else instants.millis(value.next_at),
        "canceled_at": None if value.canceled_at is None else instants.millis(value.canceled_at),
        "updated_at": instants.millis(value.updated_at),
    }


def with_periods(value: History) -> SubscriptionWithPeriods:
    return {**subscription(value.subscription), "history": [_period(each) for each in value.periods]}


def _period(value: DomainPeriod) -> Period:
    return {
        "number": value.number,
        "status": value.status,
        "starts_at": instants.millis(value.starts_at),
        "ends_at": instants.millis(value.ends_at),
        "link_id": None if value.link_id is None else str(value.link_id),
        "updated_at": instants.millis(value.updated_at),
    }


def _status_of(request: Request) -> SubscriptionStatus | None:
    text = request.query_params.get("status")
    if not text:
        return None
    try:
        return SubscriptionStatus(text)
    except ValueError:
        words = ", ".join(SubscriptionStatus)
        raise Invalid([{"loc": ("status",), "msg": f"must be one of: {words}"}]) from None


def _number(text: str) -> int:
    """A period's number from a path; what is no number names nothing, so it raises NotFound."""
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_NUMBER:
        raise NotFound(thing="period")
    return int(text)
