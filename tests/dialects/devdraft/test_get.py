"""Reading a payment link, and the word for its state."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from payglot.dialects.devdraft import ids, mapping
from payglot.domain.link import LinkStatus
from tests.dialects.devdraft.builders import LINKS, new_link
from tests.lifecycle import let_time_pass, play
from tests.links import make, read
from tests.world import World

OPEN, FULL, PAID, EXPIRED, CANCELED = LinkStatus


@pytest.mark.parametrize(
    ("status", "days_left", "word"),
    [
        (OPEN, None, "ACTIVE"),
        (OPEN, 1, "ACTIVE"),
        (OPEN, 0, "EXPIRED"),
        (OPEN, -1, "EXPIRED"),
        (FULL, None, "ACTIVE"),
        (FULL, 1, "ACTIVE"),
        (FULL, -1, "EXPIRED"),
        (PAID, None, "INACTIVE"),
        (PAID, -1, "INACTIVE"),
        (CANCELED, 1, "INACTIVE"),
        (CANCELED, -1, "INACTIVE"),
        (EXPIRED, 1, "EXPIRED"),
        (EXPIRED, -1, "EXPIRED"),
    ],
)
async def test_every_state_has_its_word(world: World, status: LinkStatus, days_left: int | None, word: str) -> None:
    link = new_link(await world.merchant(), world.now, {})
    expires_at = None if days_left is None else world.now + timedelta(days=days_left)
    assert mapping.status(replace(link, status=status, expires_at=expires_at), world.now) == word


async def test_a_limit_that_is_reached_makes_the_link_inactive(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", limitPayments=True, maxPayments=2)
    await play(world, made, "paid")
    assert (await read(world, made))["status"] == "ACTIVE"
    await play(world, made, "processing")
    assert (await read(world, made))["status"] == "ACTIVE", "a place that is taken may become free"
    await play(world, made, "paid")
    assert (await read(world, made))["status"] == "INACTIVE"
    again = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert again.status_code == 409


async def test_a_place_that_becomes_free_can_be_paid_again(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", limitPayments=True, maxPayments=1)
    for outcome in ("processing", "failed", "paid"):
        await play(world, made, outcome)
    assert (await read(world, made))["status"] == "INACTIVE"


async def test_a_link_without_a_limit_stays_active(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", maxPayments=1)
    for _ in range(3):
        await play(world, made, "paid")
    body = await read(world, made)
    assert (body["status"], body["maxPayments"], body["limitPayments"]) == ("ACTIVE", 1, False)


async def test_a_link_shows_its_expiry_before_and_after_the_clocks_work(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", expiration_date=world.later(minutes=5))
    world.clock.advance_by(minutes=6)
    assert (await read(world, made))["status"] == "EXPIRED"
    await let_time_pass(world, minutes=1)
    assert (await read(world, made))["status"] == "EXPIRED"


async def test_a_change_of_state_moves_updated_at_and_nothing_else(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft", expiration_date=world.later(minutes=5))
    await let_time_pass(world, minutes=6)
    body = await read(world, made)
    assert body["updatedAt"] > body["createdAt"]
    assert body == made.answer | {"status": "EXPIRED", "updatedAt": body["updatedAt"]}


NO_IDS = (
    "pl_x",
    "42",
    "pl_" + "Z" * 26,
    "pl_" + "0" * 26,
    "PL_" + "0" * 26,
    "pl_" + "0" * 25 + "U",
    "pl_" + "0" * 27,
    "123e4567-e89b-42d3-a456-426614174002",
    "%20",
    "pl_%00",
)


async def test_an_unknown_id_is_404_however_it_looks(world: World) -> None:
    headers = await world.headers(await world.merchant(), "devdraft")
    for id in NO_IDS:
        response = await world.http.get(f"{LINKS}/{id}", headers=headers)
        assert response.status_code == 404, id
        assert response.json() == {"statusCode": 404, "message": "Payment link not found", "error": "Not Found"}


async def test_another_merchants_link_is_unknown(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    strangers = await world.headers(await world.merchant(), "devdraft")
    assert (await world.http.get(f"{LINKS}/{made.id}", headers=strangers)).status_code == 404


async def test_another_dialects_link_is_unknown(world: World) -> None:
    merchant = await world.merchant()
    played = await play(world, await make(world, merchant, "p100"), "processing")
    mine = await world.headers(merchant, "devdraft")
    spelled = ids.spell("pl_", UUID(played["link_id"]))
    assert (await world.http.get(f"{LINKS}/{spelled}", headers=mine)).status_code == 404


async def test_a_trailing_slash_changes_nothing(world: World) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    assert (await world.http.get(f"{LINKS}/{made.id}/", headers=made.headers)).json() == await read(world, made)


@pytest.mark.parametrize("key", ["fixed", "123e4567-e89b-42d3-a456-426614174002"])
async def test_an_idempotency_key_means_nothing_to_a_read(world: World, key: str) -> None:
    made = await make(world, await world.merchant(), "devdraft")
    for _ in range(2):
        got = await world.http.get(f"{LINKS}/{made.id}", headers=made.headers | {"idempotency-key": key})
        assert got.json() == made.answer


async def test_health_answers_with_and_without_credentials(world: World) -> None:
    headers = await world.headers(await world.merchant(), "devdraft")
    private = (await world.http.get("/api/v0/health", headers=headers)).json()
    assert private == {
        "status": "ok",
        "timestamp": private["timestamp"],
        "version": "1.0.0",
        "database": "connected",
        "message": "Service is up and running",
        "authenticated": True,
    }
    assert private["timestamp"].endswith("Z")
    assert (await world.http.get("/api/v0/health")).status_code == 401
    public = (await world.http.get("/api/v0/health/public")).json()
    assert public == {"status": "ok", "timestamp": public["timestamp"], "version": "1.0.0"}


async def test_a_page_that_cannot_be_paid_says_so_with_its_status(world: World) -> None:
    merchant = await world.merchant()
    sold = await make(world, merchant, "devdraft", limitPayments=True, maxPayments=1)
    await play(world, sold, "paid")
    over = await make(world, merchant, "devdraft", expiration_date=world.later(minutes=5))
    world.clock.advance_by(minutes=6)
    for made in (sold, over):
        page = await world.http.get(made.path)
        assert page.status_code == 410
        assert "<form" not in page.text
    assert (await world.http.get(f"/pay/{merchant.handle}/unknown")).status_code == 404
