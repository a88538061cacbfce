"""DevDraft's payment links: create, get, list, change."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.devdraft import auth, inferred, keys, mapping, paging, revision, schemas, stock
from payglot.dialects.devdraft.auth import NAME
from payglot.dialects.devdraft.errors import BadRequest
from payglot.dialects.devdraft.routing import at
from payglot.domain.errors import IllegalTransition, NotFound
from payglot.domain.link import Link
from payglot.operations import links
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, idempotent
from payglot.web.call import Call
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_LINKS = "/api/v0/payment-links"
_ONE = f"{_LINKS}/{{id}}"
_UNKNOWN = {404: ("No such link", schemas.Failure)}


@at(
    router,
    "POST",
    _LINKS,
    **openapi.operation(
        "Create a payment link",
        body=schemas.CreatePaymentLink,
        parameters=(keys.HEADER,),
        answers={
            201: ("Created", schemas.PaymentLink),
            409: ("The URL is taken, or the key was used for another request", schemas.Failure),
            **schemas.REFUSED,
        },
    ),
)
async def create(request: Request) -> Response:
    call = await auth.caller(request, "payment_link:create")
    sent = await inputs.read_json(request)
    key = keys.read(call, sent)
    base_url = call.services.public_url

    async def work(tx: Tx) -> Response:
        body = inputs.check(schemas.CreatePaymentLink, mapping.without_nulls(sent))
        catalogue = await stock.look_up(tx, call.merchant.id, stock.wanted_by(body), base_url)
        link = mapping.new_link(body, call.merchant, call.now, catalogue)
        await links.create(tx, link)
        return answer(201, mapping.link(link, base_url, call.now))

    if key is not None:
        response = await idempotent(call, key, work)
    else:
        async with call.services.database.single() as tx:
            response = await work(tx)
    call.services.wake()
    return response


@at(
    router,
    "GET",
    _LINKS,
    **openapi.operation(
        "List payment links, newest first",
        parameters=paging.parameters(most=None),
        answers={
            200: ("OK", list[schemas.PaymentLink]),
            400: ("`skip` or `take` is not valid", schemas.Failure),
            **schemas.FAILURES,
        },
    ),
)
async def index(request: Request) -> Response:
    call = await auth.caller(request, "payment_link:list")
    page = paging.read(request, most=None)
    async with call.services.database.single() as tx:
        total = None
        if page.skip > inferred.COUNTED_FROM:
            total = await links.count(tx, call.merchant.id, NAME, call.now)
        found = await links.page(tx, call.merchant.id, NAME, call.now, offset=page.skip, total=total, limit=page.take)
        return answer(200, await _shown(tx, call, [dossier.link for dossier in found]))


@at(
    router,
    "GET",
    _ONE,
    **openapi.operation(
        "Get a payment link", answers={200: ("OK", schemas.PaymentLink), **_UNKNOWN, **schemas.FAILURES}
    ),
)
async def read(id: str, request: Request) -> Response:
    call = await auth.caller(request, "payment_link:read")
    known = mapping.link_id(id)
    if known is None:
        raise NotFound(thing="link")
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, known, call.now)
        (body,) = await _shown(tx, call, [dossier.link])
    return answer(200, body)


@at(
    router,
    "PUT",
    _ONE,
    **openapi.operation(
        "Change what is given of a payment link",
        body=schemas.UpdatePaymentLink,
        parameters=(keys.HEADER,),
        answers={
            200: ("The link as it is now", schemas.PaymentLink),
            409: ("The key was used for another request", schemas.Failure),
            **_UNKNOWN,
            **schemas.REFUSED,
        },
    ),
)
async def update(id: str, request: Request) -> Response:
    call = await auth.caller(request, "payment_link:update")
    sent = await inputs.read_json(request)
    known = mapping.link_id(id)
    base_url = call.services.public_url

    async def work(tx: Tx) -> Response:
        if known is None:
            raise NotFound(thing="link")
        dossier = await links.held(tx, call.merchant.id, NAME, known)
        body = inputs.check(schemas.UpdatePaymentLink, mapping.without_nulls(sent, keep=mapping.NULLABLE))
        catalogue = await stock.look_up(tx, call.merchant.id, revision.wanted(body, dossier.link), base_url)
        terms = revision.terms(body, dossier.link, base_url, call.now, catalogue)
        active = revision.active(body)
        if terms or revision.moves(active, dossier.link.seen_at(call.now)):
            try:
                dossier = await links.revise(tx, dossier, call.now, active=active, by=call.author, **terms)
            except IllegalTransition:
                raise BadRequest(revision.IMPOSSIBLE[active is True]) from None
        (shown,) = await _shown(tx, call, [dossier.link.seen_at(call.now)])
        return answer(200, shown)

    response = await keys.once(call, sent, work)
    call.services.wake()
    return response


async def _shown(tx: Tx, call: Call, found: list[Link]) -> list[schemas.PaymentLink]:
    base_url = call.services.public_url
    renewed = await stock.shown(tx, call.merchant.id, found, base_url)
    return [mapping.link(link, base_url, call.now) for link in renewed]
