"""Ids in paths: bare UUIDs."""

from uuid import UUID

from payglot.dialects.devdraft import rules
from payglot.dialects.devdraft.errors import BadRequest
from payglot.domain.errors import NotFound


def uuid(text: str, thing: str) -> UUID:
    """Where the provider tells no malformed id from an unknown one. Raises NotFound."""
    if not rules.UUID.fullmatch(text):
        raise NotFound(thing=thing)
    return UUID(text)


def checked(text: str) -> UUID:
    """Where a malformed id is told apart. Raises BadRequest."""
    if not rules.UUID.fullmatch(text):
        raise BadRequest("Validation failed (uuid is expected)")
    return UUID(text)
