"""Subscriptions as DevDraft's links and webhooks show them. The provider documents the words of `recurringType` and
nothing that follows from them: how it goes on is ours. Pure functions."""

from payglot.dialects.devdraft import ids, inferred, schemas
from payglot.domain.link import Link, LinkStatus
from payglot.domain.money import Money
from payglot.domain.payment import Payment
from payglot.domain.plan import Cadence, Plan
from payglot.domain.subscription import id_for
from payglot.web import instants

SUBSCRIPTION = "sub_"
PAYMENT = "pay_"

_CADENCES = {
    "WEEKLY": Cadence.WEEK,
    "BI_WEEKLY": Cadence.TWO_WEEKS,
    "MONTHLY": Cadence.MONTH,
    "BI_MONTHLY": Cadence.TWO_MONTHS,
    "QUARTERLY": Cadence.QUARTER,
    "ANNUALLY": Cadence.YEAR,
}
_WORDS = {
    Cadence.WEEK: "every week",
    Cadence.TWO_WEEKS: "every two weeks",
    Cadence.MONTH: "every month",
    Cadence.TWO_MONTHS: "every two months",
    Cadence.QUARTER: "every three months",
    Cadence.YEAR: "every year",
}
_STARTS = "You subscribe by paying: the same amount will be asked for {}, until the subscription is canceled."
_RENEWS = "This pays for your subscription from {} to {}."


def type_of(body: schemas.CreatePaymentLink) -> str:
    """What a new link is to have as its `recurringType`."""
    if body.linkType == "SUBSCRIPTION" and "recurringType" not in body.model_fields_set:
        return inferred.SUBSCRIPTION_RECURS
    return body.recurringType


def words(link: Link) -> str | None:
    """How often a subscription's payer pays, in plain words; None for what is paid once."""
    every = _every(link)
    return None if every is None else _WORDS[every]


def notices(link: Link) -> tuple[str, ...]:
    """What a payer should read before they pay."""
    every, renewal = _every(link), link.renewal
    if renewal is not None:
        return (_RENEWS.format(renewal.starts_at.date().isoformat(), renewal.ends_at.date().isoformat()),)
    return () if every is None else (_STARTS.format(_WORDS[every]),)


def plan(link: Link, amount: Money) -> Plan | None:
    """What the payer of an offer subscribes to: the link as it is now, `amount` before tax. None for a link that starts
    no subscription."""
    every = _every(link)
    if every is None or link.renewal is not None:
        return None
    return Plan(
        every=every,
        amount=amount,
        title=link.title,
        reference=link.reference,
        address=link.slug,
        extras=link.extras | {"limit_payments": True, "max_payments": 1},
    )


def of_link(link: Link) -> schemas.SubscriptionMember:
    """Names the subscription on the link of a renewal."""
    renewal = link.renewal
    if renewal is None:
        return {}
    return {
        "subscription": {
            "id": ids.spell(SUBSCRIPTION, renewal.subscription_id),
            "startedByPaymentId": ids.spell(PAYMENT, renewal.payment_id),
            "period": renewal.number,
            "periodStart": instants.millis(renewal.starts_at),
            "periodEnd": instants.millis(renewal.ends_at),
            "periodStatus": _period_status(link),
        }
    }


def of_payment(payment: Payment) -> schemas.SubscriptionIdMember:
    """Names the subscription that a payment started by being paid."""
    if payment.plan is None or payment.paid_at is None:
        return {}
    return {"subscriptionId": ids.spell(SUBSCRIPTION, id_for(payment))}


def _every(link: Link) -> Cadence | None:
    return _CADENCES.get(link.extras["recurring_type"]) if link.extras["link_type"] == "SUBSCRIPTION" else None


def _period_status(link: Link) -> schemas.PeriodStatus:
    """By the link alone, so that every webhook says what was so when it happened."""
    if link.paid:
        return "PAID"
    match link.status:
        case LinkStatus.OPEN | LinkStatus.PROCESSING:
            return "DUE"
        case LinkStatus.PAID | LinkStatus.EXPIRED:
            return "UNPAID"
        case LinkStatus.CANCELED:
            return "CANCELED"
