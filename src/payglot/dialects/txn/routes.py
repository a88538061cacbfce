"""Txn's payment links: create, read, list, expire."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.txn import auth, frame, invoices, jsonapi, listing, mapping, schemas
from payglot.dialects.txn.auth import NAME
from payglot.dialects.txn.errors import ClientId, WrongType
from payglot.dialects.txn.openapi import FAILURES, INCLUDE_OF_LINK, LINK_PARTS, LOCATION, NOT_FOUND
from payglot.domain.dossier import Dossier
from payglot.domain.errors import IllegalTransition
from payglot.domain.link import LinkStatus
from payglot.operations import links
from payglot.web import inputs, openapi
from payglot.web.atomic import Tx, atomic
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

PREFIX = "/api/public/v1"
RESOURCE = "payment_links"


@router.post(
    f"{PREFIX}/payment_links",
    **openapi.operation(
        "Creating payment link",
        body=schemas.CreatePaymentLink,
        media_type=jsonapi.MEDIA_TYPE,
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(INCLUDE_OF_LINK,),
        answers={
            201: ("Created", schemas.PaymentLinkDocument, LOCATION),
            409: ("`data.type` is not payment_links", frame.Failures),
            413: ("The document is too large", frame.Failures),
            415: ("The media type is not application/vnd.api+json", frame.Failures),
            422: ("An attribute is not acceptable, or the reference is taken", frame.Failures),
            **FAILURES,
        },
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, LINK_PARTS)
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
        parameters=(INCLUDE_OF_LINK,),
        answers={200: ("OK", schemas.PaymentLinkDocument), **FAILURES, **NOT_FOUND},
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, LINK_PARTS)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, jsonapi.id_of(id, "link"), call.now)
    seen = invoices.seen_at(dossier, call.now)
    return jsonapi.document(200, mapping.document(seen, call.services.public_url))


@router.get(
    f"{PREFIX}/payment_links",
    **openapi.operation(
        "Listing payment links",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(*listing.PAGING, INCLUDE_OF_LINK),
        answers={200: ("OK", schemas.PaymentLinkPage), **FAILURES},
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request)
    jsonapi.negotiate(request, LINK_PARTS)
    wanted = listing.read(request)
    where = links.Where(
        reference=wanted.reference, created_from=wanted.created_from, created_until=wanted.created_until
    )
    order = links.Order(descending=wanted.descending)
    own = (call.merchant.id, NAME, call.now)
    async with call.services.database.single() as tx:
        total = await links.count(tx, *own, where=where)
        found = await links.page(
            tx, *own, where=where, order=order, offset=wanted.offset, total=total, limit=wanted.per_page
        )
    base_url = call.services.public_url
    seen = [invoices.seen_at(dossier, call.now) for dossier in found]
    data = [mapping.resource(dossier, base_url) for dossier in seen]
    parts = [part for dossier in seen for part in mapping.included(dossier, base_url)]
    return jsonapi.document(200, listing.document(wanted, data, parts, total))


@router.post(
    f"{PREFIX}/payment_links/{{id}}/expiration",
    **openapi.operation(
        "Expiring payment link",
        answer_type=jsonapi.MEDIA_TYPE,
        parameters=(INCLUDE_OF_LINK,),
        answers={
            200: ("Expired", schemas.PaymentLinkDocument),
            422: ("It is completed or expired", frame.Failures),
            **FAILURES,
            **NOT_FOUND,
        },
    ),
)
async def expire(id: str, request: Request) -> Response:
    """Whatever is sent as a body is left unread."""
    call = await auth.caller(request)
    jsonapi.negotiate(request, LINK_PARTS)
    link_id = jsonapi.id_of(id, "link")

    async def work(tx: Tx) -> Dossier:
        held = (await links.held(tx, call.merchant.id, NAME, link_id)).seen_at(call.now)
        if held.link.status is LinkStatus.EXPIRED:
            # By the clock, perhaps, which the row does not say yet.
            raise IllegalTransition(before=LinkStatus.EXPIRED, after=LinkStatus.EXPIRED)
        return await links.expire(tx, link_id, call.now, by=call.author)

    expired = await atomic(call.services.database, work)
    call.services.wake()
    seen = invoices.seen_at(expired, call.now)
    return jsonapi.document(200, mapping.document(seen, call.services.public_url))


def _check_frame(sent: object) -> None:
    """What JSON:API itself says of a resource to create: the collection's type, no id of the client's."""
    data = sent.get("data") if isinstance(sent, dict) else None
    if not isinstance(data, dict):
        return
    if data.get("id") is not None:
        raise ClientId
    if isinstance(data.get("type"), str) and data["type"] != RESOURCE:
        raise WrongType
