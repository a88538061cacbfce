"""The pages of a payout link: say where, see it once more, confirm, follow; each form acts once."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text as sql

from payglot.domain.payout import Payout, PayoutStatus
from payglot.operations import links, payouts
from tests.dialects.txn.payees import ON_TRON, TRON, XRP, a_payout_link, hidden, play
from tests.world import World

S = PayoutStatus


def page_of(link: dict[str, Any]) -> str:
    """Its path, without the documented query."""
    url: str = link["attributes"]["hostedPageUrl"]
    return "/" + url.split("?")[0].split("/", 3)[3]


async def opened(world: World, **changes: Any) -> tuple[dict[str, Any], str]:
    settings = changes.pop("settings", {})
    link = await a_payout_link(world, await world.merchant(**settings), **changes)
    return link, page_of(link)


async def submit(world: World, page: httpx.Response, path: str, **values: str) -> httpx.Response:
    return await world.http.post(path, data=hidden(page.text) | values)


async def confirming(world: World, path: str, **values: str) -> httpx.Response:
    """The page that asks once more."""
    first = await world.http.get(path)
    answered = await submit(world, first, path, action="pay", **(ON_TRON | values))
    assert answered.status_code == 200, answered.text
    return answered


async def claimed(world: World, path: str, **values: str) -> httpx.Response:
    answered = await submit(world, await confirming(world, path, **values), path, action="claim")
    assert (answered.status_code, answered.headers["location"]) == (303, path)
    return await world.http.get(path)


async def payout_of(world: World, link: dict[str, Any]) -> Payout | None:
    async with world.services.database.single() as tx:
        return (await links.get_any(tx, UUID(link["id"]), world.now)).payout


async def test_the_first_page_names_the_payer_and_what_is_asked(world: World) -> None:
    link, path = await opened(world, amount="150", reference="withdrawal-88")
    page = await world.http.get(link["attributes"]["hostedPageUrl"])
    assert page.status_code == 200
    for text in ("Money from", "Atelier Nord", "€150.00", "withdrawal-88", "Receive in", "Can be claimed until"):
        assert text in page.text
    assert "Pay <bdi>" not in page.text
    assert 'name="destination"' in page.text
    assert 'name="tag"' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert await payout_of(world, link) is None
    assert path in page.text


async def test_before_anything_is_claimed_the_payee_sees_it_once_more(world: World) -> None:
    link, path = await opened(world, amount="150")
    page = await confirming(world, path)
    for text in ("Is this your address?", "163.043478 USDT", "Tron (TRC20)", TRON, "cannot be called back"):
        assert text in page.text
    fields = hidden(page.text)
    assert {name: fields[name] for name in (*ON_TRON, "shown")} == ON_TRON | {"shown": "163.043478"}
    assert await payout_of(world, link) is None, "looking claims nothing"


async def test_a_confirmed_claim_shows_where_it_stands(world: World) -> None:
    link, path = await opened(world)
    page = await claimed(world, path)
    payout = await payout_of(world, link)
    assert payout is not None
    assert (payout.status, payout.destination) == (S.RESERVED, TRON)
    assert "Your money is on its way" in page.text
    assert TRON in page.text
    assert 'name="destination"' not in page.text
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"destination": TRON[:-1]}, "This is not an address on"),
        ({"destination": ""}, "Say where the money is to be sent."),
        ({"network": "btc"}, "Choose one of the currencies offered."),
        ({"network": "txrp", "destination": XRP, "tag": "x"}, "The destination tag is a whole number"),
    ],
)
async def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(
    world: World, values: dict[str, str], problem: str
) -> None:
    link, path = await opened(world)
    first = await world.http.get(path)
    answered = await submit(world, first, path, action="pay", **(ON_TRON | values))
    assert answered.status_code == 422
    assert problem in answered.text
    assert 'aria-invalid="true"' in answered.text or 'id="p-network"' in answered.text
    assert values.get("destination", TRON) in answered.text, "what was typed is still there"
    assert await payout_of(world, link) is None


async def test_a_claim_for_another_amount_than_was_shown_asks_again(world: World) -> None:
    link, path = await opened(world)
    page = await confirming(world, path)
    again = await submit(world, page, path, action="claim", shown="999.000000")
    assert again.status_code == 200
    assert "Is this your address?" in again.text
    assert await payout_of(world, link) is None


async def test_a_destination_that_was_changed_after_the_look_is_checked_again(world: World) -> None:
    link, path = await opened(world)
    page = await confirming(world, path)
    assert (await submit(world, page, path, action="claim", destination="T" * 34)).status_code == 422
    assert await payout_of(world, link) is None


async def test_fifty_confirmations_at_once_claim_once(world: World) -> None:
    link, path = await opened(world)
    page = await confirming(world, path)
    answers = await asyncio.gather(*(submit(world, page, path, action="claim") for _ in range(50)))
    assert {(each.status_code, each.headers["location"]) for each in answers} == {(303, path)}
    payout = await payout_of(world, link)
    assert payout is not None
    async with world.services.database.single() as tx:
        assert [each.id for each in await payouts.newest(tx, payout.merchant_id)] == [payout.id]


async def test_a_live_merchants_link_cannot_be_claimed(world: World) -> None:
    link, path = await opened(world)
    page = await confirming(world, path)
    async with world.services.database.transaction() as tx:
        await tx.execute(sql("UPDATE links SET mode = 'live' WHERE id = :id"), {"id": UUID(link["id"])})
    assert (await submit(world, page, path, action="claim")).headers["location"] == path
    shown = (await world.http.get(path)).text
    assert "No way to pay has been set up here yet." in shown
    assert "<form" not in shown
    assert await payout_of(world, link) is None


async def test_a_second_tab_finds_the_link_claimed(world: World) -> None:
    link, path = await opened(world)
    second = await confirming(world, path, network="txrp", destination=XRP)
    await claimed(world, path)
    answered = await submit(world, second, path, action="claim")
    assert (answered.status_code, answered.headers["location"]) == (303, path)
    payout = await payout_of(world, link)
    assert payout is not None
    assert payout.destination == TRON


async def test_a_form_that_is_not_ours_claims_nothing(world: World) -> None:
    link, path = await opened(world)
    other, _ = await opened(world)
    page = await confirming(world, path)
    foreign = await confirming(world, page_of(other))
    for changes in ({"proof": "x"}, {"nonce": "x"}, {"proof": hidden(foreign.text)["proof"]}):
        answered = await submit(world, page, path, action="claim", **changes)
        assert answered.status_code == 403
    crossed = await world.http.post(
        path, data=hidden(page.text) | {"action": "claim"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert crossed.status_code == 403
    unknown = await submit(world, page, path, action="drain")
    assert unknown.status_code == 400
    assert await payout_of(world, link) is None


@pytest.mark.parametrize(
    ("action", "heading", "status"),
    [
        ("paid", "Your money was sent", S.COMPLETED),
        ("failed", "The payout did not go through", S.FAILED),
        ("abort", "The payout was refused", S.REJECTED),
    ],
)
async def test_a_tester_plays_the_rest_on_the_page(
    world: World, action: str, heading: str, status: PayoutStatus
) -> None:
    link, path = await opened(world, settings={"payout_approval": "manual"})
    waiting = await claimed(world, path)
    assert "Waiting for approval" in waiting.text

    answered = await submit(world, waiting, path, action=action)

    assert answered.status_code == 303
    page = await world.http.get(path)
    assert heading in page.text
    assert 'value="paid"' not in page.text
    payout = await payout_of(world, link)
    assert payout is not None
    assert payout.status is status


async def test_a_form_of_an_earlier_state_does_nothing(world: World) -> None:
    link, path = await opened(world, settings={"payout_approval": "manual"})
    waiting = await claimed(world, path)
    payout = await payout_of(world, link)
    assert payout is not None
    async with world.services.database.transaction() as tx:
        await payouts.approve(tx, payout.id, world.now)
    assert (await submit(world, waiting, path, action="abort")).status_code == 303
    after = await payout_of(world, link)
    assert after is not None
    assert after.status is S.RESERVED


async def test_an_expired_link_offers_nothing_and_takes_no_form(world: World) -> None:
    link, path = await opened(world, expires_at=world.later(hours=1))
    page = await confirming(world, path)
    world.clock.advance_by(hours=1)
    gone = await world.http.get(path)
    assert gone.status_code == 410
    assert "It can no longer be claimed." in gone.text
    assert (await submit(world, page, path, action="claim")).status_code == 303
    assert await payout_of(world, link) is None


async def test_the_documented_query_opens_the_page(world: World) -> None:
    link, path = await opened(world)
    seen = await world.http.get(f"/redirect?payment_link_id={link['id']}&request_type=payment_link_hosted_page&zone=eu")
    assert (seen.status_code, seen.headers["location"]) == (303, path)


async def test_an_open_page_hears_of_every_change(world: World) -> None:
    link, path = await opened(world)
    page = await claimed(world, path)
    assert f'data-live="{path}/status?seen=' in page.text
    await play(world, link["attributes"]["hostedPageUrl"], "paid")
    done = await world.http.get(path)
    assert "data-live" not in done.text


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "nl"])
async def test_the_pages_are_in_the_payees_language(world: World, language: str) -> None:
    _, path = await opened(world, settings={"payout_approval": "manual"})
    headers = {"Accept-Language": language}
    first = await world.http.get(path, headers=headers)
    sent = hidden(first.text) | ON_TRON | {"action": "pay"}
    second = await world.http.post(path, data=sent, headers=headers)
    await world.http.post(path, data=hidden(second.text) | {"action": "claim"}, headers=headers)
    third = await world.http.get(path, headers=headers)
    for page, english in ((first, "Money from"), (second, "Is this your address?"), (third, "Waiting for approval")):
        assert page.status_code == 200
        assert page.headers["content-language"] == language
        assert english not in page.text


async def test_values_are_escaped(world: World) -> None:
    _, path = await opened(world, reference='<b>&"x')
    first = await world.http.get(path)
    answered = await submit(world, first, path, action="pay", network="ttrx:usdt", destination='"><script>')
    assert answered.status_code == 422
    assert "<script>" not in answered.text.replace('<script src="', "")
    assert "<b>" not in first.text
