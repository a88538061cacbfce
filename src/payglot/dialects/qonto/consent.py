"""The authorization endpoint: a page where the merchant sees what a client asks for, and signs in to allow it.

There is no session and no cookie: the sign-in code in the form is the whole authority, and is worth one consent. The
request stays in the page's address and is judged anew when the form comes back. Source: "Login endpoint"; RFC 6749.
"""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import auth, authority, inferred, oauth, pages, webhooks
from payglot.dialects.qonto.auth import ALIAS, AUTHORIZE_PATH, NAME
from payglot.dialects.qonto.authority import Client, Consent, OAuth2Error, Pairs
from payglot.dialects.qonto.documented import LATER, LOCATION
from payglot.domain.audit import AuthorKind
from payglot.operations import codes, credentials, merchants, oauth_clients
from payglot.web import openapi
from payglot.web.atomic import Tx, atomic
from payglot.web.call import author, services_of
from payglot.web.origin import Forged
from payglot.web.refusals import Invalid, UnknownPath
from payglot.web.routes import PlainRoute
from payglot.web.services import Services

router = APIRouter(route_class=PlainRoute)

log = structlog.get_logger(__name__)

_NOT_SIGNED_IN = 422
LONGEST_QUERY = 8_000
_BAD_CODE = "This code is not valid, was used before, or is older than 15 minutes. Ask for a new one."
_WRONG_ORGANIZATION = "This code is for another account than the application asked for."
_UNSAFE = "The application would take the answer over an unprotected connection, which is for test accounts only."
_PARAMETERS = (
    openapi.query("client_id", "As registered with the operator", required=True),
    openapi.query("redirect_uri", "One of the client's, letter by letter", required=True),
    openapi.query("response_type", "Only `code`", required=True, type="string", enum=["code"]),
    openapi.query("scope", "Space separated", required=True),
    openapi.query("state", "Returned unchanged", required=True),
    openapi.query("code_challenge", "RFC 7636; required of public clients"),
    openapi.query("code_challenge_method", "With code_challenge", type="string", enum=["S256"]),
    openapi.query("nonce", "Returned in the ID token"),
    openapi.query("organization_id", "Only this organization's consent is taken"),
    openapi.query("registration_id", "Accepted and ignored"),
)
_ANSWERS: dict[int, openapi.Answer] = {
    400: ("The client or its address is unknown: nobody is sent on", str),
    500: ("Our fault", str),
    503: ("Temporarily unavailable", str),
}


@router.get(
    AUTHORIZE_PATH,
    **openapi.operation(
        "Ask a merchant for consent",
        parameters=_PARAMETERS,
        answers={200: ("The page", str), 302: ("To the client, with an error", None, LOCATION), **_ANSWERS},
        answer_type="text/html",
        secured=False,
    ),
)
async def ask(request: Request) -> Response:
    services, pairs = services_of(request), _query(request)
    async with services.database.single() as tx:
        client = await _client(tx, services, pairs)
    try:
        asked = authority.consent(client, pairs)
    except OAuth2Error as error:
        return _told(error, status=302)
    return _page(request, services, asked)


router.add_api_route(ALIAS + AUTHORIZE_PATH, ask, methods=["GET"], include_in_schema=False)


