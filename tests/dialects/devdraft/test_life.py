"""A DevDraft link's life: its states, its webhooks, what payers fill in."""

import hmac
from typing import Any
from uuid import UUID

import pytest

from payglot.dialects import DIALECTS
from payglot.dialects.devdraft import ids
from payglot.dialects.devdraft.markdown import to_html
from tests.lifecycle import bodies, let_time_pass, play, told
from tests.links import Made, make, read
from tests.world import World

WEBHOOKS = DIALECTS["devdraft"].webhooks


def uuid_of(made: Made) -> UUID:
    id = ids.read("pl_", made.id)
    assert id is not None
    return id


async def test_a_payment_leaves_the_link_active_and_is_told_twice(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    for _ in range(2):
        await play(world, made, "paid", quantity=2)
    assert (await read(world, made))["status"] == "ACTIVE"
    messages = await told(world, "devdraft", uuid_of(made))
    once = ["payment.created", "payment.completed", "payment_link.paid"]
    assert [m.name for m in messages] == ["payment_link.created", *once, *once]
    shown = bodies(messages)
    assert len({m["id"] for m in shown}) == len(shown)
    assert shown[2]["data"] == {
        "id": shown[2]["data"]["id"],
        "paymentLinkId": made.id,
        "amount": 59.98,
        "currency": "usdc",
        "quantity": 2,
        "status": "completed",
        "method": "wallet",
        "createdAt": shown[2]["data"]["createdAt"],
    }
    assert shown[3]["data"]["id"] == made.id
    assert shown[3]["data"]["payment"] == shown[2]["data"]


async def test_a_limit_that_is_reached_makes_the_link_inactive(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", limitPayments=True, maxPayments=2)
    await play(world, made, "paid")
    assert (await read(world, made))["status"] == "ACTIVE"
    await play(world, made, "paid")
    assert (await read(world, made))["status"] == "INACTIVE"
    again = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert again.status_code == 409


async def test_a_maximum_without_the_switch_is_kept_but_limits_nothing(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", maxPayments=1)
    await play(world, made, "paid")
    await play(world, made, "paid")
    assert (await read(world, made))["maxPayments"] == 1


async def test_an_expired_link_is_told_once(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", expiration_date=world.later(minutes=5))
    await let_time_pass(world, minutes=6)
    await let_time_pass(world, minutes=6)
    assert (await read(world, made))["status"] == "EXPIRED"
    assert [m.name for m in await told(world, "devdraft", uuid_of(made))] == [
        "payment_link.created",
        "payment_link.expired",
    ]


@pytest.mark.parametrize("outcome", ["failed", "processing"])
async def test_a_payment_that_fails_is_told(world: World, outcome: str) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    await play(world, made, outcome)
    names = [m.name for m in await told(world, "devdraft", uuid_of(made))]
    assert names[2:] == (["payment.failed"] if outcome == "failed" else [])


def test_the_signature_covers_the_time_and_the_exact_body(world: World) -> None:
    headers = WEBHOOKS.headers(
        delivery_id=UUID(int=1), name="payment_link.paid", body=b'{"a":1}', secrets=("whsec_abc",), sent_at=world.now
    )
    stamp = headers["X-Devdraft-Timestamp"]
    expected = hmac.new(b"whsec_abc", f'{stamp}.{{"a":1}}'.encode(), "sha256").hexdigest()
    assert headers["X-Devdraft-Signature"] == f"sha256={expected}"
    assert headers["X-Devdraft-Event"] == "payment_link.paid"
    assert headers["X-Devdraft-Delivery"] == str(UUID(int=1))
    schedule = WEBHOOKS.schedule
    assert (list(schedule.delays), schedule.timeout_seconds) == ([5, 10, 20], 10)


@pytest.mark.parametrize(
    ("changes", "wish", "amount"),
    [
        ({}, {}, "29.990000"),
        ({}, {"quantity": 3}, "89.970000"),
        ({"allowQuantityAdjustment": False}, {"quantity": 3}, "29.990000"),
        ({"linkType": "DONATION", "amount": None}, {"amount": "12.50"}, "12.500000"),
        ({"linkType": "COLLECTION", "amount": None}, {}, "10.000000"),
        ({"linkType": "SUBSCRIPTION"}, {"quantity": 3}, "29.990000"),
    ],
)
async def test_what_a_payer_pays_is_worked_out_by_us(
    world: World, changes: dict[str, Any], wish: dict[str, Any], amount: str
) -> None:
    made = await make(world, await world.merchant(), "devdraft", **changes)
    assert (await play(world, made, "paid", **wish))["amount"] == amount


@pytest.mark.parametrize("amount", ["0", "0.009", "1000001", "x", "1e3"])
async def test_an_open_amount_is_held_to_its_limits(world: World, amount: str) -> None:
    made = await make(world, await world.merchant(), "devdraft", linkType="DONATION", amount=None)
    response = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid", "amount": amount})
    assert response.status_code in (400, 422)


async def test_a_product_link_without_a_price_cannot_be_paid(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", amount=None)
    response = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert response.status_code == 409


async def test_the_form_asks_for_what_the_link_collects(world: World) -> None:
    made = await make(
        world,
        await world.merchant(),
        "devdraft",
        collectAddress=True,
        requirePhoneNumber=True,
        allowBusinessTaxId=True,
        allowMobilePayment=True,
        customFields={"Note": "", "Size": {"type": "select", "required": True, "options": ["S", "M"]}},
    )
    page = (await world.http.get(made.path)).text
    for name in (
        "quantity",
        "method",
        "email",
        "phone",
        "address_line",
        "address_city",
        "business_tax_id",
        "custom_0",
        "custom_1",
    ):
        assert f'name="{name}"' in page
    played = await play(world, made, "paid", method="mobile")
    assert played["method"] == "mobile"


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("[x](javascript:alert(1))", 'href="javascript'),
        ("[x](data:text/html,1)", 'href="data'),
        ("![x](https://tracker.example/p.png)", "<img"),
    ],
)
def test_markdown_can_do_no_harm(text: str, forbidden: str) -> None:
    assert forbidden not in to_html(text)


def test_markdown_is_rendered() -> None:
    html = to_html("**b** [x](https://shop.example)\n\n- one")
    assert "<strong>b</strong>" in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert "<li>one</li>" in html
