"""P100's clients prove themselves with an `x-api-key` header; live merchants may also list source addresses."""

import secrets
from uuid import UUID

from starlette.requests import Request

from payglot.dialects.contract import Issued, IssuedKey
from payglot.domain.merchant import Mode
from payglot.web import call
from payglot.web.call import Call
from payglot.web.refusals import NotAuthenticated

NAME = "p100"


async def caller(request: Request) -> Call:
    """Raises NotAuthenticated (xo1, xo2) or AddressNotAllowed (xo3, live mode only)."""
    key = request.headers.get("x-api-key", "")
    if not key:
        raise NotAuthenticated(missing=True)
    known = await call.identify(request, NAME, key, address_matters=lambda merchant: merchant.mode is Mode.LIVE)
    if known is None:
        raise NotAuthenticated(missing=False)
    return known


def issue(merchant_id: UUID) -> Issued:
    key = f"pk_{secrets.token_hex(32)}"
    return Issued(headers={"x-api-key": key}, keys=(IssuedKey(kind="api_key", value=key),))
