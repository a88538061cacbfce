"""Qonto's webhooks: the published signature vector, created and updated, one id per subscription and event."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from payglot.dialects import DIALECTS
from tests.dialects.qonto.test_api import INVOICE
from tests.lifecycle import bodies, let_time_pass, play, told
from tests.links import make
from tests.world import World

WEBHOOKS = DIALECTS["qonto"].webhooks
PUBLISHED = "t=1704110400,v1=56aff06dc227db80d6568a5070f912c601c31f20451745d257cbc0b5dfa93805"


def test_the_signature_is_the_published_vector() -> None:
    headers = WEBHOOKS.headers(
        delivery_id=uuid4(),
        name="x",
        body=b'{"test":"data"}',
        secrets=("test-secret",),
        sent_at=datetime.fromtimestamp(1704110400, UTC),
    )
    assert headers["X-Qonto-Signature"] == PUBLISHED


def test_while_a_rotation_overlaps_both_secrets_sign() -> None:
    headers = WEBHOOKS.headers(
        delivery_id=uuid4(),
        name="x",
        body=b'{"test":"data"}',
        secrets=("new", "test-secret"),
        sent_at=datetime.fromtimestamp(1704110400, UTC),
    )
    assert headers["X-Qonto-Signature"].endswith(PUBLISHED.split(",")[1])
    assert headers["X-Qonto-Signature"].count("v1=") == 2


async def test_creation_and_each_change_of_status_are_told(world: World) -> None:
    made = await make(world, await world.merchant(), "qonto")
    await play(world, made, "paid")
    messages = bodies(await told(world, "qonto", UUID(made.id)))
    assert [(m["data"]["event"], m["data"]["status"]) for m in messages] == [
        ("created", "open"),
        ("updated", "processing"),
        ("updated", "paid"),
    ]
    assert "latest_payment_method_used" not in messages[0]["data"]
    assert messages[1]["data"]["latest_payment_method_used"] == "credit_card"
    assert len({m["id"] for m in messages}) == 3


async def test_the_envelope_and_an_invoices_data_are_the_documented_ones(world: World) -> None:
    link = INVOICE | {"items": None, "reusable": None}
    made = await make(world, await world.merchant(), "qonto", **link)
    (message,) = bodies(await told(world, "qonto", UUID(made.id)))
    assert set(message) == {"id", "subscription_id", "organization_id", "membership_id", "type", "created_at", "data"}
    assert message["type"] == "v1/payment-links"
    shown = made.answer["payment_link"]
    assert message["data"] == {
        "event": "created",
        "status": "open",
        "payment_link_id": made.id,
        "amount": {"currency": "EUR", "value": "415.80"},
        "potential_payment_methods": ["credit_card", "apple_pay"],
        "resource_id": INVOICE["invoice_id"],
        "resource_metadata": {"invoice_number": "INV-12345"},
        "resource_type": "Invoice",
        "expired_at": shown["expiration_date"],
        "created_at": shown["created_at"],
        "updated_at": shown["created_at"],
    }


async def test_the_same_event_has_the_same_body_whenever_it_is_rendered(world: World) -> None:
    made = await make(world, await world.merchant(), "qonto")
    first = await told(world, "qonto", UUID(made.id))
    assert [m.body for m in first] == [m.body for m in await told(world, "qonto", UUID(made.id))]


async def test_an_expired_link_is_told(world: World) -> None:
    made = await make(world, await world.merchant(), "qonto")
    await let_time_pass(world, days=366)
    assert bodies(await told(world, "qonto", UUID(made.id)))[-1]["data"]["status"] == "expired"


@pytest.mark.parametrize("outcome", ["failed", "abort"])
async def test_a_link_can_be_paid_again_after_a_payment_that_failed(world: World, outcome: str) -> None:
    made = await make(world, await world.merchant(), "qonto")
    await play(world, made, "processing")
    if outcome == "failed":
        await play(world, made, "failed")
    words = [m["data"]["status"] for m in bodies(await told(world, "qonto", UUID(made.id)))]
    assert words == (["open", "processing", "open"] if outcome == "failed" else ["open", "processing"])


def test_receivers_have_one_second_and_some_three_days() -> None:
    schedule = WEBHOOKS.schedule
    assert schedule.timeout_seconds == 1
    assert list(schedule.delays[:3]) == [10, 20, 40]
    assert max(schedule.delays) == 6 * 3600
    assert 2.5 * 86400 < sum(schedule.delays) < 3.2 * 86400
