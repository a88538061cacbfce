"""The pages of a payout link: its payee says where the money goes, sees it once more, confirms, and can follow it.

The first page is the checkout's own (`offers`); from the claim on the link's address shows where the payout stands. A
link is claimed once: a form that arrives twice, or a second tab's, finds it claimed and shows that.
"""

from contextlib import suppress

from starlette.responses import Response

from payglot.checkout import claimed, forms, offers, showing, standing
from payglot.checkout.desk import Visit
from payglot.checkout.forms import Form
from payglot.checkout.views import Button, Confirm, FormTo
from payglot.domain.errors import LinkNotPayable, OutcomeImpossible
from payglot.domain.payout import Claim, Payout
from payglot.operations import payouts
from payglot.web import payout_simulation
from payglot.web.atomic import Tx
from payglot.web.flow import Choice, Outcome, PayoutFlow
from payglot.web.refusals import Invalid
from payglot.web.simulation import Stage, Wish

LOOK, CLAIM = "pay", "claim"
"""What a payee's forms ask for: see it once more, and have it sent."""
SHOWN = "shown"
"""The amount that the payee saw when they confirmed."""


async def act(tx: Tx, visit: Visit, form: Form) -> str | Response:
    """Where the browser goes, or the page that asks once more; raises ChoiceInvalid.

    `visit` holds the link for a change.
    """
    flow, payout = visit.flow, visit.dossier.payout
    if not isinstance(flow, PayoutFlow):
        raise LinkNotPayable(status=visit.dossier.link.status)
    if payout is not None:
        return await _play(tx, visit, payout, form)
    if visit.offer.unpayable is not None or not standing.takes_payment(visit.dossier.link):
        return visit.home
    if form.action not in (LOOK, CLAIM):
        raise Invalid([])
    asked = flow.claim(visit.merchant, visit.dossier, Choice(values=form.values), visit.desk.services.rail, visit.now)
    if form.action == LOOK or form.values.get(SHOWN) != str(asked.pays):
        return _confirm(visit, flow, asked, form)
    await payouts.claim(tx, visit.dossier.link.id, asked, visit.now)
    return visit.home


def _confirm(visit: Visit, flow: PayoutFlow, asked: Claim, form: Form) -> Response:
    values = {name: value for name, value in form.values.items() if name in {f.name for f in visit.offer.fields}}
    view = Confirm(
        shell=offers.shell(visit, visit.wording.plain("Money from {}", visit.merchant.name)),
        summary=offers.summary(visit, visit.offer, ends=True),
        facts=claimed.facts(visit, asked),
        values=tuple((values | {SHOWN: str(asked.pays)}).items()),
        form=FormTo(path=visit.home, once=forms.Once(mark=form.mark, proof=form.proof)),
        buttons=(Button(action=CLAIM, label="Send it to this address", main=True),),
        change=visit.home,
    )
    return showing.render(visit, view)


async def _play(tx: Tx, visit: Visit, payout: Payout, form: Form) -> str:
    """What a tester makes of it; a form rendered for an earlier state does nothing any more."""
    if (
        form.mark != claimed.mark(payout)
        or not visit.has_sandbox
        or form.action not in {each for each, _ in claimed.PLAYS}
    ):
        return visit.home
    stage = Stage(tx=tx, flow=visit.flow, merchant=visit.merchant, rail=visit.desk.services.rail, now=visit.now)
    # Where it has moved on meanwhile, the page says so.
    with suppress(LinkNotPayable, OutcomeImpossible):
        await payout_simulation.play(stage, visit.dossier, Wish(outcome=Outcome(form.action)))
    return visit.home
