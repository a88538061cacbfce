"""Txn's invoices, the children of payment links."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.txn import auth, invoices, jsonapi, schemas
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
        answers={200: ("OK", schemas.InvoiceDocument), **FAILURES, **NOT_FOUND},
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
    whole = invoices.document(dossier.link, payment, transfers, call.services.public_url)
    return jsonapi.document(200, {**whole, "jsonapi": {"version": "1.0"}})
