"""`POST /sandbox/v1/pay`: a payer, their bank and the chain in one call."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.domain.errors import OutcomeImpossible
from payglot.domain.link import Direction, Link
from payglot.domain.merchant import Mode
from payglot.domain.payout import Payout
from payglot.operations import links, merchants
from payglot.sandbox import addresses
from payglot.sandbox.errors import Failed, LiveMode
from payglot.sandbox.wiring import wiring_of
from payglot.web import inputs, instants, openapi, payout_simulation, simulation, stock
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.call import services_of
from payglot.web.flow import Outcome
from payglot.web.openapi import Instant
from payglot.web.simulation import Played, Stage, Wish

router = APIRouter()


class Pay(BaseModel):
    """`url` is the checkout address as the create call returned it. `amount` is what the payer sends, in the link's
    currency. `payment_id` names the attempt to go on with; money for one that has ended comes too late.

    On a link that pays out, `paid` claims the payout, approves it where the merchant's rule wants that, and sees it
    through; `processing` goes as far as the rule lets it; `failed` lets its transaction fail; `abort` is the merchant
    who does not approve. `method` is what the payee wants to receive.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=4096)]
    outcome: Annotated[Outcome, Field(strict=False)]
    method: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    amount: Annotated[str | None, Field(min_length=1, max_length=32, examples=["12.50"])] = None
    quantity: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    payment_id: Annotated[UUID | None, Field(strict=False)] = None


class PaymentPlayed(TypedDict):
    """All amounts are text in major units: `amount` in the link's `currency`, `due` and `received` in `due_currency`.

    Everything about the payment is null when the payer left before starting one; `status` is then `aborted`. On a
    link that pays out there is a payout instead: `due` is what is sent to the payee, at `destination`.
    """

    payment_id: str | None
    payout_id: str | None
    link_id: str
    dialect: str
    status: str
    settlement: str | None
    method: str | None
    network: str | None
    destination: str | None
    quantity: int | None
    amount: str | None
    currency: str
    due: str | None
    due_currency: str | None
    received: str | None
    failure: str | None
    expires_at: Instant | None
    paid_at: Instant | None
    link_status: str
    redirect_url: str | None


@router.post(
    "/sandbox/v1/pay",
    **openapi.operation(
        "Play a payment",
        body=Pay,
        answers={
            200: ("The payment as it stands now, and where the payer's browser goes", PaymentPlayed),
            400: ("The request is not valid", Failed),
            403: ("The link is in live mode", Failed),
            404: ("No link has this address", Failed),
            409: ("The outcome makes no sense for this link, or the link takes no payment now", Failed),
            422: ("The payer cannot choose that on this link", Failed),
        },
        secured=False,
    ),
)
async def pay(request: Request) -> Response:
    body = inputs.check(Pay, await inputs.read_json(request))
    services, wiring = services_of(request), wiring_of(request)
    wish = Wish(
        outcome=body.outcome,
        payment_id=body.payment_id,
        method=body.method,
        amount=body.amount,
        quantity=body.quantity,
    )
    now = services.clock.now()

    async def work(tx: Tx) -> Played:
        found = await addresses.find(tx, body.url, now)
        # Held from here on: what is decided about its payments must still be so when it is written.
        dossier = (await links.locked(tx, found.link.id)).seen_at(now)
        merchant = await merchants.get(tx, dossier.link.merchant_id)
        if Mode.LIVE in (merchant.mode, dossier.link.mode):
            raise LiveMode
        flow = wiring.flows.get(dossier.link.dialect)
        if flow is None:
            raise OutcomeImpossible(reason="Links of this dialect are not served any more.")
        dossier = await stock.stocked(flow, tx, dossier)
        stage = Stage(tx=tx, flow=flow, merchant=merchant, rail=services.rail, now=now)
        play = payout_simulation.play if dossier.link.direction is Direction.OUT else simulation.play
        return await play(stage, dossier, wish)

    played = await atomic(services.database, work)
    services.wake()
    return answer(200, told(played))


def told(played: Played) -> PaymentPlayed:
    link, payment = played.dossier.link, played.payment
    if played.dossier.payout is not None:
        return _told_of_payout(link, played.dossier.payout)
    return {
        "payment_id": str(payment.id) if payment else None,
        "payout_id": None,
        "link_id": str(link.id),
        "dialect": link.dialect,
        "status": payment.status if payment else "aborted",
        "settlement": payment.settlement if payment else None,
        "method": payment.method if payment else None,
        "network": payment.network if payment else None,
        "destination": payment.destination if payment else None,
        "quantity": payment.quantity if payment else None,
        "amount": str(payment.amount) if payment else str(link.amount) if link.amount else None,
        "currency": link.currency,
        "due": str(payment.due) if payment else None,
        "due_currency": payment.due.currency if payment else None,
        "received": str(payment.received) if payment else None,
        "failure": payment.failure if payment else None,
        "expires_at": instants.millis(payment.expires_at) if payment and payment.expires_at else None,
        "paid_at": instants.millis(payment.paid_at) if payment and payment.paid_at else None,
        "link_status": link.status,
        "redirect_url": played.redirect_url,
    }


def _told_of_payout(link: Link, payout: Payout) -> PaymentPlayed:
    return {
        "payment_id": None,
        "payout_id": str(payout.id),
        "link_id": str(link.id),
        "dialect": link.dialect,
        "status": payout.status,
        "settlement": None,
        "method": None,
        "network": payout.network,
        "destination": payout.destination,
        "quantity": None,
        "amount": str(payout.amount),
        "currency": payout.amount.currency,
        "due": str(payout.pays),
        "due_currency": payout.pays.currency,
        "received": None,
        "failure": payout.failure,
        "expires_at": None,
        "paid_at": instants.millis(payout.completed_at) if payout.completed_at else None,
        "link_status": link.status,
        "redirect_url": None,
    }
