"""The token endpoint, revocation, and the end of a consent: what a request names is loaded here, judged by `authority`,
and written here. Sources: "Token endpoint", "Refresh token endpoint"; RFC 6749 and RFC 7009.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from payglot.dialects.qonto import auth, authority, documented, id_tokens, inferred, notices, schemas, webhooks
from payglot.dialects.qonto.auth import NAME, REVOKE_PATH, TOKEN_PATH, TokenRefused
from payglot.dialects.qonto.authority import Client, Granted, Held, OAuth2Error
from payglot.operations import codes, credentials
from payglot.operations.credentials import Credential, Issued
from payglot.web import call, inputs, openapi, origin
from payglot.web.answers import answer, empty
from payglot.web.atomic import Tx, atomic
from payglot.web.call import Call
from payglot.web.refusals import Invalid, WrongContentType

router = APIRouter()

log = structlog.get_logger(__name__)

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 20
NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_BAD_CLIENT = "Client authentication failed: unknown client, no credentials in the body, or a wrong secret"
_BAD_CODE = "The code was used before; what was given for it is revoked"
_BAD_REFRESH = "The refresh token has ended, and with it all that came of its consent"
_FAILURES: dict[int, openapi.Answer] = {
    **documented.FAILURES,
    400: ("The form or the grant is not valid", schemas.TokenFailure, documented.TRACE),
    401: ("The client's credentials are not valid", schemas.TokenFailure, documented.TRACE),
    403: ("The address is not allowed", schemas.TokenFailure, documented.TRACE),
}


@router.post(
    TOKEN_PATH,
    **openapi.operation(
        "Create or refresh tokens",
        body=schemas.TokenRequest,
        media_type=FORM,
        parameters=(documented.STAGING,),
        answers={
            200: ("Fresh tokens; a refresh token that was sent can be used for 60 seconds more", schemas.Token),
            **_FAILURES,
        },
        secured=False,
    ),
)
async def token(request: Request) -> Response:
    form = await read_form(request)
    known = await _client(request, form)
    client = client_of(form["client_id"], known.caller.details, known.caller.scopes, known.merchant.name)
    if not form.get("grant_type"):
        raise TokenRefused("invalid_request", "grant_type is required")
    give = _redeem if form["grant_type"] == "authorization_code" else _refresh

    async def work(tx: Tx) -> Response | TokenRefused:
        return await give(tx, known, client, form)

    outcome = await atomic(known.services.database, work)
    if isinstance(outcome, TokenRefused):
        # What is used again after its end is refused and remembered: what came of its consent has been revoked.
        known.services.callers.forget()
        raise outcome
    return outcome


router.add_api_route(auth.ALIAS + TOKEN_PATH, token, methods=["POST"], include_in_schema=False)


@router.post(
    REVOKE_PATH,
    **openapi.operation(
        "Revoke a token; with a refresh token, also the access tokens of the same consent",
        body=schemas.RevokeRequest,
        media_type=FORM,
        parameters=(documented.STAGING,),
        answers={200: ("Revoked, or not known", None), **_FAILURES},
        secured=False,
    ),
)
async def revoke(request: Request) -> Response:
    form = await read_form(request)
    known = await _client(request, form)
    client = client_of(form["client_id"], known.caller.details, known.caller.scopes, known.merchant.name)

    async def work(tx: Tx) -> Response:
        credential = await _held_token(tx, known, form.get("token", ""))
        try:
            is_revocable = authority.is_revocable(client, form, _held(credential))
        except OAuth2Error as error:
            raise _refused(error) from None
        if credential is not None and is_revocable:
            merchant_id, now, by = credential.merchant_id, known.now, known.author
            await credentials.revoke(tx, merchant_id, credential.id, at=now, now=now, by=by)
            grant = credential.details.get("grant")
            if credential.kind == "refresh_token" and grant is not None:
                await credentials.revoke_grant(tx, merchant_id, NAME, grant, at=now, by=by)
        return empty(200, NOT_KEPT)

    response = await atomic(known.services.database, work)
    known.services.callers.forget()
    return response


@router.delete(
    "/v2/oauth2/consents",
    **openapi.operation(
        "Revoke all consents that the merchant gave to this client",
        parameters=(documented.STAGING,),
        answers={204: ("Revoked, the token of this call included", None), **documented.FAILURES},
    ),
)
async def withdraw(request: Request) -> Response:
    known = await auth.caller(request, auth.ORGANIZATION)
    client_id: str = known.caller.details["client_id"]

    async def work(tx: Tx) -> Response:
        # The codes first: one that is being redeemed is waited for, and then its tokens are there to be ended.
        await codes.end_of_client(tx, known.merchant.id, NAME, client_id, known.now)
        await credentials.revoke_of_client(tx, known.merchant.id, NAME, client_id, at=known.now, by=known.author)
        await notices.tell(
            tx, known.merchant.id, lambda receiver: webhooks.consent_message(receiver, client_id, known.now), known.now
        )
        await notices.silence(tx, known.merchant.id, client_id, known.now, by=known.author)
        return empty(204)

    response = await atomic(known.services.database, work)
    known.services.callers.forget()
    known.services.wake()
    return response


async def read_form(request: Request) -> Mapping[str, str]:
    """Raises WrongContentType, BodyTooLarge or TokenRefused."""
    if inputs.media_type(request) != FORM or "content-encoding" in request.headers:
        raise WrongContentType
    try:
        pairs = parse_qsl((await request.body()).decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise TokenRefused("invalid_request", "The body is not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRefused("invalid_request", "A parameter is repeated")
    return form


async def page_form(request: Request) -> Mapping[str, str]:
    """What one of our pages sends. Raises Forged, WrongContentType, BodyTooLarge or Invalid."""
    origin.check(request)
    if inputs.media_type(request) != FORM or "content-encoding" in request.headers:
        raise WrongContentType
    try:
        text = (await request.body()).decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise Invalid([]) from None


def see(address: str, status: int) -> Response:
    """On to another site, which is not told from where."""
    return RedirectResponse(address, status, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


def client_of(id: str, details: Mapping[str, object], scopes: frozenset[str], owner: str) -> Client:
    """A client as it was registered; one that was provisioned has no redirect address, and so no page."""
    uris = details.get("redirect_uris", ())
    assert isinstance(uris, (list, tuple))
    return Client(
        id=id,
        name=str(details.get("name", owner)),
        owner=owner,
        redirect_uris=tuple(uris),
        scopes=scopes,
        is_public=bool(details.get("public")),
    )


async def _client(request: Request, form: Mapping[str, str]) -> Call:
    """Raises TokenRefused, AddressNotAllowed or StagingTokenMissing."""
    client = await call.identify(request, NAME, form.get("client_id", ""), form.get("client_secret", ""))
    if client is None or client.caller.kind != "oauth_client":
        if client is not None:
            await auth.count_failure(request)
        raise TokenRefused("invalid_client", _BAD_CLIENT, status=401)
    auth.check_staging_token(request, client.merchant)
    return client


async def _redeem(tx: Tx, known: Call, client: Client, form: Mapping[str, str]) -> Response | TokenRefused:
    """Tokens for an authorization code; raises TokenRefused where nothing is to be remembered."""
    vault, now = known.services.vault, known.now
    code = await codes.hold(tx, vault, dialect=NAME, purpose="authorization", value=form.get("code", ""))
    if code is not None and code.details["client_id"] != client.id:
        code = None
    if code is not None and code.used_at is not None:
        log.warning("authorization code used twice", grant=str(code.id), merchant=str(code.merchant_id))
        await credentials.revoke_grant(tx, code.merchant_id, NAME, str(code.id), at=now, by=known.author)
        return TokenRefused("invalid_grant", _BAD_CODE)
    good = None if code is None or not code.is_good(now) else code
    try:
        scopes, refreshable = authority.tokens(
            client, form, code=None if good is None else Granted.read(good.merchant_id, good.details)
        )
    except OAuth2Error as error:
        raise _refused(error) from None
    assert good is not None
    await codes.use(tx, good, now)
    await notices.resume(tx, good.merchant_id, client.id, now, by=known.author)
    details = {"client_id": client.id, "grant": str(good.id)}
    issued = auth.renewed(details, scopes, refreshing=scopes if refreshable else None)
    return await _give(tx, known, good.merchant_id, issued, scopes, nonce=good.details["nonce"])


async def _refresh(tx: Tx, known: Call, client: Client, form: Mapping[str, str]) -> Response | TokenRefused:
    """Tokens for a refresh token; raises TokenRefused where nothing is to be remembered."""
    old = await _held_token(tx, known, form.get("refresh_token", ""))
    # Read anew: what another request ended while we waited for it has ended now, and is in no overlap.
    known = replace(known, now=known.services.clock.now())
    now = known.now
    if old is not None and _was_replaced(old, client, now):
        # Somebody has it who should not: the client, or whoever took it (RFC 9700, section 4.14.2).
        grant = old.details["grant"]
        log.warning("refresh token used after its end", grant=grant, merchant=str(old.merchant_id))
        await credentials.revoke_grant(tx, old.merchant_id, NAME, grant, at=now, by=known.author)
        return TokenRefused("invalid_grant", _BAD_REFRESH)
    good = old if old is not None and old.kind == "refresh_token" and not _has_ended(old, now) else None
    try:
        scopes, _ = authority.tokens(client, form, token=_held(good))
    except OAuth2Error as error:
        raise _refused(error) from None
    assert good is not None
    if good.revoked_at is None:
        # Counted from its first use: a client that lost our answer may ask again.
        ends_at = now + inferred.REFRESH_TOKEN_OVERLAP
        await credentials.revoke(tx, good.merchant_id, good.id, at=ends_at, now=now, by=known.author)
    issued = auth.renewed(good.details, scopes, refreshing=good.scopes)
    return await _give(tx, known, good.merchant_id, issued, scopes)


async def _held_token(tx: Tx, known: Call, value: str) -> Credential | None:
    """An access or refresh token of whatever client; None for anything else. Until the transaction ends nobody else
    issues or ends tokens of its merchant, so that none survives its consent."""
    token = await _token(tx, known, value)
    if token is None:
        return None
    await credentials.hold_tokens(tx, token.merchant_id)
    return await _token(tx, known, value)


async def _token(tx: Tx, known: Call, value: str) -> Credential | None:
    found = await credentials.find(tx, known.services.vault.fingerprint(NAME, value))
    if found is None or found[0].dialect != NAME or found[0].kind not in ("access_token", "refresh_token"):
        return None
    return found[0]


def _was_replaced(token: Credential, client: Client, now: datetime) -> bool:
    """Whether the client's refresh token has ended because another came in its place, or its consent was revoked."""
    if token.kind != "refresh_token" or token.details.get("client_id") != client.id or "grant" not in token.details:
        return False
    return token.revoked_at is not None and token.revoked_at <= now


