"""The page of a claimed payout link: where the payout stands, in words."""

from payglot.checkout import forms, offers
from payglot.checkout.desk import Visit
from payglot.checkout.views import Button, Fact, FormTo, Live, State, Tone
from payglot.checkout.wording import foreign
from payglot.domain.payout import FINAL, Claim, Payout, PayoutStatus
from payglot.web.flow import Outcome, PayoutFlow

_TONES: dict[PayoutStatus, Tone] = {
    PayoutStatus.AWAITING_APPROVAL: "wait",
    PayoutStatus.RESERVED: "wait",
    PayoutStatus.SENDING: "wait",
    PayoutStatus.SENT: "wait",
    PayoutStatus.COMPLETED: "good",
    PayoutStatus.FAILED: "bad",
    PayoutStatus.REJECTED: "bad",
}
_HEADINGS = {
    PayoutStatus.AWAITING_APPROVAL: "Waiting for approval",
    PayoutStatus.RESERVED: "Your money is on its way",
    PayoutStatus.SENDING: "Your money is on its way",
    PayoutStatus.SENT: "Your money is on its way",
    PayoutStatus.COMPLETED: "Your money was sent",
    PayoutStatus.FAILED: "The payout did not go through",
    PayoutStatus.REJECTED: "The payout was refused",
}
_SENTENCES = {
    PayoutStatus.AWAITING_APPROVAL: "{} must agree before it is sent. You need not wait on this page.",
    PayoutStatus.RESERVED: "It will be sent to the address below.",
    PayoutStatus.SENDING: "It will be sent to the address below.",
    PayoutStatus.SENT: "It was sent to the address below. It is complete once the network has confirmed it.",
    PayoutStatus.COMPLETED: "The network has confirmed it.",
    PayoutStatus.FAILED: "The money did not leave. Ask {} about it.",
    PayoutStatus.REJECTED: "{} did not agree to it, and nothing was sent.",
}
PLAYS = (
    (Outcome.PAID, "Let the money arrive"),
    (Outcome.FAILED, "Let it fail"),
    (Outcome.ABORT, "Refuse the payout"),
)


def page(visit: Visit, payout: Payout) -> State:
    """Where a claimed payout stands."""
    heading, over = _HEADINGS[payout.status], payout.status in FINAL
    payee = foreign(visit.merchant.name)
    return State(
        shell=offers.shell(visit, f"{visit.wording.plain(heading)} · {payee}"),
        summary=offers.summary(visit, visit.offer),
        tone=_TONES[payout.status],
        heading=heading,
        sentences=(visit.wording.say(_SENTENCES[payout.status], visit.merchant.name),),
        facts=facts(visit, payout),
        form=FormTo(path=visit.home, once=_once(visit, payout)),
        sandbox=_sandbox(visit, payout),
        live=None if over else Live(path=offers.live_path(visit), can_ask=True),
    )


def facts(visit: Visit, told: Claim | Payout) -> tuple[Fact, ...]:
    flow = visit.flow
    rows = flow.receipt(told) if isinstance(flow, PayoutFlow) else ()
    if isinstance(told, Payout) and told.reference:
        rows = (*rows, ("Transaction", told.reference, True))
    return tuple(
        Fact(label=label, value=visit.wording.value(value), copy=value if copyable else None)
        for label, value, copyable in rows
    )


def _once(visit: Visit, payout: Payout) -> forms.Once:
    return forms.once_for(visit.desk.services.vault, visit.dossier.link.id, mark(payout))


def mark(payout: Payout) -> str:
    """What a form was rendered for. That the background work goes on meanwhile changes nothing for whoever plays."""
    under_way = payout.status in (PayoutStatus.RESERVED, PayoutStatus.SENDING, PayoutStatus.SENT)
    return "payout-under-way" if under_way else f"payout-{payout.status}"


def _sandbox(visit: Visit, payout: Payout) -> tuple[Button, ...]:
    if not visit.has_sandbox or payout.status in FINAL:
        return ()
    plays = PLAYS if payout.status in (PayoutStatus.AWAITING_APPROVAL, PayoutStatus.RESERVED) else PLAYS[:2]
    return tuple(
        Button(action=outcome, label=label, main=position == 0) for position, (outcome, label) in enumerate(plays)
    )
