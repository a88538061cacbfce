"""What a dialect tells the dispatcher: what to say of an event, how to sign it, when to try again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from payglot.domain.event import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """The endpoint as a dialect may need it in a body. `details` is what that dialect stored with it."""

    id: UUID
    merchant_id: UUID
    created_at: datetime
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One webhook. `name` is the provider's word for the event, for logs and the inbox; `path` is added to the
    endpoint's address; `body` is sent byte for byte on every attempt."""

    name: str
    body: bytes
    path: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """When to try again: `delays` seconds after each failed attempt, so len(delays) + 1 attempts in all.

    `jitter` is the share by which a delay may vary where the provider fixes no times. `successes` holds the answers
    that count as delivered, as (lowest, highest) HTTP status.
    """

    delays: tuple[float, ...]
    timeout_seconds: float
    jitter: float = 0.0
    successes: tuple[int, int] = (200, 299)


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthCheck:
    """What a provider asks of its receivers from time to time: GET `path` below the endpoint's address, to be answered
    with the status `expects`. `headers` makes the request's from the endpoint's secrets, newest first."""

    path: str
    interval_seconds: float
    timeout_seconds: float
    expects: int
    headers: Callable[[Sequence[str]], Mapping[str, str]]


class WebhookFormat(Protocol):
    """One dialect's side of the dispatcher."""

    @property
    def schedule(self) -> Schedule: ...

    def messages(self, event: Event, receiver: Receiver, base_url: str) -> Sequence[Message]:
        """What this provider sends about the event to this receiver; often nothing. Must not depend on the clock: it
        may run twice. `base_url` is our public address."""
        ...

    def headers(
        self, *, delivery_id: UUID, name: str, body: bytes, secrets: Sequence[str], sent_at: datetime
    ) -> Mapping[str, str]:
        """Headers of one attempt, its signature included; `secrets` newest first, two while a rotation overlaps."""
        ...

    def test_message(self, receiver: Receiver, now: datetime) -> Message:
        """What a test event looks like."""
        ...

    def new_secret(self) -> str:
        """A fresh secret in the form this provider hands out."""
        ...
