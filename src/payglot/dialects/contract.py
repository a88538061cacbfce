"""What every dialect is made of. The registry holds one of these per provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.types import ASGIApp

from payglot.operations.credentials import Issued as Issued, IssuedKey as IssuedKey
from payglot.web.flow import Flow
from payglot.web.services import Services
from payglot.webhooks.format import HealthCheck, WebhookFormat


def nothing_to_choose(chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ValueError for anything."""
    if chosen:
        raise ValueError("An endpoint of this dialect has nothing to choose.")
    return {}


def no_spelling_of_its_own(text: str) -> UUID | None:
    """For those whose ids are UUIDs as they are."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """`prefixes` are the path prefixes it owns on the one origin, all of what lies below them included."""

    name: str
    title: str
    prefixes: tuple[str, ...]
    build: Callable[[Services], ASGIApp]
    flow: Flow
    webhooks: WebhookFormat
    issue: Callable[[UUID], Issued]
    """Make a merchant's credentials; the id is the merchant's."""
    endpoint_details: Callable[[UUID], Mapping[str, Any]]
    """What an endpoint made by the operator needs beside its address."""
    endpoint_choices: Callable[[Mapping[str, Any]], Mapping[str, Any]] = nothing_to_choose
    """What the operator may choose for one, checked; raises ValueError with a sentence. Receivers get it among their
    details, as `choices`."""
    read_id: Callable[[str], UUID | None] = no_spelling_of_its_own
    """The id of a link or payment that a text spells in this dialect's own way, if it does."""
    limits: str
    """The documented rate limit of one credential, as the limits library reads it; empty where there is none."""
    failures: str = ""
    """That of requests from one address whose credential is not valid."""
    example: Callable[[str, Mapping[str, str], str], str]
    """A working `curl` that creates a link: (base address, headers, an expiry some days ahead) → shell text."""
    health: HealthCheck | None = None
    """What this provider asks of its receivers from time to time, if anything."""
    oauth_scopes: tuple[str, ...] = ()
    """What clients of its OAuth server may ask for; empty when it has no such server."""
