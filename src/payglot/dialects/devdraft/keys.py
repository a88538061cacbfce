"""The header that makes a POST, or a PUT of a link, safe to repeat."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from payglot.dialects.devdraft import inferred
from payglot.dialects.devdraft.errors import BadRequest, KeyMissing
from payglot.web import openapi
from payglot.web.atomic import Key, Tx, idempotent
from payglot.web.call import Call

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_MEANING = "A UUID v4: the same key and request give the first answer again for 24 hours"

HEADER = openapi.header("idempotency-key", _MEANING, type="string", format="uuid")
REQUIRED_HEADER = openapi.header("idempotency-key", _MEANING, required=True, type="string", format="uuid")


async def once(call: Call, sent: Any, work: Callable[[Tx], Awaitable[Response]], *, required: bool = False) -> Response:
    """Run `work` in a transaction, once for the key if there is one. Raises BadRequest, KeyMissing or KeyReused."""
    return await idempotent(call, read(call, sent, required=required), work)


def read(call: Call, sent: Any, *, required: bool = False) -> Key | None:
    """`sent` is what must be equal for requests to be the same. Raises BadRequest for a key that is no UUID v4,
    KeyMissing where the call or the merchant demands one."""
    headers, method = call.request.headers, call.request.method
    value = headers.get("idempotency-key", headers.get("x-idempotency-key"))
    if value is None:
        if required or (method == "POST" and call.merchant.settings.require_idempotency_key):
            raise KeyMissing
        return None
    if not _UUID4.fullmatch(value):
        raise BadRequest("The idempotency-key header must be a valid UUID v4")
    scope = f"{method} {call.request.url.path.rstrip('/')}"
    return Key(value=value.lower(), scope=scope, ttl=inferred.IDEMPOTENCY_TTL, request=sent)
