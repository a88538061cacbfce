"""JSON in and out. Reading refuses what two parsers could read differently; writing keeps decimals exact."""

import json
import re
from decimal import Decimal
from typing import Any

import orjson

MAX_DEPTH = 32
MAX_MEMBERS = 1000
MAX_COMMAS = 20_000
"""Outside strings: many containers, each with as many members as it may have, are too many together."""
MAX_NUMBER_TEXT = 32
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
"""The integers that the writer takes as they are."""


class JsonRefused(ValueError):
    """The body is not JSON that we take; the message is a short constant phrase."""


class JsonUnusable(JsonRefused):
    """By its grammar it is JSON, but it holds what two parsers could read differently, or more than we read."""


def loads(body: bytes) -> Any:
    """Parse one JSON value; numbers become int or Decimal by their literal text, integers beyond 64 bits Decimal.

    Raises JsonRefused for anything but UTF-8 JSON, NaN and Infinity among it. Raises JsonUnusable for repeated keys,
    numbers longer than 32 characters, U+0000 or lone surrogates in strings, nesting beyond 32, more than 1,000 members
    in one container or 20,000 in all.
    """
    if body.count(b",") > MAX_COMMAS and _commas(body) > MAX_COMMAS:
        # Before they are read: a mebibyte of them takes a fifth of a second.
        raise JsonUnusable("too many members")
    try:
        text = body.decode()
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError:
        raise JsonRefused("not UTF-8") from None
    except RecursionError:
        raise JsonUnusable("nested too deeply") from None
    except json.JSONDecodeError:
        raise JsonRefused("not JSON") from None
    if b"\\u" in body or body.count(b",") >= MAX_MEMBERS or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _inspect(value, 1)
    return value


def dumps(value: Any) -> bytes:
    """Compact JSON. Decimals become numbers with just their digits."""
    return orjson.dumps(value, default=_exact)


def _commas(body: bytes) -> int:
    """How many there are outside strings."""
    without_escapes = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return sum(part.count(b",") for part in without_escapes.split(b'"')[::2])


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}".encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise JsonUnusable("a key is repeated")
    return value


def _decimal(literal: str) -> Decimal:
    if len(literal) > MAX_NUMBER_TEXT:
        raise JsonUnusable("a number is too long")
    number = Decimal(literal)
    if abs(number.adjusted()) > MAX_NUMBER_TEXT:
        raise JsonUnusable("a number is too long")
    return number


def _integer(literal: str) -> int | Decimal:
    if len(literal) > MAX_NUMBER_TEXT:
        raise JsonUnusable("a number is too long")
    number = int(literal)
    return number if _SMALLEST <= number <= _LARGEST else Decimal(literal)


def _no_constant(_name: str) -> Any:
    raise JsonRefused("not a number")


def _inspect(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if _NO_TEXT.search(value):
            raise JsonUnusable("a string holds a character that is not text")
        return
    if not isinstance(value, (dict, list)):
        return
    if depth > MAX_DEPTH:
        raise JsonUnusable("nested too deeply")
    if len(value) > MAX_MEMBERS:
        raise JsonUnusable("too many members")
    for key in value:
        _inspect(key, depth) if isinstance(value, dict) else None
    for member in value.values() if isinstance(value, dict) else value:
        _inspect(member, depth + 1)
