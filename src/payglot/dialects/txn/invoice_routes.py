"""Txn's invoices, the children of payment links."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.txn import auth, child_schemas, invoices, jsonapi, linked, listing
from payglot.dialects.txn.auth import NAME
from payglot.dialects.txn.openapi import FAILURES, INCLUDE_OF_INVOICE, INVOICE_PARTS, NOT_FOUND
from payglot.domain.errors import NotFound
from payglot.operations import links, payments
from payglot.web import openapi
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

PREFIX = "/api/public/v1/invoices"


@router.get(
    f"{PREFIX}/{{id}}",
    **openapi.operation(
        "Reading invoice",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(INCLUDE_OF_INVOICE,),
        answers={200: ("OK", child_schemas.InvoiceDocument), **FAILURES, **NOT_FOUND},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, INVOICE_PARTS)
    async with call.services.database.single() as tx:
        try:
            payment, transfers = await payments.get(tx, jsonapi.id_of(id, "invoice"))
            dossier = await links.get(tx, call.merchant.id, NAME, payment.link_id, call.now)
        except NotFound:
            raise NotFound(thing="invoice") from None
    seen = invoices.lapsed(dossier.link, payment, transfers, call.now)
    whole = invoices.document(dossier.link, seen, transfers, call.services.public_url)
    return jsonapi.document(200, {**whole, "jsonapi": {"version": "1.0"}})


@router.get(
    PREFIX,
    **openapi.operation(
        "Listing invoices",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(*listing.PAGING, INCLUDE_OF_INVOICE),
        answers={200: ("OK", child_schemas.InvoicePage), **FAILURES},
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, INVOICE_PARTS)
    wanted = listing.read(request)
    where = wanted.of_children
    async with call.services.database.single() as tx:
        total = await payments.count(tx, call.merchant.id, NAME, where=where)
        found = await payments.page(
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
    data: list[child_schemas.Invoice] = []
    parts: list[child_schemas.Linked] = []
    for dossier, payment in found:
        transfers = dossier.transfers_of(payment)
        seen = invoices.lapsed(dossier.link, payment, transfers, call.now)
        data.append(invoices.resource(dossier.link, seen, transfers, call.services.public_url))
        parts += linked.included(dossier.link, seen, transfers)
    return jsonapi.document(200, listing.document(wanted, data, parts, total))
