"""What the operator may choose for an endpoint: a name, and which events it is told of.

Source: "Configure your webhooks": a webhook has a callback URL, an optional name and a selection of events.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Name = Literal["payment.transaction.created", "payment.transaction.updated", "payment.link.updated"]
NAMES: tuple[Name, ...] = get_args(Name)


class Choices(BaseModel):
    """What is left out, or null, is not chosen: without a selection all events are told."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    events: Annotated[list[Name] | None, Field(min_length=1, max_length=len(NAMES))] = None


def choose(chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ValueError with a sentence."""
    try:
        return Choices.model_validate(chosen).model_dump(exclude_none=True)
    except ValidationError:
        raise ValueError(
            f"name must be a text, events a list of some of {', '.join(NAMES)}; both may be left out."
        ) from None


def told(name: str, details: Mapping[str, Any]) -> bool:
    """Whether the endpoint is to be told of the event. A test event is sent whatever was chosen."""
    selected = details.get("choices", {}).get("events")
    return selected is None or name in selected
