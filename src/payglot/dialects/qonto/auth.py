"""Qonto's clients present an OAuth 2 bearer token with scopes. API keys are refused here, as they are there, unless the
merchant's settings take them."""

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request

from payglot.dialects.contract import Issued, IssuedKey
from payglot.domain.merchant import Merchant
from payglot.web import call
from payglot.web.call import Call
from payglot.web.refusals import NotAuthenticated, Refused

NAME = "qonto"
READ = "payment_link.read"
WRITE = "payment_link.write"
WEBHOOK = "webhook"
SCOPES = ("offline_access", "organization.read", READ, WRITE, WEBHOOK)
"""What a provisioned token may do."""
OFFLINE, OPENID, ORGANIZATION = "offline_access", "openid", "organization.read"
API_KEY_SCOPES = (READ, WRITE)
OAUTH_SCOPES = (*SCOPES, OPENID)
"""What a client may ask for."""

_API_KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}:[A-Za-z0-9]{1,200}")


AUTHORIZE_PATH = "/oauth2/auth"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 (an address)
REVOKE_PATH = "/oauth2/revoke"
ALIAS = "/v2"
"""Generated samples of the provider have the first two paths below this, its text and its clients have them bare."""
STAGING_HEADER = "X-Qonto-Staging-Token"
ACCESS_TOKEN_TTL = timedelta(seconds=3600)
REFRESH_TOKEN_TTL = timedelta(days=90)


class ApiKeyRefused(Refused):
    """`login:secret-key` was sent where only OAuth is taken, or it is not a valid one."""


class StagingTokenMissing(Refused):
    """The merchant's settings demand a staging token, and it was not sent."""


class TokenRefused(Refused):
    """No token is given, or none revoked: `code` and `description` are those of RFC 6749, section 5.2."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.status = status


async def caller(request: Request, scope: str) -> Call:
    """Raises NotAuthenticated, ApiKeyRefused, TooManyRequests, AddressNotAllowed, StagingTokenMissing or NotPermitted,
    before the body is read."""
    sent = request.headers.get("authorization", "")
    scheme, _, token = sent.partition(" ")
    if _API_KEY.fullmatch(sent):
        return await _by_api_key(request, sent, scope)
    if scheme.lower() != "bearer" or not token.strip():
        await count_failure(request)
        raise NotAuthenticated(missing=not sent)
    known = await call.identify(request, NAME, token.strip())
    if known is None:
        raise NotAuthenticated(missing=False)
    if known.caller.kind != "access_token":
        await count_failure(request)
        raise NotAuthenticated(missing=False)
    check_staging_token(request, known.merchant)
    known.need(scope)
    return known


async def _by_api_key(request: Request, sent: str, scope: str) -> Call:
    """For links, methods and connections only: whether other calls take one is not told of them."""
    login, _, secret = sent.partition(":")
    known = await call.identify(request, NAME, login, secret)
    if known is None:
        raise ApiKeyRefused
    if known.caller.kind != "api_key" or not known.merchant.settings.takes_api_keys or scope not in API_KEY_SCOPES:
        await count_failure(request)
        raise ApiKeyRefused
    check_staging_token(request, known.merchant)
    known.need(scope)
    return known


async def count_failure(request: Request) -> None:
    """The provider throttles addresses by their answers with 401, whatever made them. Wrong tokens are counted where
    they are looked up. Raises TooManyRequests."""
    await call.services_of(request).limiter.fail(NAME, request.client.host if request.client else "")


def check_staging_token(request: Request, merchant: Merchant) -> None:
    """Raises StagingTokenMissing where an operator demands the header that the provider's sandbox does."""
    wanted, sent = merchant.settings.staging_token, request.headers.get(STAGING_HEADER, "")
    if wanted is not None and not hmac.compare_digest(sent.encode(), wanted.encode()):
        raise StagingTokenMissing


def issue(merchant_id: UUID) -> Issued:
    """A token that does not run out, for use without the OAuth dance, and an OAuth client to do it with; besides an API
    key, for merchants whose settings take it."""
    access, refresh = _token_pair()
    login, secret_key = f"payglot-{secrets.token_hex(8)}", secrets.token_hex(32)
    client_id, client_secret = secrets.token_hex(16), secrets.token_urlsafe(32)
    held = {"client_id": client_id, "grant": str(uuid4())}
    return Issued(
        headers={"Authorization": f"Bearer {access}"},
        keys=(
            IssuedKey(kind="access_token", value=access, scopes=SCOPES, details={"client_id": client_id}),
            IssuedKey(kind="refresh_token", value=refresh, scopes=SCOPES, details=held),
            IssuedKey(
                kind="oauth_client",
                value=client_id,
                secret=client_secret,
                scopes=SCOPES,
                details={"client_id": client_id},
            ),
            IssuedKey(kind="api_key", value=login, secret=secret_key, scopes=API_KEY_SCOPES),
        ),
        extra={
            "oauth": {"client_id": client_id, "client_secret": client_secret, "refresh_token": refresh},
            "api_key": f"{login}:{secret_key}",
        },
    )


def renewed(details: Mapping[str, Any], scopes: tuple[str, ...], *, refreshing: tuple[str, ...] | None) -> Issued:
    """What a consent or a refresh gives: an access token for an hour and, with scopes of its own (`refreshing`), a
    refresh token for 90 days. `details` name the client and the consent that they came of."""
    access, refresh = _token_pair()
    keys = [IssuedKey(kind="access_token", value=access, scopes=scopes, details=details, ttl=ACCESS_TOKEN_TTL)]
    given = {"access_token": access}
    if refreshing is not None:
        keys.append(
            IssuedKey(kind="refresh_token", value=refresh, scopes=refreshing, details=details, ttl=REFRESH_TOKEN_TTL)
        )
        given["refresh_token"] = refresh
    return Issued(headers={"Authorization": f"Bearer {access}"}, keys=tuple(keys), extra=given)


def _token_pair() -> tuple[str, str]:
    """A fresh access and refresh token, in the forms that the provider's documentation shows."""
    return f"ory_at_{secrets.token_urlsafe(32)}", f"ory_rt_{secrets.token_urlsafe(32)}"
