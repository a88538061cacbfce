"""One line about a received webhook, read from it as its receiver would: what happened, and to what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from payglot.web import json

LONGEST = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """`event` is the provider's own name for it; `about` the thing it names. Either may be empty."""

    event: str
    about: str


def summarize(dialect: str, headers: Mapping[str, str], body: Any) -> Summary:
    """`headers` by lower-case name; `body` is the parsed JSON, or anything else when it was none."""
    match dialect:
        case "p100":
            return _summary([_at(body, "status")], _at(body, "reference") or _at(body, "paymentLinkId"))
        case "devdraft":
            name = headers.get("x-devdraft-event") or _at(body, "type")
            return _summary([name], _at(body, "data", "url") or _at(body, "data", "id"))
        case "bridge":
            content = _at(body, "content")
            state = _at(content, "payment_link_status") or _at(content, "status")
            about = _at(content, "payment_link_client_reference") or _at(content, "client_reference")
            return _summary([_at(body, "type"), state], about or _at(content, "payment_link_id"))
        case "qonto":
            words = [_at(body, "type"), _at(body, "data", "event"), _at(body, "data", "status")]
            return _summary(words, _at(body, "data", "payment_link_id"))
        case "txn":
            words = [_at(body, "data", "type"), _at(body, "data", "attributes", "status")]
            return _summary(words, _at(body, "data", "attributes", "reference") or _at(body, "data", "id"))
        case _:
            return Summary(event="", about="")


def parsed(body: bytes) -> Any:
    """The body as JSON that we can write again, or None."""
    try:
        value = json.loads(body)
        json.dumps(value)
    except (json.JsonRefused, TypeError):
        return None
    return value


def _summary(words: Sequence[Any], about: Any) -> Summary:
    return Summary(event=" · ".join(filter(None, map(_text, words))), about=_text(about))


def _text(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""


def _at(value: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
