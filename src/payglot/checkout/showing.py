"""GET: the page of a link or of an attempt, as it stands. Looking changes nothing."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout import claimed, desk, offers, pages, standing, states
from payglot.checkout.addresses import ByToken, Home
from payglot.checkout.desk import Visit, desk_of
from payglot.checkout.standing import Standing
from payglot.checkout.views import Choose, Confirm, State
from payglot.domain.link import LinkStatus
from payglot.domain.payment import Payment

WATCHING = "watching"
"""In the query of a waiting page that its payer looks at again: they go on to the merchant when it is over."""
LEFT = "left"

_GONE = (LinkStatus.PAID, LinkStatus.EXPIRED, LinkStatus.CANCELED)


async def link(request: Request, home: Home) -> Response:
    """A payable link's offer (200); for one that ended what became of it (410)."""
    services = desk_of(request).services
    async with services.database.single() as tx:
        visit = await desk.visit(tx, request, home)
    if isinstance(home, ByToken):
        if visit.dossier.link.slug is not None:
            # Its payers know the token from their attempts' addresses; others' attempts are none of their business.
            return pages.see(visit.home)
        if payment := _to_go_on(visit, request.query_params.get("invoice_id")):
            return pages.see(visit.attempt(payment))
    if visit.dossier.payout is not None:
        return render(visit, claimed.page(visit, visit.dossier.payout))
    if standing.takes_payment(visit.dossier.link):
        return render(visit, offers.page(visit, left=LEFT in request.query_params))
    return _ended(visit)


async def attempt(request: Request, token: str, payment_id: UUID, key: str) -> Response:
    services = desk_of(request).services
    async with services.database.single() as tx:
        visit = await desk.visit(tx, request, ByToken(token=token))
    payment = desk.attempt(visit, payment_id, key)
    if WATCHING in request.query_params and (url := visit.way_out(payment)):
        return pages.see(url)
    if _came_too_late(visit, payment):
        return _ended(visit)
    return render(visit, states.attempt(visit, payment), payment=payment)


def render(
    visit: Visit, view: Choose | Confirm | State, *, status: int = 200, payment: Payment | None = None
) -> Response:
    return pages.page(
        view,
        visit.wording,
        status=status,
        secure=visit.desk.services.public_url.startswith("https:"),
        images_from=offers.pictures(view.summary),
        forms_to=visit.ways_out(payment) if view.form else (),
    )


def _ended(visit: Visit) -> Response:
    return render(visit, states.ended(visit), status=410 if visit.dossier.link.status in _GONE else 200)


def _came_too_late(visit: Visit, payment: Payment) -> bool:
    """The link ended, or was paid in another way, before anything came of the attempt: nobody must be asked to pay."""
    return standing.of(payment, visit.now) is Standing.TO_PAY and not standing.takes_payment(visit.dossier.link)


def _to_go_on(visit: Visit, invoice_id: str | None) -> Payment | None:
    """The attempt that whoever opens a single-use link goes on with: the one that is under way, the one that the
    provider's documented query names, or the only one that there will ever be."""
    dossier = visit.dossier
    if dossier.link.max_payments != 1 or not dossier.payments:
        return None
    for payment in reversed(dossier.payments):
        waits = standing.of(payment, visit.now) in standing.WAITING and not _came_too_late(visit, payment)
        if waits or str(payment.id) == invoice_id:
            return payment
    last = dossier.payments[-1]
    spent = standing.takes_payment(dossier.link) and standing.of(last, visit.now) is not Standing.CANCELED
    return last if spent and visit.offer.unpayable else None
