"""Bridge's clients prove themselves with `Client-Id` and `Client-Secret`, and name the API's version.

The version is checked first: it costs nothing and tells nothing.
"""

import secrets
from enum import StrEnum
from uuid import UUID

from starlette.requests import Request

from payglot.dialects.contract import Issued, IssuedKey
from payglot.web import call
from payglot.web.call import Call
from payglot.web.refusals import NotAuthenticated, Refused

NAME = "bridge"


class Version(StrEnum):
    V2 = "2021-06-01"
    V3 = "2025-01-15"


class VersionInvalid(Refused):
    """`Bridge-Version` is missing, unknown, or of the other path family."""


def version_of_path(path: str) -> Version:
    return Version.V3 if path.startswith("/v3") else Version.V2


async def caller(request: Request, version: Version) -> Call:
    """Raises VersionInvalid, NotAuthenticated or AddressNotAllowed, before the body is read."""
    if request.headers.get("bridge-version") != version:
        raise VersionInvalid
    id, secret = request.headers.get("client-id", ""), request.headers.get("client-secret", "")
    if not id or not secret:
        raise NotAuthenticated(missing=True)
    known = await call.identify(request, NAME, id, secret)
    if known is None:
        raise NotAuthenticated(missing=False)
    return known


def issue(_merchant_id: UUID) -> Issued:
    id, secret = secrets.token_hex(16), secrets.token_urlsafe(48)
    headers = {"Client-Id": id, "Client-Secret": secret, "Bridge-Version": str(Version.V2)}
    return Issued(headers=headers, keys=(IssuedKey(kind="api_key", value=id, secret=secret),))