@router.post(
    AUTHORIZE_PATH,
    **openapi.operation(
        "The page's form: the merchant allows or refuses",
        parameters=_PARAMETERS,
        answers={
            303: ("To the client, with a code or an error", None, LOCATION),
            403: ("The form is not from our page", str),
            422: ("The page again: the sign-in code is not valid", str),
            429: ("Too many bad sign-in codes from this address", str, LATER),
            **_ANSWERS,
        },
        answer_type="text/html",
        secured=False,
    ),
)
async def decide(request: Request) -> Response:
    services, pairs = services_of(request), _query(request)
    form = await _form(request, services)
    organization = dict(pairs).get("organization_id")

    async def work(tx: Tx) -> Response:
        asked = authority.consent(await _client(tx, services, pairs), pairs)
        if form.get("action") != "allow":
            raise asked.refuse()
        now, vault = services.clock.now(), services.vault
        typed = codes.typed(form.get("sign_in_code", ""))
        code = await codes.hold(tx, vault, dialect=NAME, purpose="sign_in", value=typed)
        if code is None or not code.is_good(now):
            return _page(request, services, asked, problem=_BAD_CODE)
        if organization and organization != webhooks.endpoint_details(code.merchant_id)["organization_id"]:
            return _page(request, services, asked, problem=_WRONG_ORGANIZATION)
        merchant = await merchants.get(tx, code.merchant_id)
        if oauth_clients.redirect_refusal(asked.redirect_uri, merchant.mode):
            return _page(request, services, asked, problem=_UNSAFE)
        await codes.use(tx, code, now)
        value, granted, location = asked.allow(code.merchant_id)
        await codes.issue(
            tx,
            vault,
            merchant_id=code.merchant_id,
            dialect=NAME,
            purpose="authorization",
            value=value,
            details={"client_id": asked.client.id, **granted.details},
            ttl=inferred.AUTHORIZATION_CODE_TTL,
            now=now,
            by=author(request, AuthorKind.MERCHANT, id=code.id, dialect=NAME),
        )
        return oauth.see(location, 303)

    try:
        response = await atomic(services.database, work)
    except OAuth2Error as error:
        return _told(error, status=303)
    if response.status_code == _NOT_SIGNED_IN:
        log.warning("sign-in refused", request_id=request.scope["request_id"])
        await auth.count_failure(request)
    return response


@router.get(pages.ASSETS + "{name}", include_in_schema=False)
async def asset(name: str, request: Request) -> Response:
    found = pages.asset(name)
    if found is None:
        raise UnknownPath
    return found


def _query(request: Request) -> Pairs:
    """Raises Invalid for what is no query."""
    try:
        text = request.scope["query_string"].decode("ascii")
        if len(text) > LONGEST_QUERY:
            raise Invalid([])
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=oauth.MOST_FIELDS, errors="strict")
    except ValueError:
        raise Invalid([]) from None
    if any(not value.isprintable() for _, value in pairs):
        raise Invalid([])
    return pairs


async def _client(tx: Tx, services: Services, pairs: Pairs) -> Client | None:
    id = dict(pairs).get("client_id", "")
    found = await credentials.find(tx, services.vault.fingerprint(NAME, id))
    if found is None:
        return None
    credential, owner = found
    now = services.clock.now()
    if credential.kind != "oauth_client" or (credential.revoked_at is not None and credential.revoked_at <= now):
        return None
    return oauth.client_of(id, credential.details, frozenset(credential.scopes), owner.name)


async def _form(request: Request, services: Services) -> Mapping[str, str]:
    """Raises Forged, unless our page for just this query made the form; WrongContentType, BodyTooLarge or Invalid."""
    form = await oauth.page_form(request)
    if not hmac.compare_digest(_proof(request, services).encode(), form.get("proof", "").encode()):
        raise Forged
    return form


def _proof(request: Request, services: Services) -> str:
    return services.vault.form_token("consent", request.scope["query_string"].decode("ascii"))


def _page(request: Request, services: Services, asked: Consent, problem: str | None = None) -> Response:
    return pages.consent(
        asked.client,
        scopes=asked.scopes,
        redirect_uri=asked.redirect_uri,
        action=f"{AUTHORIZE_PATH}?{request.scope['query_string'].decode('ascii')}",
        proof=_proof(request, services),
        secure=services.public_url.startswith("https:"),
        problem=problem,
    )


def _told(error: OAuth2Error, *, status: int) -> Response:
    """The client is told at its own address, where that is known to be its own; else the person before the page is."""
    described = authority.words(error)
    if not error.redirect_uri:
        return pages.failure(400, f"{described}.", heading="This application cannot ask for access")
    error.description = described
    _, _, headers = error()
    return oauth.see(dict(headers)["Location"], status)
