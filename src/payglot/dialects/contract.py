"""What every dialect is made of. The registry holds one of these per provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from starlette.types import ASGIApp

from payglot.web.flow import Flow
from payglot.web.services import Services
from payglot.webhooks.format import WebhookFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedKey:
    """A fresh credential, before it is stored. `value` and `secret` are what callers are recognised and proven by."""

    kind: Literal["api_key", "oauth_client", "access_token", "refresh_token"]
    value: str
    secret: str | None = None
    scopes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """What a merchant is given: `headers` ready to send, `extra` shown beside them (Qonto's OAuth client), and the
    keys to remember. Shown once."""

    headers: Mapping[str, str]
    keys: tuple[IssuedKey, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


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
    example: Callable[[str, Mapping[str, str], str], str]
    """A working `curl` that creates a link: (base address, headers, an expiry some days ahead) → shell text."""
