"""What pages and answers show: named fields only, made from stored things."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson
from typing_extensions import TypedDict

from payglot.domain.link import Link
from payglot.domain.merchant import Merchant
from payglot.domain.money import Money
from payglot.operations.inbox import Message
from payglot.sandbox.summary import parsed, summarize
from payglot.web import instants
from payglot.web.openapi import Instant

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


class Webhook(TypedDict):
    """One webhook as the JSON inbox gives it. `headers` by lower-case name, as received; `body` is text with anything
    that is not UTF-8 replaced; `json` is the parsed body, null when it is not JSON. `id` only grows."""

    id: int
    merchant_id: str
    dialect: str
    event: str
    received_at: Instant
    path: str
    verified: bool
    reason: str
    headers: dict[str, str]
    body: str
    json: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One webhook as the page shows it."""

    id: int
    dialect: str
    title: str
    event: str
    about: str
    merchant: str
    verified: bool
    reason: str
    path: str
    at: str
    time: str
    day: str
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One link in the list of the home page."""

    title: str
    name: str
    amount: str
    status: str
    url: str
    at: str
    time: str


def webhook(message: Message) -> Webhook:
    headers, body = _headers(message), parsed(message.body)
    return {
        "id": message.id,
        "merchant_id": str(message.merchant_id),
        "dialect": message.dialect,
        "event": summarize(message.dialect, headers, body).event,
        "received_at": instants.millis(message.received_at),
        "path": message.path,
        "verified": message.verified,
        "reason": message.reason,
        "headers": headers,
        "body": message.body.decode(errors="replace"),
        "json": body,
    }


def card(message: Message, titles: Mapping[str, str], merchants: Mapping[str, str]) -> Card:
    """`merchants` are names by id."""
    headers, body = _headers(message), parsed(message.body)
    told = summarize(message.dialect, headers, body)
    return Card(
        id=message.id,
        dialect=message.dialect,
        title=titles.get(message.dialect, message.dialect),
        event=told.event or "webhook",
        about=told.about,
        merchant=merchants.get(str(message.merchant_id), ""),
        verified=message.verified,
        reason=message.reason,
        path=message.path,
        at=instants.millis(message.received_at),
        time=_time(message.received_at),
        day=_day(message.received_at),
        headers=tuple((name, _veiled(name, value)) for name, value in message.headers),
        body=_pretty(message.body),
    )


def row(link: Link, merchant: Merchant, titles: Mapping[str, str], now: datetime) -> Row:
    seen = link.seen_at(now)
    path = f"{merchant.handle}/{quote(link.slug)}" if link.slug else link.token
    return Row(
        title=titles.get(link.dialect, link.dialect),
        name=link.title or link.reference or str(link.id)[:13],
        amount=f"{_shortest(link.amount)} {link.currency}" if link.amount else f"any amount, {link.currency}",
        status=seen.status,
        url=f"/pay/{path}",
        at=instants.millis(link.created_at),
        time=_time(link.created_at),
    )


def _shortest(amount: Money) -> str:
    """Without the zeros that nobody writes: 29.990000 is 29.99, but 30.00 stays."""
    whole, point, decimals = str(amount).partition(".")
    return whole + point + decimals[:2] + decimals[2:].rstrip("0")


def _headers(message: Message) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in message.headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _veiled(name: str, value: str) -> str:
    """A page ends up in screenshots; a token that is a secret itself must not."""
    if name not in SECRET_HEADERS:
        return value
    return f"{value[:9]}…" if len(value) > 24 else "…"


def _pretty(body: bytes) -> str:
    """Indented when it is JSON, with every number as it was written."""
    value = parsed(body)
    if value is None:
        return body.decode(errors="replace")
    return orjson.dumps(value, default=_exact, option=orjson.OPT_INDENT_2).decode()


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}")
    raise TypeError


def _time(instant: datetime) -> str:
    return f"{instant:%H:%M:%S}"


def _day(instant: datetime) -> str:
    return f"{instant.day} {instant:%b %Y}"
