"""OAuth clients, and the codes by which merchants sign in to consent to them."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from payglot.admin import schemas
from payglot.admin.office import Errand, errand, uuid
from payglot.admin.openapi import FAILURES
from payglot.domain.merchant import Mode
from payglot.operations import codes, merchants, oauth_clients
from payglot.operations.credentials import Credential
from payglot.web import inputs, instants, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.refusals import Invalid

router = APIRouter()

_CLIENTS = "/admin/v1/merchants/{merchant_id}/oauth-clients"


class OAuthClientList(TypedDict):
    data: list[schemas.OAuthClient]


@router.post(
    _CLIENTS,
    **openapi.operation(
        "Register an OAuth client; its secret is shown once",
        body=schemas.RegisterOAuthClient,
        answers={201: ("Created", schemas.RegisteredOAuthClient), **FAILURES},
    ),
)
async def register(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.RegisterOAuthClient, await inputs.read_json(request))
    known = _scopes(call, body.dialect)
    scopes = known if body.scopes is None else tuple(dict.fromkeys(body.scopes))
    if set(scopes) - set(known):
        raise Invalid([{"loc": ("scopes",), "msg": f"must be among {', '.join(known)}"}])

    async def work(tx: Tx) -> Response:
        merchant = await merchants.get(tx, uuid(merchant_id, "merchant"))
        _check(body.redirect_uris, merchant.mode)
        made = await oauth_clients.register(
            tx,
            call.services.vault,
            merchant_id=merchant.id,
            dialect=body.dialect,
            name=body.name,
            redirect_uris=body.redirect_uris,
            public=body.public,
            scopes=scopes,
            now=call.now,
            by=call.author,
        )
        return answer(201, {**_shown(made.credential), "client_secret": made.secret})

    return await atomic(call.services.database, work)


@router.get(
    _CLIENTS,
    **openapi.operation("List OAuth clients, newest first", answers={200: ("OK", OAuthClientList), **FAILURES}),
)
async def index(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    async with call.services.database.single() as tx:
        merchant = await merchants.get(tx, uuid(merchant_id, "merchant"))
        found = await oauth_clients.of_merchant(tx, merchant.id)
    return answer(200, {"data": [_shown(each) for each in found]})


@router.post(
    "/admin/v1/merchants/{merchant_id}/sign-in-codes",
    **openapi.operation(
        "Issue a code with which the merchant signs in on the consent page, once",
        body=schemas.IssueSignInCode,
        answers={201: ("Created", schemas.SignInCode), **FAILURES},
    ),
)
async def issue_sign_in_code(merchant_id: str, request: Request) -> Response:
    call = errand(request)
    body = inputs.check(schemas.IssueSignInCode, await inputs.read_json(request))
    _scopes(call, body.dialect)

    async def work(tx: Tx) -> Response:
        merchant = await merchants.get(tx, uuid(merchant_id, "merchant"))
        text, code = await codes.issue_sign_in(
            tx, call.services.vault, merchant_id=merchant.id, dialect=body.dialect, now=call.now, by=call.author
        )
        return answer(201, {"code": text, "expires_at": instants.millis(code.expires_at)})

    return await atomic(call.services.database, work)


def _scopes(call: Errand, dialect: str) -> tuple[str, ...]:
    """Raises Invalid for a dialect without an OAuth server."""
    scopes = call.office.ports[dialect].oauth_scopes
    if not scopes:
        raise Invalid([{"loc": ("dialect",), "msg": "has no OAuth server"}])
    return scopes


def _check(redirect_uris: list[str], mode: Mode) -> None:
    if not redirect_uris:
        raise Invalid([{"loc": ("redirect_uris",), "msg": "must not be empty"}])
    problems = [
        {"loc": ("redirect_uris", index), "msg": refusal}
        for index, uri in enumerate(redirect_uris)
        if (refusal := oauth_clients.redirect_refusal(uri, mode))
    ]
    if problems:
        raise Invalid(problems)


def _shown(client: Credential) -> schemas.OAuthClient:
    return {
        "credential_id": str(client.id),
        "dialect": client.dialect,
        "client_id": client.details["client_id"],
        "name": client.details["name"],
        "redirect_uris": client.details["redirect_uris"],
        "public": client.details["public"],
        "scopes": list(client.scopes),
        "created_at": instants.millis(client.created_at),
        "revoked_at": None if client.revoked_at is None else instants.millis(client.revoked_at),
    }
