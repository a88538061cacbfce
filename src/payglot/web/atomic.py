"""One request, one transaction: begun, committed and, where the dialect has keys, remembered here."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import orjson
from starlette.responses import Response

from payglot.domain.errors import ChangedMeanwhile, KeyReused
from payglot.operations import idempotency
from payglot.store.database import (
    Database,
    Tx as Tx,  # entrances, which may not import the store, name it from here
    is_retryable,
)
from payglot.web.call import Call

T = TypeVar("T")
TRIES = 4


async def atomic(database: Database, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Run `work` in a transaction; returning commits, raising rolls back.

    What the database undid because of a deadlock or serialization failure, or because another request got there first,
    is run again from the start, a bounded number of times.
    """
    for attempt in range(1, TRIES + 1):
        try:
            async with database.transaction() as tx:
                return await work(tx)
        except Exception as error:
            if attempt == TRIES or not (is_retryable(error) or isinstance(error, ChangedMeanwhile)):
                raise
    raise AssertionError("unreachable")


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """An idempotency key as its dialect defines it.

    `scope` keeps equal keys of different operations apart; `request` is what must be equal for the key to stand for
    the same request, or None where the dialect replays whatever the body says.
    """

    value: str
    scope: str
    ttl: timedelta
    request: Any


async def idempotent(call: Call, key: Key | None, work: Callable[[Tx], Awaitable[Response]]) -> Response:
    """Run `work` and store its answer under the key, in one transaction; or give the stored answer again.

    Key, effect, event and answer commit together; a failure, or an answer of 400 and above, frees the key. A second
    request with the key waits for the first. Raises KeyReused for another request under the same key.
    """
    database = call.services.database
    if key is None:
        return await atomic(database, work)
    fingerprint = _fingerprint(key.request)
    claim = idempotency.Claim(merchant_id=call.merchant.id, scope=f"{call.caller.dialect} {key.scope}", key=key.value)

    async def claimed(tx: Tx) -> Response:
        if not await idempotency.claim(tx, claim, fingerprint, now=call.now, ttl=key.ttl):
            stored = await idempotency.answer(tx, claim)
            if stored is None:
                # The first request ended without success between our two looks; its key is free again.
                raise ChangedMeanwhile
            if key.request is not None and stored.fingerprint != fingerprint:
                raise KeyReused
            response = Response(stored.body, status_code=stored.status)
            for name, value in stored.headers:
                response.headers[name] = value
            return response
        response = await work(tx)
        if response.status_code >= 400:
            raise _NotRemembered(response)
        headers = [[name, value] for name, value in response.headers.items() if name != "content-length"]
        await idempotency.keep(tx, claim, response.status_code, headers, bytes(response.body))
        return response

    try:
        return await atomic(database, claimed)
    except _NotRemembered as refused:
        return refused.response


class _NotRemembered(Exception):
    """Rolls the claim back while keeping the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _fingerprint(request: Any) -> bytes:
    """Equal for requests whose parsed JSON is equal, however it was written: 30 is 30.0, but not "30"."""
    text = orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=_number)
    return hashlib.sha256(text).digest()


def _number(value: Any) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    digits = f"{value:f}"
    return orjson.Fragment((digits.rstrip("0").rstrip(".") if "." in digits else digits).encode())
