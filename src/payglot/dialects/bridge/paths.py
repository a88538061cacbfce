"""Bridge's paths in both versions, and what all of their operations have in common."""

import re
from typing import Any
from uuid import UUID

from payglot.dialects.bridge import schemas
from payglot.dialects.bridge.auth import Version
from payglot.domain.errors import NotFound
from payglot.web import openapi

LINKS = {Version.V2: "/v2/payment-links", Version.V3: "/v3/payment/payment-links"}
REQUESTS = {Version.V2: "/v2/payment-requests", Version.V3: "/v3/payment/payment-requests"}

FAILURE = {Version.V2: schemas.RequestFailure, Version.V3: schemas.RequestFailureV3}

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def uuid(text: str) -> UUID:
    """What is no id names nothing: raises NotFound."""
    if not _ID.fullmatch(text):
        raise NotFound(thing="link")
    return UUID(text)


def header(version: Version) -> dict[str, Any]:
    return openapi.header("Bridge-Version", "The API's version", required=True, type="string", enum=[str(version)])


def failures(version: Version) -> dict[int, openapi.Answer]:
    """What every operation may answer."""
    shape = FAILURE[version]
    return {
        400: ("The version header or the request is not valid", shape),
        401: ("Client-Id or Client-Secret is not valid", shape),
        403: ("The caller's address is not allowed", shape),
        429: ("Too many requests", shape, openapi.RETRY_AFTER),
        500: ("Our fault", shape),
        503: ("Temporarily unavailable", shape, openapi.RETRY_AFTER),
    }


def unknown(version: Version) -> dict[int, openapi.Answer]:
    return {404: ("No such resource", FAILURE[version])}
