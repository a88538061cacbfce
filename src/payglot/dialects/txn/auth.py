"""Txn's clients present a bearer API key."""

import string
from uuid import UUID

from starlette.requests import Request

from payglot.dialects.contract import Issued, IssuedKey
from payglot.operations.vault import random_text
from payglot.web import call
from payglot.web.call import Call
from payglot.web.refusals import NotAuthenticated

NAME = "txn"


async def caller(request: Request) -> Call:
    """Raises NotAuthenticated or AddressNotAllowed, before anything else of the request is looked at."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise NotAuthenticated(missing=True)
    known = await call.identify(request, NAME, key.strip())
    if known is None:
        raise NotAuthenticated(missing=False)
    return known


def issue(_merchant_id: UUID) -> Issued:
    """`txn_cmp_` and 30 letters and digits, as documented."""
    key = "txn_cmp_" + random_text(30, string.ascii_letters + string.digits)
    return Issued(headers={"Authorization": f"Bearer {key}"}, keys=(IssuedKey(kind="api_key", value=key),))
