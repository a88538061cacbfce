"""What the server hands to these pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from payglot.web.flow import Flow
from payglot.web.openapi import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """One API to show a reference of: its title and its OpenAPI document."""

    title: str
    document: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """The demo's merchant. `examples` gives a working `curl` by dialect, with the merchant's keys in it."""

    merchant_id: UUID
    examples: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """`flows` and `titles` are by dialect, `apis` by the name in their address (`/docs/<name>`).

    `settle_seconds` is how long moving the clock waits for the webhooks that it set off; `look_seconds` how often a
    live page looks for news.
    """

    flows: Mapping[str, Flow]
    titles: Mapping[str, str]
    apis: Mapping[str, Api]
    admin_token: str
    demo: Demo | None = None
    settle_seconds: float = 10.0
    look_seconds: float = 0.5


def wiring_of(request: Request) -> Wiring:
    wiring: Wiring = request.app.state.wiring
    return wiring
