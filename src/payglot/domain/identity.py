"""Identifiers: time-ordered UUIDs inside, random tokens for pages anybody may open."""

import hashlib
import secrets
import time
from uuid import UUID

import uuid_utils.compat

new_id = uuid_utils.compat.uuid7

_VERSION_BITS = 0xF << 76
_VERSION_8 = 0x8 << 76
_VARIANT = 0x2 << 62
_MARK_BITS = _VERSION_BITS | 0x3 << 62


def child(parent: UUID, position: int) -> UUID:
    """The id of a part that has no row of its own: the same on every look, unlike any row's (RFC 9562, version 8)."""
    return UUID(int=(parent.int ^ (position + 1)) & ~_VERSION_BITS | _VERSION_8)


def follower(first: UUID, *others: UUID | int) -> UUID:
    """The id of what comes of `first` and others, the same however often it is made, and with the time of `first`
    (RFC 9562, version 8, over SHA-256)."""
    said = b"".join(other.to_bytes(8) if isinstance(other, int) else other.bytes for other in (first, *others))
    digest = int.from_bytes(hashlib.sha256(said).digest()[:10])
    return UUID(int=(first.int >> 80 << 80 | digest) & ~_MARK_BITS | _VERSION_8 | _VARIANT)


def page_token() -> str:
    """64 hexadecimal digits, the payer's only credential: 208 random bits behind 48 bits of time in milliseconds, so
    that new tokens are neighbours in their index. Scattered, each would write a page of it anew."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(26)}"
