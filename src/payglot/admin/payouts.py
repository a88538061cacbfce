"""Payouts: what waits for approval, and the operator's word on it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.admin import cursor
from payglot.admin.office import errand, uuid
from payglot.admin.openapi import BY_MERCHANT, FAILURES
from payglot.domain.payout import Payout as Stored, PayoutStatus
from payglot.operations import payouts
from payglot.web import inputs, instants, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.openapi import Instant
from payglot.web.refusals import Invalid

router = APIRouter()

_BY_STATUS = openapi.query("status", "Only in this status", type="string", enum=[str(each) for each in PayoutStatus])


class Payout(TypedDict):
    """`amount` is what the link promises, `pays` what is sent, `charged` what the merchant's account is debited; all
    text in major units. `reference` is the rail's own for the transaction."""

    id: str
    merchant_id: str
    link_id: str
    dialect: str
    mode: str
    status: PayoutStatus
    approval: str
    amount: str
    currency: str
    pays: str
    pays_currency: str
    charged: str
    charged_currency: str
    network: str
    destination: str
    tag: str | None
    rail: str | None
    reference: str | None
    failure: str | None
    created_at: Instant
    updated_at: Instant
    decided_at: Instant | None
    sent_at: Instant | None
    completed_at: Instant | None


class PayoutPage(TypedDict):
    data: list[Payout]
    next_cursor: str | None


class RejectPayout(BaseModel):
    """`reason` is kept with the payout; its payee does not see it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Annotated[str | None, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")] = None


@router.get(
    "/admin/v1/payouts",
    **openapi.operation(
        "List payouts, newest first",
        answers={200: ("OK", PayoutPage), **FAILURES},
        parameters=(_BY_STATUS, *BY_MERCHANT),
    ),
)
async def index(request: Request) -> Response:
    call = errand(request)
    limit, before = cursor.limit_of(request), cursor.id_of(request, "cursor")
    merchant_id, statuses = cursor.id_of(request, "merchant_id"), _statuses(request)
    async with call.services.database.single() as tx:
        found = await payouts.newest(tx, merchant_id, statuses=statuses, before=before, limit=limit + 1)
    return answer(200, cursor.page(found, limit, shown, lambda last: str(last.id)))


@router.get(
    "/admin/v1/payouts/{payout_id}",
    **openapi.operation("Read a payout", answers={200: ("OK", Payout), **FAILURES}),
)
async def read(payout_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        return answer(200, shown(await payouts.get_any(tx, uuid(payout_id, "payout"))))


@router.post(
    "/admin/v1/payouts/{payout_id}/approve",
    **openapi.operation("Approve a payout that waits for it", answers={200: ("Approved", Payout), **FAILURES}),
)
async def approve(payout_id: str, request: Request) -> Response:
    call = errand(request)

    async def work(tx: Tx) -> Response:
        dossier = await payouts.approve(tx, uuid(payout_id, "payout"), call.now, by=call.author)
        assert dossier.payout is not None
        return answer(200, shown(dossier.payout))

    response = await atomic(call.services.database, work)
    call.services.wake()
    return response


@router.post(
    "/admin/v1/payouts/{payout_id}/reject",
    **openapi.operation(
        "Reject a payout that was not handed to a rail yet",
        body=RejectPayout,
        answers={200: ("Rejected", Payout), **FAILURES},
    ),
)
async def reject(payout_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(RejectPayout, await inputs.read_json(request))

    async def work(tx: Tx) -> Response:
        id = uuid(payout_id, "payout")
        dossier = await payouts.reject(tx, id, call.now, reason=body.reason, by=call.author)
        assert dossier.payout is not None
        return answer(200, shown(dossier.payout))

    response = await atomic(call.services.database, work)
    call.services.wake()
    return response


def shown(payout: Stored) -> Payout:
    return {
        "id": str(payout.id),
        "merchant_id": str(payout.merchant_id),
        "link_id": str(payout.link_id),
        "dialect": payout.dialect,
        "mode": payout.mode,
        "status": payout.status,
        "approval": payout.approval,
        "amount": str(payout.amount),
        "currency": payout.amount.currency,
        "pays": str(payout.pays),
        "pays_currency": payout.pays.currency,
        "charged": str(payout.charged),
        "charged_currency": payout.charged.currency,
        "network": payout.network,
        "destination": payout.destination,
        "tag": payout.tag,
        "rail": payout.rail,
        "reference": payout.reference,
        "failure": payout.failure,
        "created_at": instants.millis(payout.created_at),
        "updated_at": instants.millis(payout.updated_at),
        "decided_at": None if payout.decided_at is None else instants.millis(payout.decided_at),
        "sent_at": None if payout.sent_at is None else instants.millis(payout.sent_at),
        "completed_at": None if payout.completed_at is None else instants.millis(payout.completed_at),
    }


def _statuses(request: Request) -> frozenset[PayoutStatus] | None:
    text = request.query_params.get("status")
    if not text:
        return None
    try:
        return frozenset({PayoutStatus(text)})
    except ValueError:
        raise Invalid([{"loc": ("status",), "msg": "is not a status of payouts"}]) from None
