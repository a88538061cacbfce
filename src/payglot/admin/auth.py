"""The operator proves themselves with the one admin token."""

import hmac

from starlette.requests import Request

from payglot.web.refusals import NotAuthenticated


def check(request: Request, token: str) -> None:
    """Raises NotAuthenticated. Compared on bytes, in constant time."""
    scheme, _, offered = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not offered:
        raise NotAuthenticated(missing=True)
    if not hmac.compare_digest(offered.strip().encode(), token.encode()):
        raise NotAuthenticated(missing=False)
