"""Revoking a link: once, for good, and never one that a payer has confirmed."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from payglot.domain.errors import LinkNotPayable
from payglot.domain.merchant import Merchant
from tests.dialects.bridge.builders import (
    DOCUMENTATION,
    LINKS,
    UNKNOWN,
    V2,
    V3,
    VERSIONS,
    a_link,
    a_merchant,
    authorize,
    confirm,
    dossier_of,
    fail,
    headers,
    in_words,
    read,
    send,
    start,
    start_manual,
    webhooks,
)
from tests.lifecycle import let_time_pass
from tests.links import make
from tests.world import World

Life = Callable[[World, Merchant, str], Awaitable[None]]


async def ask(world: World, merchant: Merchant, id: str, version: str = V2, **changes: str) -> httpx.Response:
    sent = {**await headers(world, merchant, version)} | {n.replace("_", "-"): value for n, value in changes.items()}
    return await world.http.post(f"{LINKS[version]}/{id}/revoke", headers=sent)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_revoked_link_says_so_and_is_told_of_once(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, version)
    world.clock.advance_by(seconds=5)

    answered = await ask(world, merchant, id, version)

    assert (answered.status_code, answered.text) == (200, '""')
    assert answered.headers["content-type"] == "application/json"
    word = "REVOKED" if version == V2 else "revoked"
    shown = await read(world, merchant, id, version)
    assert shown["status"] == word
    assert shown["updated_at"] > shown["created_at"]
    assert in_words(await webhooks(world, id)) == [f"link {word}"]


@pytest.mark.parametrize(("maker", "revoker"), [(V2, V3), (V3, V2)])
async def test_either_version_revokes_what_the_other_made(world: World, maker: str, revoker: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, maker)
    assert (await ask(world, merchant, id, revoker)).status_code == 200
    assert (await read(world, merchant, id, maker))["status"].upper() == "REVOKED"
    assert in_words(await webhooks(world, id)) == ["link REVOKED" if maker == V2 else "link revoked"]


async def test_revoking_again_is_answered_alike_and_changes_nothing(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    first = await ask(world, merchant, id)
    shown = await read(world, merchant, id)
    world.clock.advance_by(days=40)
    again = await ask(world, merchant, id)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert await read(world, merchant, id) == shown
    assert len(await webhooks(world, id)) == 1


async def test_two_revocations_at_once_are_one(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    answers = await asyncio.gather(*(ask(world, merchant, id) for _ in range(4)))
    assert [each.status_code for each in answers] == [200] * 4
    assert in_words(await webhooks(world, id)) == ["link REVOKED"]


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": {"Content-Type": "application/json"}, "content": b""},
        {"headers": {}, "content": b""},
        {"headers": {"Content-Type": "application/json"}, "content": b"{}"},
        {"headers": {"Content-Type": "text/plain"}, "content": b"{"},
    ],
)
async def test_no_body_is_asked_for_and_none_is_read(world: World, sent: dict[str, object]) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    known = await headers(world, merchant)
    answered = await world.http.post(
        f"{LINKS[V2]}/{id}/revoke",
        headers={**known, **sent["headers"]},  # type: ignore[dict-item]
        content=sent["content"],  # type: ignore[arg-type]
    )
    assert answered.status_code == 200


async def confirmed(world: World, merchant: Merchant, id: str) -> None:
    await confirm(world, await start(world, merchant, id))


async def executed(world: World, merchant: Merchant, id: str) -> None:
    await send(world, await start(world, merchant, id))


async def rejected_after_confirmation(world: World, merchant: Merchant, id: str) -> None:
    payment = await start(world, merchant, id)
    await confirm(world, payment)
    await fail(world, payment)


async def transfer_confirmed(world: World, merchant: Merchant, id: str) -> None:
    await confirm(world, await start_manual(world, merchant, id))


async def expired(world: World, merchant: Merchant, id: str) -> None:
    await let_time_pass(world, days=31)


async def past_its_expiry(world: World, merchant: Merchant, id: str) -> None:
    world.clock.advance_by(days=31)


FINALS = [
    (confirmed, "COMPLETED"),
    (executed, "COMPLETED"),
    (rejected_after_confirmation, "COMPLETED"),
    (transfer_confirmed, "COMPLETED"),
    (expired, "EXPIRED"),
    (past_its_expiry, "EXPIRED"),
]


@pytest.mark.parametrize(("live", "word"), FINALS, ids=[live.__name__ for live, _ in FINALS])
async def test_a_final_link_is_not_revoked(world: World, live: Life, word: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await live(world, merchant, id)
    told = await webhooks(world, id)

    message = "Only a valid payment link can be revoked"
    v2 = {"type": "invalid_request", "message": message, "documentation_url": None}
    for version, expected in ((V2, v2), (V3, {"code": "invalid_request", "message": message})):
        answered = await ask(world, merchant, id, version)
        assert (answered.status_code, answered.json()) == (400, expected)
    assert (await read(world, merchant, id))["status"] == word
    assert await webhooks(world, id) == told


async def chosen(world: World, merchant: Merchant, id: str) -> None:
    await start(world, merchant, id)


async def at_the_bank(world: World, merchant: Merchant, id: str) -> None:
    await authorize(world, await start(world, merchant, id))


async def rejected_before_confirmation(world: World, merchant: Merchant, id: str) -> None:
    await fail(world, await start(world, merchant, id))


@pytest.mark.parametrize("live", [chosen, at_the_bank, rejected_before_confirmation])
async def test_a_link_that_nobody_has_confirmed_is_revoked_and_can_no_longer_be_paid(world: World, live: Life) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await live(world, merchant, id)
    assert (await ask(world, merchant, id)).status_code == 200
    assert (await read(world, merchant, id))["status"] == "REVOKED"
    with pytest.raises(LinkNotPayable):
        await start(world, merchant, id)
    page = await world.http.get(f"/pay/{(await dossier_of(world, id)).link.token}")
    assert page.status_code == 410
    assert "can no longer be paid" in page.text
    assert "<form" not in page.text


async def test_an_attempt_under_way_cannot_be_confirmed_after_the_revocation(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    payment = await start(world, merchant, id)
    await ask(world, merchant, id)
    with pytest.raises(LinkNotPayable):
        await confirm(world, payment)
    assert (await read(world, merchant, id))["status"] == "REVOKED"


async def test_of_a_payer_and_a_merchant_at_once_the_first_one_wins_for_good(world: World) -> None:
    merchant = await a_merchant(world)
    for _ in range(5):
        id = await a_link(world, merchant)
        payment = await start(world, merchant, id)
        answered, *rest = await asyncio.gather(
            ask(world, merchant, id), confirm(world, payment), return_exceptions=True
        )
        assert isinstance(answered, httpx.Response)
        word = (await read(world, merchant, id))["status"]
        links = [told for told in in_words(await webhooks(world, id)) if told.startswith("link")]
        if answered.status_code == 200:
            assert isinstance(rest[0], LinkNotPayable)
            assert (word, links) == ("REVOKED", ["link REVOKED"])
        else:
            assert rest == [None]
            assert (answered.status_code, word, links) == (400, "COMPLETED", ["link COMPLETED"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_names_no_link_of_the_merchant_is_not_found(world: World, version: str) -> None:
    merchant, stranger = await a_merchant(world), await a_merchant(world)
    foreign = await a_link(world, stranger)
    qonto = await make(world, merchant, "qonto")
    message = "The requested resource doesn't exist"
    expected = {"code": "not_found", "message": message}
    if version == V2:
        expected = {"type": "not_found", "message": message, "documentation_url": DOCUMENTATION}
    for id in (UNKNOWN, foreign, qonto.id, "42", "%20"):
        answered = await ask(world, merchant, id, version)
        assert (answered.status_code, answered.json()) == (404, expected)
    assert (await read(world, stranger, foreign))["status"] == "VALID"


async def test_a_revocation_is_only_posted(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    for method in ("GET", "PUT", "DELETE"):
        sent = await headers(world, merchant)
        answered = await world.http.request(method, f"{LINKS[V2]}/{id}/revoke", headers=sent)
        assert (answered.status_code, answered.headers["allow"]) == (405, "POST")


async def test_money_may_still_come_by_a_manual_transfer_that_was_begun(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    payment = await start_manual(world, merchant, id)
    await ask(world, merchant, id)
    await send(world, payment)
    shown = await read(world, merchant, id)
    assert (shown["status"], shown["fund_information"]["status"]) == ("REVOKED", "PAID")
    assert (await ask(world, merchant, id)).status_code == 200
    assert in_words(await webhooks(world, id)) == ["link REVOKED", "link REVOKED PAID"]
