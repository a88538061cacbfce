"""Bridge's endpoints for payment links, each in both versions."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.bridge import auth, listing, mapping, paths, schemas
from payglot.dialects.bridge.auth import NAME, Version
from payglot.dialects.bridge.errors import NotRevocable
from payglot.domain.link import LinkStatus
from payglot.operations import links
from payglot.web import inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

_BODIES: dict[Version, type[schemas.CreatePaymentLink | schemas.CreatePaymentLinkV3]] = {
    Version.V2: schemas.CreatePaymentLink,
    Version.V3: schemas.CreatePaymentLinkV3,
}


async def create(request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    body = inputs.check(_BODIES[version], await inputs.read_json(request))
    link = mapping.new_link(body, call.merchant, version, call.now)
    async with call.services.database.single() as tx:
        await links.create(tx, link)
    call.services.wake()
    # 200, not 201: clients treat anything else as a failure.
    return answer(200, mapping.created(link, call.services.public_url))


async def read(payment_link_id: str, request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    async with call.services.database.single() as tx:
        dossier = await links.get(tx, call.merchant.id, NAME, paths.uuid(payment_link_id), call.now)
    return answer(200, mapping.shown(dossier, version, call.services.public_url))


async def index(request: Request) -> Response:
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    asked = listing.of_links(request.query_params, version)
    async with call.services.database.single() as tx:
        found = await links.page(
            tx, call.merchant.id, NAME, call.now, where=asked.where, after=asked.after, limit=asked.limit + 1
        )
    page = found[: asked.limit]
    body: schemas.PaymentLinkPage = {
        "resources": [mapping.shown(dossier, version, call.services.public_url) for dossier in page],
        "pagination": listing.pagination(
            paths.LINKS[version], asked, [dossier.link for dossier in page], more=len(found) > len(page)
        ),
    }
    return answer(200, body)


async def revoke(payment_link_id: str, request: Request) -> Response:
    """Whatever body comes is not read: clients send a JSON content type with nothing behind it, or neither."""
    version = auth.version_of_path(request.url.path)
    call = await auth.caller(request, version)
    id = paths.uuid(payment_link_id)

    async def work(tx: Tx) -> None:
        # Held while it is looked at: a payer may be confirming at this moment, and that is final.
        held = (await links.held(tx, call.merchant.id, NAME, id)).seen_at(call.now)
        match held.link.status:
            case LinkStatus.OPEN:
                await links.cancel(tx, id, call.now, by=call.author)
            case LinkStatus.CANCELED:
                pass
            case _:
                raise NotRevocable

    await atomic(call.services.database, work)
    call.services.wake()
    return answer(200, "")


def _add_routes(version: Version) -> None:
    number = version.name.lower()
    failure = paths.FAILURE[version]
    router.add_api_route(
        paths.LINKS[version],
        create,
        methods=["POST"],
        operation_id=f"create_link_{number}",
        **openapi.operation(
            "Create a payment link",
            body=_BODIES[version],
            parameters=(paths.header(version),),
            answers={
                200: ("Created", schemas.PaymentLinkCreated),
                **paths.failures(version),
                400: (
                    "The version header, the body's shape or its values are not valid",
                    failure | schemas.FieldFailures,
                ),
                413: ("The body is too large", failure),
                415: ("The body is not application/json", failure),
                422: ("The body is not valid JSON", failure),
            },
        ),
    )
    router.add_api_route(
        paths.LINKS[version],
        index,
        methods=["GET"],
        operation_id=f"list_links_{number}",
        **openapi.operation(
            "List payment links, newest first",
            parameters=(paths.header(version), *listing.parameters(version)),
            answers={200: ("OK", schemas.PaymentLinkPage), **paths.failures(version)},
        ),
    )
    router.add_api_route(
        paths.LINKS[version] + "/{payment_link_id}",
        read,
        methods=["GET"],
        operation_id=f"get_link_{number}",
        **openapi.operation(
            "Get a payment link",
            parameters=(paths.header(version),),
            answers={200: ("OK", schemas.PaymentLink), **paths.failures(version), **paths.unknown(version)},
        ),
    )
    router.add_api_route(
        paths.LINKS[version] + "/{payment_link_id}/revoke",
        revoke,
        methods=["POST"],
        operation_id=f"revoke_link_{number}",
        **openapi.operation(
            "Revoke a payment link",
            parameters=(paths.header(version),),
            answers={
                200: ("It is revoked, now or before", schemas.Nothing),
                **paths.failures(version),
                400: ("The version header is not valid, or the link was completed or has expired", failure),
                **paths.unknown(version),
            },
        ),
    )


for _version in Version:
    _add_routes(_version)
