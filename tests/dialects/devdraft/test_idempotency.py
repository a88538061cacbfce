"""Idempotency keys: one link per key, the same answer for 24 hours, and nothing remembered of refusals."""

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from payglot.operations import links
from payglot.web.json import loads
from tests.dialects.devdraft.builders import LINKS, post
from tests.lifecycle import told
from tests.links import body_of
from tests.world import World

REUSED = {"statusCode": 409, "message": "Conflict: Idempotency key already used with different request data"}
AT_ONCE = 50


async def test_the_same_key_and_request_give_the_same_answer_for_24_hours(world: World) -> None:
    merchant, key, body = await world.merchant(), str(uuid4()), body_of(world, "devdraft")
    first = await post(world, merchant, body, idempotency_key=key)
    assert first.status_code == 201
    same = json.dumps(dict(reversed(list(body.items()))), indent=3).replace("29.99", "29.990").encode()
    for again in (
        await post(world, merchant, same, idempotency_key=key),
        await post(world, merchant, body, idempotency_key=key.upper()),
        await post(world, merchant, body, x_idempotency_key=key),
        await world.http.post(
            f"{LINKS}/", headers=await world.headers(merchant, "devdraft") | {"idempotency-key": key}, json=body
        ),
    ):
        assert (again.status_code, again.content) == (201, first.content), "before the slug is checked"
        assert again.headers["content-type"] == "application/json"
    world.clock.advance_by(hours=23.99)
    assert (await post(world, merchant, body, idempotency_key=key)).content == first.content
    world.clock.advance_by(hours=0.01)
    forgotten = await post(world, merchant, body, idempotency_key=key)
    assert forgotten.json()["message"] == "Payment link with this URL already exists"


async def test_a_replay_answers_what_was_answered_though_the_link_moved_on(world: World) -> None:
    merchant, key = await world.merchant(), str(uuid4())
    body = body_of(world, "devdraft", expiration_date=world.later(minutes=5))
    first = await post(world, merchant, body, idempotency_key=key)
    world.clock.advance_by(minutes=6)
    assert (await post(world, merchant, body, idempotency_key=key)).content == first.content


@pytest.mark.parametrize(
    "other",
    [
        b'{"title":"Mug","url":"mug","linkType":"PRODUCT","amount":31}',
        b'{"title":"Mug","url":"mug","linkType":"PRODUCT","amount":"30"}',
        b'{"title":"Mug","url":"mug","linkType":"PRODUCT","amount":30,"description":null}',
        b'{"title":"Mug","url":"mug","linkType":"PRODUCT","amount":30,"customFields":{"a":[]}}',
        b"{}",
        b"[]",
    ],
)
async def test_the_same_key_with_other_json_values_is_a_conflict(world: World, other: bytes) -> None:
    merchant, key = await world.merchant(), str(uuid4())
    first = b'{"title":"Mug","url":"mug","linkType":"PRODUCT","amount":30}'
    assert (await post(world, merchant, first, idempotency_key=key)).status_code == 201
    conflict = await post(world, merchant, other, idempotency_key=key)
    assert (conflict.status_code, conflict.json()) == (409, REUSED)
    assert (await post(world, merchant, first, idempotency_key=key)).status_code == 201


async def test_fifty_requests_at_once_with_one_key_make_one_link_and_get_equal_answers(world: World) -> None:
    merchant, key, body = await world.merchant(), str(uuid4()), body_of(world, "devdraft")
    answers = await asyncio.gather(*(post(world, merchant, body, idempotency_key=key) for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    async with world.services.database.single() as tx:
        (made,) = await links.newest(tx, merchant.id, dialect="devdraft", limit=10)
    messages = await told(world, "devdraft", made.id)
    assert [message.name for message in messages] == ["payment_link.created"], "a replay makes no event"


async def test_of_two_requests_at_once_with_one_key_one_wins(world: World) -> None:
    merchant, key = await world.merchant(), str(uuid4())
    bodies = [body_of(world, "devdraft", title=f"Mug {n % 2}") for n in range(AT_ONCE)]
    slugs = ("one", "two")
    answers = await asyncio.gather(
        *(post(world, merchant, b | {"url": slugs[n % 2]}, idempotency_key=key) for n, b in enumerate(bodies))
    )
    assert Counter(answer.status_code for answer in answers) == {201: AT_ONCE // 2, 409: AT_ONCE // 2}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert all(loads(answer.content) == REUSED for answer in answers if answer.status_code == 409)


@pytest.mark.parametrize(
    "refused", [b"{}", b'{"title":"Mug","url":"mug","linkType":"INVOICE"}', b'{"title":"ab"}', b"null"]
)
async def test_a_refused_request_leaves_its_key_free(world: World, refused: bytes) -> None:
    merchant, key = await world.merchant(), str(uuid4())
    assert (await post(world, merchant, refused, idempotency_key=key)).status_code == 400
    assert (await post(world, merchant, body_of(world, "devdraft"), idempotency_key=key)).status_code == 201


async def test_a_taken_slug_leaves_the_key_free(world: World) -> None:
    merchant, key = await world.merchant(), str(uuid4())
    taken = body_of(world, "devdraft", url="taken")
    await post(world, merchant, taken)
    assert (await post(world, merchant, taken, idempotency_key=key)).status_code == 409
    assert (await post(world, merchant, body_of(world, "devdraft"), idempotency_key=key)).status_code == 201


NO_KEYS = (
    "1",
    "",
    "payment_123456_unique_key",
    "123e4567-e89b-12d3-a456-426614174002",
    "123e4567-e89b-42d3-c456-426614174002",
    "123e4567e89b42d3a456426614174002",
    "{123e4567-e89b-42d3-a456-426614174002}",
)


async def test_a_key_must_be_a_uuid_of_version_4(world: World) -> None:
    merchant = await world.merchant()
    for header in ("idempotency_key", "x_idempotency_key"):
        for key in NO_KEYS:
            sent: dict[str, Any] = {header: key}
            response = await post(world, merchant, body_of(world, "devdraft"), **sent)
            assert response.json() == {
                "statusCode": 400,
                "message": "The idempotency-key header must be a valid UUID v4",
                "error": "Bad Request",
            }, key


async def test_a_merchant_may_demand_the_key(world: World) -> None:
    merchant = await world.merchant(require_idempotency_key=True)
    response = await post(world, merchant, body_of(world, "devdraft"))
    assert response.status_code == 400
    assert response.json() == {
        "statusCode": 400,
        "message": "The idempotency-key header is required for POST requests",
    }
    keyed = await post(world, merchant, body_of(world, "devdraft"), idempotency_key=str(uuid4()))
    assert keyed.status_code == 201


async def test_two_merchants_may_use_one_key(world: World) -> None:
    key, body = str(uuid4()), body_of(world, "devdraft")
    made = [(await post(world, await world.merchant(), body, idempotency_key=key)).json()["id"] for _ in range(2)]
    assert made[0] != made[1]
