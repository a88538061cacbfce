"""Who changed what: the author of a change, and the entry that tells of it. Never the values, which may be secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

_KEPT_BY_US = {"updated_at", "sequence"}


class AuthorKind(StrEnum):
    OPERATOR = "operator"
    """Whoever has the admin token."""
    CREDENTIAL = "credential"
    """A client of a dialect, by the key or access token it came with."""
    OAUTH_CLIENT = "oauth_client"
    """A client of an OAuth server, at its token endpoint."""
    MERCHANT = "merchant"
    """A person of the merchant's, on a page of ours: consent, onboarding."""
    COMMAND = "command"
    """Somebody at the command line, beside the database."""
    SYSTEM = "system"
    """Payglot itself, when a rule or the clock wants it."""


class Thing(StrEnum):
    MERCHANT = "merchant"
    CREDENTIAL = "credential"
    SIGN_IN_CODE = "sign_in_code"
    CONSENT = "consent"
    CONNECTION = "connection"
    ENDPOINT = "endpoint"
    LINK = "link"
    PAYOUT = "payout"
    SUBSCRIPTION = "subscription"


class Action(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    SECRET_ROTATED = "secret_rotated"  # noqa: S105 (a word, not a secret)
    PAUSED = "paused"
    REVOKED = "revoked"
    EXPIRED = "expired"
    CANCELED = "canceled"
    APPROVED = "approved"
    REJECTED = "rejected"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """`id` is the credential's, or the sign-in code's with which a merchant's person came; `address` where the request
    came from, as trusted proxies tell it; `request_id` what the log calls the request."""

    kind: AuthorKind
    id: UUID | None = None
    dialect: str | None = None
    address: str | None = None
    request_id: str | None = None


SYSTEM = Author(kind=AuthorKind.SYSTEM)
COMMAND = Author(kind=AuthorKind.COMMAND)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """`thing_id` is the merchant's own where the thing has no other; `fields` names what changed."""

    id: UUID
    at: datetime
    merchant_id: UUID
    dialect: str | None
    thing: Thing
    thing_id: UUID
    action: Action
    fields: tuple[str, ...]
    author: Author


def differing(before: Any, after: Any) -> tuple[str, ...]:
    """The names of a value's members that are not what they were; inside a member that has members, theirs:
    `settings.logo_url`. What every change touches is left out."""
    found: list[str] = []
    for name in (field.name for field in fields(before)):
        old, new = getattr(before, name), getattr(after, name)
        if old == new or name in _KEPT_BY_US:
            continue
        inner = _members(old), _members(new)
        if inner[0] is None or inner[1] is None:
            found.append(name)
            continue
        names = {**inner[0], **inner[1]}
        found += [f"{name}.{each}" for each in names if inner[0].get(each) != inner[1].get(each)]
    return tuple(found)


def _members(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return None
