"""The token endpoint: fresh tokens for a refresh token (RFC 6749, section 6). Source: "Refresh token endpoint"."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import auth, inferred, schemas
from payglot.dialects.qonto.auth import NAME, TOKEN_PATH, TokenRefused
from payglot.operations import credentials
from payglot.web import call, inputs, openapi
from payglot.web.answers import answer
from payglot.web.atomic import Tx, atomic
from payglot.web.call import Call
from payglot.web.refusals import WrongContentType

router = APIRouter()

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_BAD_CLIENT = "Client authentication failed: unknown client, no credentials in the body, or a wrong secret"
_BAD_GRANT = "The refresh token is invalid, expired, revoked, or was issued to another client"


@router.post(
    TOKEN_PATH,
    **openapi.operation(
        "Refresh tokens",
        body=schemas.TokenRequest,
        media_type=FORM,
        parameters=(openapi.header("X-Qonto-Staging-Token", "Accepted and ignored"),),
        answers={
            200: ("Fresh tokens; the refresh token that was sent can be used for 60 seconds more", schemas.Token),
            400: ("The form or the grant is not valid", schemas.TokenFailure),
            401: ("The client's credentials are not valid", schemas.TokenFailure),
            403: ("The address is not allowed", schemas.TokenFailure),
            500: ("Our fault", None),
            503: ("Temporarily unavailable", None),
        },
        secured=False,
    ),
)
async def token(request: Request) -> Response:
    form = await _form(request)
    client = await _client(request, form)
    match form.get("grant_type", ""):
        case "refresh_token":
            return await _refresh(client, form)
        case "":
            raise TokenRefused("invalid_request", "grant_type is required")
        case _:
            raise TokenRefused("unsupported_grant_type", "grant_type must be refresh_token")


async def _form(request: Request) -> Mapping[str, str]:
    """Raises WrongContentType, BodyTooLarge or TokenRefused."""
    if inputs.media_type(request) != FORM or "content-encoding" in request.headers:
        raise WrongContentType
    try:
        pairs = parse_qsl((await request.body()).decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise TokenRefused("invalid_request", "The body is not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRefused("invalid_request", "A parameter is repeated")
    return form


async def _client(request: Request, form: Mapping[str, str]) -> Call:
    """Raises TokenRefused or AddressNotAllowed."""
    client = await call.identify(request, NAME, form.get("client_id", ""), form.get("client_secret", ""))
    if client is None or client.caller.kind != "oauth_client":
        raise TokenRefused("invalid_client", _BAD_CLIENT, status=401)
    return client


async def _refresh(client: Call, form: Mapping[str, str]) -> Response:
    sent = form.get("refresh_token", "")
    if not sent:
        raise TokenRefused("invalid_request", "refresh_token is required")
    vault, now = client.services.vault, client.now

    async def work(tx: Tx) -> Response:
        found = await credentials.find(tx, vault.fingerprint(NAME, sent))
        if found is None:
            raise TokenRefused("invalid_grant", _BAD_GRANT)
        old, merchant = found
        own = merchant.id == client.merchant.id and old.details.get("client_id") == form["client_id"]
        ended = any(end is not None and end <= now for end in (old.expires_at, old.revoked_at))
        if old.kind != "refresh_token" or not own or ended:
            raise TokenRefused("invalid_grant", _BAD_GRANT)
        if old.revoked_at is None:
            # Counted from its first use: a client that lost our answer may ask again.
            await credentials.revoke(tx, merchant.id, old.id, at=now + inferred.REFRESH_TOKEN_OVERLAP)
        issued = auth.renewed(form["client_id"], old.scopes)
        await credentials.issue(tx, vault, merchant_id=merchant.id, dialect=NAME, issued=issued, now=now)
        body: schemas.Token = {
            "access_token": issued.extra["access_token"],
            "expires_in": int(auth.ACCESS_TOKEN_TTL.total_seconds()),
            "refresh_token": issued.extra["refresh_token"],
            "scope": " ".join(old.scopes),
            "token_type": "bearer",
        }
        return answer(200, body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    return await atomic(client.services.database, work)
