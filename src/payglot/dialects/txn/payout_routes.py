"""Txn's payouts, the children of payment links that pay out."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.txn import auth, child_schemas, jsonapi, listing, payouts as mapping
from payglot.dialects.txn.auth import NAME
from payglot.dialects.txn.openapi import FAILURES, INCLUDE_OF_PAYOUT, NOT_FOUND, PAYOUT_PARTS
from payglot.operations import payouts
from payglot.web import openapi
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

PREFIX = "/api/public/v1/payouts"


@router.get(
    f"{PREFIX}/{{id}}",
    **openapi.operation(
        "Reading payout",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(INCLUDE_OF_PAYOUT,),
        answers={200: ("OK", child_schemas.PayoutDocument), **FAILURES, **NOT_FOUND},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, PAYOUT_PARTS)
    async with call.services.database.single() as tx:
        link, payout = await payouts.get(tx, call.merchant.id, NAME, jsonapi.id_of(id, "payout"), call.now)
    return jsonapi.document(200, {**mapping.document(link, payout), "jsonapi": {"version": "1.0"}})


@router.get(
    PREFIX,
    **openapi.operation(
        "Listing payouts",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(*listing.PAGING, INCLUDE_OF_PAYOUT),
        answers={200: ("OK", child_schemas.PayoutPage), **FAILURES},
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, PAYOUT_PARTS)
    wanted = listing.read(request)
    where = wanted.of_children
    async with call.services.database.single() as tx:
        total = await payouts.count(tx, call.merchant.id, NAME, where=where)
        found = await payouts.page(
            tx,
            call.merchant.id,
            NAME,
            call.now,
            where=where,
            descending=wanted.descending,
            offset=wanted.offset,
            total=total,
            limit=wanted.per_page,
        )
    data = [mapping.resource(link, payout) for link, payout in found]
    parts = [part for _, payout in found for part in mapping.included(payout)]
    return jsonapi.document(200, listing.document(wanted, data, parts, total))
