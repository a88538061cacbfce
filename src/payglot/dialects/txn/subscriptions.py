"""Which of a merchant's events an endpoint is told: its choice of API keys and of types.

Source: "Webhooks": an endpoint has subscribed types and may have associated API keys; a resource belongs to the key
that created it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from payglot.domain.event import Event


class Choices(BaseModel):
    """`api_keys` are the ids of credentials. What is left out, or null, is not restricted."""

    model_config = ConfigDict(extra="forbid")

    api_keys: Annotated[list[UUID] | None, Field(min_length=1, max_length=100)] = None
    types: Annotated[list[Literal["invoices", "payouts"]] | None, Field(min_length=1, max_length=2)] = None


def choose(chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ValueError with a sentence."""
    try:
        return Choices.model_validate(chosen).model_dump(mode="json", exclude_none=True)
    except ValidationError:
        raise ValueError(
            "api_keys must be a list of credentials' ids, types one of invoices and payouts; both may be left out."
        ) from None


def wanted(event: Event, details: Mapping[str, Any]) -> bool:
    """Links from before their author was noted are told everywhere."""
    choices: Mapping[str, Any] = details.get("choices", {})
    keys, types, author = choices.get("api_keys"), choices.get("types"), event.link.extras.get("author_id")
    kind = "invoices" if event.payout is None else "payouts"
    return (keys is None or author is None or author in keys) and (types is None or kind in types)