def _has_ended(credential: Credential, now: datetime) -> bool:
    return any(end is not None and end <= now for end in (credential.expires_at, credential.revoked_at))


def _held(credential: Credential | None) -> Held | None:
    if credential is None:
        return None
    return Held(
        merchant_id=credential.merchant_id,
        client_id=credential.details.get("client_id"),
        scope=" ".join(credential.scopes),
    )


async def _give(
    tx: Tx, known: Call, merchant_id: UUID, issued: Issued, scopes: tuple[str, ...], nonce: str | None = None
) -> Response:
    vault, now = known.services.vault, known.now
    await credentials.forget_tokens(tx, merchant_id, NAME, now)
    await credentials.issue(tx, vault, merchant_id=merchant_id, dialect=NAME, issued=issued, now=now, by=known.author)
    body: dict[str, object] = {
        "access_token": issued.extra["access_token"],
        "expires_in": int(auth.ACCESS_TOKEN_TTL.total_seconds()),
    }
    if "refresh_token" in issued.extra:
        body["refresh_token"] = issued.extra["refresh_token"]
    if auth.OPENID in scopes:
        client_id = issued.keys[0].details["client_id"]
        body["id_token"] = id_tokens.issue(
            vault,
            issuer=known.services.public_url,
            client_id=client_id,
            merchant_id=merchant_id,
            nonce=nonce,
            now=now,
        )
    return answer(200, {**body, "scope": " ".join(scopes), "token_type": "bearer"}, headers=NOT_KEPT)


def _refused(error: OAuth2Error) -> TokenRefused:
    return TokenRefused(error.error, authority.words(error))
