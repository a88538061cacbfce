"""DevDraft's clients send `x-client-key` and `x-client-secret`; keys have scopes."""

import secrets
from uuid import UUID

from starlette.requests import Request

from payglot.dialects.contract import Issued, IssuedKey
from payglot.web import call
from payglot.web.call import Call
from payglot.web.refusals import NotAuthenticated

NAME = "devdraft"

_NOUNS = ("payment_link", "customer", "product", "invoice", "payment")
SCOPES = (
    *(f"{noun}:{verb}" for noun in _NOUNS for verb in ("create", "read", "update", "list")),
    *(f"webhook:{verb}" for verb in ("create", "read", "update", "delete", "list")),
)


async def caller(request: Request, scope: str | None = None) -> Call:
    """Raises NotAuthenticated, AddressNotAllowed or NotPermitted, before the body is read."""
    key, secret = request.headers.get("x-client-key", ""), request.headers.get("x-client-secret", "")
    if not key or not secret:
        raise NotAuthenticated(missing=True)
    known = await call.identify(request, NAME, key, secret)
    if known is None:
        raise NotAuthenticated(missing=False)
    if scope is not None:
        known.need(scope)
    return known


def issue(_merchant_id: UUID) -> Issued:
    """A key of 64 and a secret of 128 hexadecimal digits, as documented."""
    key, secret = secrets.token_hex(32), secrets.token_hex(64)
    return Issued(
        headers={"x-client-key": key, "x-client-secret": secret},
        keys=(IssuedKey(kind="api_key", value=key, secret=secret, scopes=SCOPES),),
    )
