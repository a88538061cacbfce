"""A payer's own attempt: instructions, progress, the truth at the end."""

from starlette.responses import Response

from payglot.checkout_first import address, forgery, present
from payglot.checkout_first.desk import Visit
from payglot.checkout_first.views import Form
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChangedMeanwhile, IllegalTransition, LinkNotPayable, NotFound, OutcomeImpossible
from payglot.domain.merchant import Mode
from payglot.domain.payment import LIVE, Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.operations import links, payments
from payglot.web import live, simulation
from payglot.web.atomic import Tx, atomic
from payglot.web.flow import Moment, Outcome, Way
from payglot.web.refusals import NotPermitted
from payglot.web.simulation import Played, Wish

PURPOSE = "attempt"
LOOK_SECONDS = 1.0
ONWARD_SECONDS = 4


async def show(visit: Visit) -> Response:
    payment = _payment(visit)
    status_path = f"{visit.here}/{address.STATUS}"
    onward = _onward(visit, payment)
    if _is_with_payer(visit, payment):
        nonce = forgery.nonce()
        form = Form(
            action=visit.here,
            nonce=nonce,
            proof=forgery.proof(visit.services.vault, PURPOSE, str(payment.id), nonce),
        )
        outcomes = visit.flow.outcomes(visit.link) if visit.services.sandbox else frozenset()
        instructions = visit.flow.instructions(visit.merchant, visit.dossier, payment)
        attempt = present.attempt(instructions, payment, outcomes, form, status_path, visit.say)
        return visit.page("attempt.html", attempt=attempt, sandbox=visit.services.sandbox)
    ending = present.ending_of_attempt(
        visit.dossier, payment, visit.payee, onward, status_path, visit.language, visit.say
    )
    again = visit.link.status == "open" and visit.link.has_room and payment.status is not PaymentStatus.PROCESSING
    if ending.onward_url is None and again and not payment.is_paid:
        ending = present.with_onward(ending, address.of_link(visit.link), visit.say("Try again"))
    return visit.page("ending.html", ending=ending, onward_seconds=ONWARD_SECONDS if onward else None)


async def act(visit: Visit) -> Response:
    """One of the sandbox's buttons, or a change of mind. What is no longer possible shows the state it is in."""
    payment, services = _payment(visit), visit.services
    values = await visit.form()
    if not forgery.is_ours(visit.request, services.vault, PURPOSE, str(payment.id), values, services.public_url):
        raise NotPermitted("form")
    action = values.get("action", "")
    try:
        if action == "change":
            return await _change(visit, payment)
        wish = Wish(outcome=Outcome(action), payment_id=payment.id)
    except ValueError:
        return visit.go(visit.here)
    if not services.sandbox or visit.merchant.mode is not Mode.TEST:
        raise NotPermitted("sandbox")

    async def work(tx: Tx) -> Played:
        held = await links.locked(tx, visit.link.id)
        return await simulation.play(visit.stage(tx), held, wish)

    try:
        played = await atomic(services.database, work)
    except (IllegalTransition, LinkNotPayable, OutcomeImpossible):
        return visit.go(visit.here)
    services.wake()
    return visit.go(played.redirect_url or visit.here)


def stream(visit: Visit) -> Response:
    """Tells the page when its attempt has moved on; the page then loads itself again."""
    payment, services = _payment(visit), visit.services
    known = _digest(visit.dossier, payment)

    async def look() -> bytes:
        nonlocal known
        async with services.database.single() as tx:
            dossier = await links.get_by_token(tx, visit.link.token, services.clock.now())
        current = next((each for each in dossier.payments if each.id == payment.id), payment)
        digest = _digest(dossier, current)
        if digest == known:
            return b""
        known = digest
        return live.event("moved", {"status": current.status, "settlement": current.settlement})

    return visit.desk.streams.open(services, look, look_seconds=LOOK_SECONDS)


async def _change(visit: Visit, payment: Payment) -> Response:
    async def work(tx: Tx) -> None:
        await payments.cancel(tx, visit.link.id, payment.id, visit.now)

    if payment.status in (PaymentStatus.CREATED, PaymentStatus.AUTHORIZING):
        try:
            await atomic(visit.services.database, work)
        except (IllegalTransition, ChangedMeanwhile):
            return visit.go(visit.here)
        visit.services.wake()
    return visit.go(address.of_link(visit.link))


def _is_with_payer(visit: Visit, payment: Payment) -> bool:
    """Whether the payer still has something to do."""
    if payment.status not in LIVE:
        return False
    if payment.status is not PaymentStatus.PROCESSING:
        return True
    partly = payment.settlement is Settlement.UNDERPAID
    seen = payment.settlement is Settlement.PENDING and visit.flow.way(payment) is Way.CRYPTO
    return (partly and visit.flow.way(payment) is Way.CRYPTO) or (seen and payment.received.minor > 0)


def _onward(visit: Visit, payment: Payment) -> str | None:
    moment = visit.flow.final(visit.dossier, payment)
    if payment.status is PaymentStatus.CANCELED:
        moment = moment or Moment.ABORTED
    if moment is None:
        return None
    return visit.leave(payment, moment, simulation.step_of(visit.flow, payment))


def _payment(visit: Visit) -> Payment:
    if visit.payment is None:
        raise NotFound(thing="payment")
    return visit.payment


def _digest(dossier: Dossier, payment: Payment) -> tuple[str, ...]:
    return (payment.status, payment.settlement, str(payment.received), dossier.link.status)
