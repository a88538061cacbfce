"""POST: a payer chooses, goes back, gives up; a tester plays. Each form may arrive twice and acts once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from payglot.checkout import claiming, desk, forms, offers, pages, showing, standing, states
from payglot.checkout.addresses import ByToken, Home
from payglot.checkout.desk import Visit, desk_of
from payglot.checkout.forms import Form
from payglot.checkout.standing import Standing
from payglot.domain.errors import ChoiceInvalid, IllegalTransition, LinkNotPayable, OutcomeImpossible
from payglot.domain.link import Direction
from payglot.domain.payment import Payment
from payglot.operations import payments
from payglot.web import simulation
from payglot.web.atomic import Tx, atomic
from payglot.web.flow import Choice, Moment, NarrowingFlow, Outcome, Way
from payglot.web.refusals import Invalid
from payglot.web.simulation import Stage, Wish


async def choose(request: Request, home: Home) -> Response:
    """Start a payment with what the payer chose, or leave without one."""
    services = desk_of(request).services
    form = await forms.read(request)

    async def work(tx: Tx) -> str | Response:
        visit = await desk.visit(tx, request, home, lock=True)
        forms.check(services.vault, visit.dossier.link.id, form)
        if visit.dossier.link.direction is Direction.OUT:
            return await claiming.act(tx, visit, form)
        if form.action == states.ABORT:
            return _leave_unpaid(visit)
        if form.action == states.CHANGE:
            return visit.home
        if form.action == "pay" and isinstance(visit.flow, NarrowingFlow):
            part = visit.flow.narrows(Choice(values=form.values))
            if part is not None:
                return visit.page_of(part)
        for payment in visit.dossier.payments:
            if payment.extras.get("nonce") == form.mark:
                return visit.attempt(payment)
        try:
            return await _start(tx, visit, form)
        except LinkNotPayable:
            return visit.home

    try:
        address = await atomic(services.database, work)
    except ChoiceInvalid as error:
        return await _again(request, home, form, error)
    if isinstance(address, Response):
        return address
    services.wake()
    return pages.see(address)


async def act(request: Request, token: str, payment_id: UUID, key: str) -> Response:
    """Do something about a started payment. A form rendered for an earlier state of it does nothing any more."""
    services = desk_of(request).services
    form = await forms.read(request)

    async def work(tx: Tx) -> str:
        visit = await desk.visit(tx, request, ByToken(token=token), lock=True)
        payment = desk.attempt(visit, payment_id, key)
        forms.check(services.vault, payment.id, form)
        if form.mark != standing.mark(visit.dossier, payment):
            return visit.way_out(payment) or visit.attempt(payment)
        return await _deed(form.action)(tx, visit, payment, form.action)

    async def told_no(tx: Tx) -> str:
        visit = await desk.visit(tx, request, ByToken(token=token))
        return visit.attempt(desk.attempt(visit, payment_id, key))

    try:
        address = await atomic(services.database, work)
    except (IllegalTransition, LinkNotPayable, OutcomeImpossible):
        # The page says how it stands by now.
        address = await atomic(services.database, told_no)
    services.wake()
    return pages.see(address)


async def _start(tx: Tx, visit: Visit, form: Form) -> str:
    offer = visit.offer
    if offer.unpayable is not None:
        raise LinkNotPayable(status=visit.dossier.link.status)
    values = _typed(form.values, {f.name for f in offer.fields if f.kind == "amount"}, visit)
    choice = Choice(values=values, action=form.action)
    dossier = await simulation.begin(_stage(tx, visit), visit.dossier, choice, nonce=form.mark)
    return visit.attempt(dossier.payments[-1])


def _stage(tx: Tx, visit: Visit) -> Stage:
    return Stage(tx=tx, flow=visit.flow, merchant=visit.merchant, rail=visit.desk.services.rail, now=visit.now)


def _typed(values: Mapping[str, str], amounts: set[str], visit: Visit) -> dict[str, str]:
    return {name: visit.wording.typed_amount(value) if name in amounts else value for name, value in values.items()}


async def _again(request: Request, home: Home, form: Form, error: ChoiceInvalid) -> Response:
    """The same form once more, filled in as it was, with what is wrong about it."""
    async with desk_of(request).services.database.single() as tx:
        visit = await desk.visit(tx, request, home)
    if not standing.takes_payment(visit.dossier.link):
        return pages.see(visit.home)
    once = forms.Once(mark=form.mark, proof=form.proof)
    return showing.render(visit, offers.page(visit, once=once, sent=form.values, refused=error), status=422)


def _leave_unpaid(visit: Visit) -> str:
    if not standing.takes_payment(visit.dossier.link):
        return visit.home
    return visit.leave(None, Moment.ABORTED, visit.offer.step) or f"{visit.home}?{showing.LEFT}"


Deed = Callable[[Tx, Visit, Payment, str], Awaitable[str]]
"""Does it, and returns where the browser goes."""


def _deed(action: str) -> Deed:
    if action in set(Outcome) - {Outcome.ABORT, Outcome.MANUAL_TRANSFER}:
        return _play
    try:
        return _DEEDS[action]
    except KeyError:
        raise Invalid([]) from None


async def _cancel(tx: Tx, visit: Visit, payment: Payment, action: str) -> str:
    """Cancel the attempt: to pay another way, or to pay nothing."""
    if standing.of(payment, visit.now) is not Standing.TO_PAY:
        return visit.attempt(payment)
    step = simulation.step_of(visit.flow, payment)
    dossier = await payments.cancel(tx, payment.link_id, payment.id, visit.now)
    if action == states.CHANGE:
        return visit.home
    canceled = next(p for p in dossier.payments if p.id == payment.id)
    url = replace(visit, dossier=dossier).leave(canceled, Moment.ABORTED, step)
    return url or f"{visit.home}?{showing.LEFT}"


async def _transferred(tx: Tx, visit: Visit, payment: Payment, action: str) -> str:
    """The payer says that they made the transfer."""
    if visit.flow.way(payment) is not Way.MANUAL_TRANSFER or standing.of(payment, visit.now) is not Standing.TO_PAY:
        return visit.attempt(payment)
    if visit.has_sandbox:
        return await _play(tx, visit, payment, Outcome.MANUAL_TRANSFER)
    dossier = await payments.confirm(tx, payment.link_id, payment.id, visit.now)
    confirmed = next(p for p in dossier.payments if p.id == payment.id)
    url = replace(visit, dossier=dossier).leave(confirmed, Moment.MANUAL_TRANSFER, "transfer")
    return url or visit.attempt(payment)


async def _play(tx: Tx, visit: Visit, payment: Payment, action: str) -> str:
    if not visit.has_sandbox or standing.of(payment, visit.now) not in standing.WAITING:
        return visit.attempt(payment)
    # Other payers of the same link have attempts under way too; only this one is to go on.
    alone = replace(visit.dossier, payments=(payment,))
    played = await simulation.play(_stage(tx, visit), alone, Wish(outcome=Outcome(action)))
    return played.redirect_url or visit.attempt(payment)


_DEEDS: dict[str, Deed] = {states.CHANGE: _cancel, states.ABORT: _cancel, states.TRANSFERRED: _transferred}
