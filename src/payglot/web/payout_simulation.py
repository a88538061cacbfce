"""The sandbox's hand on a payout link: plays payee, merchant and chain, through the same operations as real ones."""

from datetime import timedelta

from payglot.domain.audit import SYSTEM
from payglot.domain.dossier import Dossier
from payglot.domain.errors import LinkNotPayable, OutcomeImpossible
from payglot.domain.merchant import Mode
from payglot.domain.payout import Payout, PayoutStatus
from payglot.operations import payouts
from payglot.rails.payouts import SandboxPayoutRail, sandbox_reference
from payglot.web.flow import Outcome, PayoutFlow
from payglot.web.simulation import Played, Stage, Wish

CHAIN_REFUSAL = "transaction_failed"
_LOOK = timedelta(seconds=30)
_STARTED = (PayoutStatus.SENDING, PayoutStatus.SENT)


async def play(stage: Stage, dossier: Dossier, wish: Wish) -> Played:
    """Claim the payout, unless it is claimed, and carry it on until the outcome is reached; all in one transaction.

    `paid` approves it and sees it through, `failed` lets its transaction fail, `abort` is the merchant who does not
    approve, and `processing` goes as far as the merchant's rule lets it: to where somebody must approve, or until it
    is sent. Raises OutcomeImpossible, LinkNotPayable or ChoiceInvalid.
    """
    flow = stage.flow
    if stage.merchant.mode is not Mode.TEST:
        raise OutcomeImpossible(reason="The link belongs to a live merchant.")
    if not isinstance(flow, PayoutFlow):
        raise OutcomeImpossible(reason="Links of this dialect pay nothing out.")
    if wish.outcome not in flow.outcomes(dossier.link):
        possible = ", ".join(sorted(flow.outcomes(dossier.link)))
        raise OutcomeImpossible(reason=f"This link's outcomes are: {possible}.")
    if dossier.payout is None:
        choice = flow.default_claim(dossier.link, wish.method)
        asked = flow.claim(stage.merchant, dossier, choice, stage.rail, stage.now)
        dossier = await payouts.claim(stage.tx, dossier.link.id, asked, stage.now)
    elif dossier.payout.has_failed or dossier.payout.is_paid:
        raise LinkNotPayable(status=dossier.link.status)
    return Played(dossier=await _carry_on(stage, dossier, wish.outcome), payment=None, redirect_url=None)


async def _carry_on(stage: Stage, dossier: Dossier, outcome: Outcome) -> Dossier:
    tx, now, payout = stage.tx, stage.now, _of(dossier)
    match outcome:
        case Outcome.ABORT:
            if payout.status in _STARTED:
                raise OutcomeImpossible(reason="The payout was sent already.")
            return await payouts.reject(tx, payout.id, now, by=SYSTEM)
        case Outcome.PROCESSING if payout.status is PayoutStatus.AWAITING_APPROVAL:
            return dossier
    if payout.status is PayoutStatus.AWAITING_APPROVAL:
        dossier = await payouts.approve(tx, payout.id, now, by=SYSTEM)
    dossier = await _sent(stage, dossier)
    match outcome:
        case Outcome.PAID:
            return await payouts.complete(tx, payout.id, now)
        case Outcome.FAILED:
            return await payouts.fail(tx, payout.id, now, reason=CHAIN_REFUSAL)
        case _:
            return dossier


async def _sent(stage: Stage, dossier: Dossier) -> Dossier:
    """What the background work does, at once; with the same reference, should both do it."""
    tx, now, payout = stage.tx, stage.now, _of(dossier)
    if payout.status is PayoutStatus.RESERVED:
        dossier = await payouts.hand_over(tx, payout.id, now, rail=SandboxPayoutRail.name, until=now + _LOOK)
    if _of(dossier).status is PayoutStatus.SENDING:
        reference = sandbox_reference(payout.id)
        dossier = await payouts.sent(tx, payout.id, now, reference=reference, look_at=now + _LOOK)
    return dossier


def _of(dossier: Dossier) -> Payout:
    assert dossier.payout is not None
    return dossier.payout
