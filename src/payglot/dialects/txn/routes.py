"""Txn's endpoints: create and read a payment link, read its child invoice."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.txn import auth, invoices, jsonapi, mapping, schemas
from payglot.dialects.txn.auth import NAME
from payglot.dialects.txn.errors import ClientId, WrongType
from payglot.domain.dossier import Dossier
from payglot.domain.errors import NotFound
from payglot.operations import links, payments
from payglot.web import inputs, openapi
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

PREFIX = "/api/public/v1"
RESOURCE = "payment_links"

_FAILURES = {
    400: ("Malformed document, or an include that is unknown", schemas.Failures),
    401: ("The API key is missing or wrong", schemas.Failures),
    403: ("The caller's address is not allowed, or a client-generated id was sent", schemas.Failures),
    406: ("JSON:API without parameters is not acceptable to the client", schemas.Failures),
    500: ("Our fault", schemas.Failures),
    503: ("Temporarily unavailable", schemas.Failures),
}
_NOT_FOUND = {404: ("No such record", schemas.Failures)}
_LINK_PARTS = ("target",)
_INVOICE_PARTS = ("targetAccount", "address", "coinDeposits", "invoiceTransactions", "refundLinks", "binanceOrder")
_INCLUDE = openapi.query("include", "The child is always included", type="string", enum=list(_LINK_PARTS))
_INCLUDE_OF_INVOICE = openapi.query("include", f"All are always included: {', '.join(_INVOICE_PARTS)}", type="string")


@router.post(
    f"{PREFIX}/payment_links",
    **openapi.operation(
        "Creating payment link",
        body=schemas.CreatePaymentLink,
        media_type=jsonapi.MEDIA_TYPE,
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(_INCLUDE,),
        answers={
            201: ("Created", schemas.PaymentLinkDocument),
            409: ("`data.type` is not payment_links", schemas.Failures),
            413: ("The document is too large", schemas.Failures),
            415: ("The media type is not application/vnd.api+json", schemas.Failures),
            422: ("An attribute is not acceptable, or the reference is taken", schemas.Failures),
            **_FAILURES,
        },
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, _LINK_PARTS)
    sent = await jsonapi.read(request)
    _check_frame(sent)
    link = mapping.new_link(
        inputs.check(schemas.CreatePaymentLink, sent), call.merchant, call.caller.credential_id, call.now
    )
    async with call.services.database.single() as tx:
        await links.create(tx, link, unique_reference=True)
    call.services.wake()
    base_url = call.services.public_url
    where = {"Location": f"{base_url}{PREFIX}/payment_links/{link.id}"}
    return jsonapi.document(201, mapping.document(Dossier(link=link), base_url), where)


@router.get(
    f"{PREFIX}/payment_links/{{id}}",
    **openapi.operation(
        "Reading payment link",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(_INCLUDE,),
        answers={200: ("OK", schemas.PaymentLinkDocument), **_FAILURES, **_NOT_FOUND},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, _LINK_PARTS)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, _uuid(id, "link"), call.now)
    return jsonapi.document(200, mapping.document(dossier, call.services.public_url))


@router.get(
    f"{PREFIX}/invoices/{{id}}",
    **openapi.operation(
        "Reading invoice",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(_INCLUDE_OF_INVOICE,),
        answers={200: ("OK", schemas.InvoiceDocument), **_FAILURES, **_NOT_FOUND},
    ),
)
async def read_invoice(id: str, request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, _INVOICE_PARTS)
    async with call.services.database.single() as tx:
        try:
            payment, transfers = await payments.get(tx, _uuid(id, "invoice"))
            dossier = await links.get(tx, call.merchant.id, NAME, payment.link_id, call.now)
        except NotFound:
            raise NotFound(thing="invoice") from None
    whole = invoices.document(dossier.link, payment, transfers, call.services.public_url)
    return jsonapi.document(200, {**whole, "jsonapi": {"version": "1.0"}})


def _check_frame(sent: object) -> None:
    """What JSON:API itself says of a resource to create: the collection's type, no id of the client's."""
    data = sent.get("data") if isinstance(sent, dict) else None
    if not isinstance(data, dict):
        return
    if data.get("id") is not None:
        raise ClientId
    if isinstance(data.get("type"), str) and data["type"] != RESOURCE:
        raise WrongType


def _uuid(text: str, thing: str) -> UUID:
    """What is no id, or one written in another way than ours, names nothing."""
    try:
        id = UUID(text)
    except ValueError:
        raise NotFound(thing=thing) from None
    if str(id) != text.lower():
        raise NotFound(thing=thing)
    return id
