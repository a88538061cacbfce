"""Test payments: the provider's own place to try idempotency keys on."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.dialects.devdraft.builders import bad, failed, order_of, send
from tests.world import World

SENT = {"amount": 12.50, "currency": "USD", "description": "Test payment for order #12345", "customerId": "cus_12345"}
MISSING = {"statusCode": 400, "message": "The idempotency-key header is required for POST requests"}
REUSED = {"statusCode": 409, "message": "Conflict: Idempotency key already used with different request data"}
NOT_FOUND = failed(404, "Payment not found", "Not Found")


async def test_a_payment_and_its_refund_are_the_documented_objects(world: World) -> None:
    merchant = await world.merchant()
    made = await send(world, merchant, "POST", "test-payment", SENT, idempotency_key=str(uuid4()))
    body = made.json()
    expected = {
        "id": body["id"],
        "amount": 12.5,
        "currency": "USD",
        "status": "succeeded",
        "timestamp": body["timestamp"],
    }
    assert (made.status_code, body, order_of(body)) == (201, expected, order_of(expected))
    assert body["id"].startswith("pay_")
    assert body["timestamp"].endswith("Z")
    read = await send(world, merchant, "GET", f"test-payment/{body['id']}")
    assert (read.status_code, read.json()) == (200, body)

    key = str(uuid4())
    refunded = await send(world, merchant, "POST", f"test-payment/{body['id']}/refund", idempotency_key=key)
    told = refunded.json()
    expected = {
        "id": told["id"],
        "paymentId": body["id"],
        "amount": 12.5,
        "status": "succeeded",
        "timestamp": told["timestamp"],
    }
    assert (refunded.status_code, told, order_of(told)) == (200, expected, order_of(expected))
    assert told["id"].startswith("ref_")
    again = await send(world, merchant, "POST", f"test-payment/{body['id']}/refund", idempotency_key=key)
    assert (again.status_code, again.content) == (200, refunded.content)
    twice = await send(world, merchant, "POST", f"test-payment/{body['id']}/refund", idempotency_key=str(uuid4()))
    assert twice.json() == failed(400, "Payment has already been refunded", "Bad Request")
    assert (await send(world, merchant, "GET", f"test-payment/{body['id']}")).json() == body


async def test_a_key_is_demanded_and_must_be_a_uuid_v4(world: World) -> None:
    merchant = await world.merchant()
    for path, body in (("test-payment", SENT), ("test-payment/pay_x/refund", None)):
        response = await send(world, merchant, "POST", path, body)
        assert (response.status_code, response.json()) == (400, MISSING)
        for key in ("payment_123456_unique_key", "123e4567-e89b-12d3-a456-426614174000"):
            response = await send(world, merchant, "POST", path, body, idempotency_key=key)
            assert response.json() == failed(400, "The idempotency-key header must be a valid UUID v4", "Bad Request")


async def test_a_key_makes_one_payment_for_24_hours(world: World) -> None:
    merchant = await world.merchant()
    key = str(uuid4())
    answers = await asyncio.gather(
        *(send(world, merchant, "POST", "test-payment", SENT, idempotency_key=key) for _ in range(5))
    )
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    other = await send(world, merchant, "POST", "test-payment", SENT | {"amount": 1}, idempotency_key=key)
    assert (other.status_code, other.json()) == (409, REUSED)
    world.clock.advance_by(hours=24, seconds=1)
    late = await send(world, merchant, "POST", "test-payment", SENT | {"amount": 1}, idempotency_key=key)
    assert late.status_code == 201
    assert late.json()["id"] != answers[0].json()["id"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": None}, "amount should not be empty"),
        ({"amount": 0}, "amount must not be less than 0.01"),
        ({"amount": "12"}, "amount must be a number conforming to the specified constraints"),
        ({"currency": ""}, "currency should not be empty"),
        ({"currency": "x" * 11}, "currency must be shorter than or equal to 10 characters"),
        ({"description": None}, "description should not be empty"),
        ({"customerId": 5}, "customerId must be a string"),
    ],
)
async def test_each_broken_rule_frees_the_key(world: World, changes: dict[str, Any], message: str) -> None:
    merchant = await world.merchant()
    key = str(uuid4())
    refused = await send(world, merchant, "POST", "test-payment", SENT | changes, idempotency_key=key)
    assert (refused.status_code, refused.json()) == (400, bad(message))
    assert (await send(world, merchant, "POST", "test-payment", SENT, idempotency_key=key)).status_code == 201


async def test_unknown_payments_are_404(world: World) -> None:
    merchant = await world.merchant()
    made = await send(world, await world.merchant(), "POST", "test-payment", SENT, idempotency_key=str(uuid4()))
    for id in (made.json()["id"], "pay_x", "42", "pay_" + "0" * 26):
        assert (await send(world, merchant, "GET", f"test-payment/{id}")).json() == NOT_FOUND
        refused = await send(world, merchant, "POST", f"test-payment/{id}/refund", idempotency_key=str(uuid4()))
        assert (refused.status_code, refused.json()) == (404, NOT_FOUND)
