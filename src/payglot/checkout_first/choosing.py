"""The first page: what is to be paid, and what the payer may choose."""

from starlette.responses import Response

from payglot.checkout_first import forgery, present
from payglot.checkout_first.desk import Visit
from payglot.checkout_first.views import Ending, Form
from payglot.domain.dossier import Dossier
from payglot.domain.errors import ChoiceInvalid, LinkNotPayable
from payglot.domain.link import LinkStatus
from payglot.domain.merchant import Mode
from payglot.domain.payment import Payment, PaymentStatus
from payglot.operations import links
from payglot.web import simulation
from payglot.web.atomic import Tx, atomic
from payglot.web.flow import Choice, Moment, Way
from payglot.web.refusals import NotPermitted

PURPOSE = "choose"
_GONE = {LinkStatus.PAID: 410, LinkStatus.EXPIRED: 410, LinkStatus.CANCELED: 410}


async def show(visit: Visit) -> Response:
    resumed = _to_resume(visit)
    if resumed is not None:
        return visit.go(visit.attempt_path(resumed))
    return page(visit, Choice(), None)


async def act(visit: Visit) -> Response:
    """Start a payment, or leave. The same rendering of the form starts one payment, however often it is sent."""
    values = await visit.form()
    services = visit.services
    if not forgery.is_ours(visit.request, services.vault, PURPOSE, str(visit.link.id), values, services.public_url):
        raise NotPermitted("form")
    action, nonce = values.get("action", "pay"), values["nonce"]
    if action == "abort":
        url = visit.leave(None, Moment.ABORTED, "choose")
        return visit.go(url or visit.here)
    if visit.merchant.mode is not Mode.TEST:
        return page(visit, Choice(), None)
    choice = Choice(values=values, action=action)

    async def begin(tx: Tx) -> Dossier:
        held = await links.locked(tx, visit.link.id)
        if _started_by(held, nonce) is not None:
            return held
        return await simulation.begin(visit.stage(tx), held, choice, nonce=nonce)

    try:
        dossier = await atomic(services.database, begin)
    except ChoiceInvalid as error:
        return page(visit, choice, (error.field, visit.say(error.reason)))
    except LinkNotPayable:
        return visit.go(visit.here)
    services.wake()
    started = _started_by(dossier, nonce)
    assert started is not None, "the payment was just started"
    return visit.go(visit.attempt_path(started))


def page(visit: Visit, choice: Choice, problem: tuple[str, str] | None) -> Response:
    """`problem` is (field, what is wrong): the form again, with what the payer had filled in."""
    link = visit.link
    if link.status is not LinkStatus.OPEN or not link.has_room:
        ending = present.ending_of_link(visit.dossier, visit.payee, visit.say)
        return visit.page("ending.html", status=_GONE.get(link.status, 200), ending=ending)
    offer = visit.flow.offer(visit.merchant, visit.dossier, visit.now)
    unpayable = offer.unpayable
    if visit.merchant.mode is not Mode.TEST:
        # No rail moves real money yet; a live page must never show a pretended address.
        unpayable = "No way to pay has been set up here yet."
    if unpayable is not None:
        told = visit.say("Nothing more can be paid here. Ask {payee} for help.").format(payee=visit.payee)
        ending = Ending(kind="over", heading=visit.say(unpayable), sentence=told)
        return visit.page("ending.html", ending=ending)
    nonce = forgery.nonce()
    form = Form(
        action=visit.here,
        nonce=nonce,
        proof=forgery.proof(visit.services.vault, PURPOSE, str(link.id), nonce),
        fields=present.fields(offer, choice, problem),
        submit=visit.say(offer.submit),
        secondary=(offer.secondary[0], visit.say(offer.secondary[1])) if offer.secondary else None,
        can_abort=offer.can_abort and visit.leave(None, Moment.ABORTED, "choose") is not None,
    )
    summary = present.summary(offer, visit.dossier, visit.language, visit.say)
    return visit.page(
        "choose.html",
        status=422 if problem else 200,
        image_url=summary.image_url,
        summary=summary,
        form=form,
    )


def _to_resume(visit: Visit) -> Payment | None:
    """A payer who comes back to a private link goes on where they were. On a link that many may pay, nobody does."""
    if visit.link.max_payments != 1 or visit.link.slug is not None:
        return None
    for payment in reversed(visit.dossier.payments):
        waits = payment.status is PaymentStatus.CREATED and visit.flow.way(payment) is Way.CRYPTO
        if waits or payment.status is PaymentStatus.PROCESSING:
            return payment
    return None


def _started_by(dossier: Dossier, nonce: str) -> Payment | None:
    return next((each for each in dossier.payments if each.extras.get("nonce") == nonce), None)
