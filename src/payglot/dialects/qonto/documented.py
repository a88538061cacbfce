"""What several operations' documents say alike, and the idempotency header that writing ones take."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request

from payglot.dialects.qonto import errors, inferred, schemas
from payglot.web import openapi
from payglot.web.atomic import Key

IDEMPOTENCY_HEADER = "X-Qonto-Idempotency-Key"
IDEMPOTENCY_TTL = timedelta(minutes=30)

STAGING = openapi.header("X-Qonto-Staging-Token", "Ignored, unless the merchant's settings demand one")
IDEMPOTENCY = openapi.header(
    IDEMPOTENCY_HEADER,
    "The answer to a successful request is given again for 30 minutes, whatever the body",
    type="string",
    maxLength=inferred.MAX_IDEMPOTENCY_KEY,
)

TRACE = {errors.TRACE_HEADER: {"description": "The same as `trace_id`", "schema": {"type": "string", "minLength": 32}}}
LATER = {**TRACE, **openapi.RETRY_AFTER}
LOCATION = {"Location": {"description": "Where to go on", "schema": {"type": "string"}}}


def failures(shape: Any) -> dict[int, openapi.Answer]:
    """What every operation may answer."""
    return {
        302: ("The merchant's settings demand a staging token, and it is not there", None, {**TRACE, **LOCATION}),
        400: ("A bad body or query", shape, TRACE),
        401: ("No valid access token", shape, TRACE),
        403: ("A scope is missing", shape, TRACE),
        429: ("Too many requests", shape, LATER),
        500: ("Our fault", None, TRACE),
        503: ("Temporarily unavailable", None, LATER),
    }


FAILURES = failures(schemas.Failures)
NOT_FOUND: dict[int, openapi.Answer] = {404: ("No such payment link", schemas.Failures, TRACE)}


def key(request: Request, scope: str) -> Key | None:
    """The idempotency key, if one was sent; raises Unacceptable. One that we could not keep whole would be another's
    equal. `scope` keeps equal keys of different operations apart."""
    value = request.headers.get(IDEMPOTENCY_HEADER, "")
    if len(value) > inferred.MAX_IDEMPOTENCY_KEY or not value.isprintable():
        rule = f"must have at most {inferred.MAX_IDEMPOTENCY_KEY} printable characters"
        raise errors.Unacceptable([{"code": "invalid", "detail": f"{IDEMPOTENCY_HEADER} {rule}"}])
    return Key(value=value, scope=scope, ttl=IDEMPOTENCY_TTL, request=None) if value else None
