"""The movable clock: what became due is done, and told, before the answer."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from payglot.sandbox import Wiring, build_sandbox
from payglot.web import instants
from tests.sandbox.builders import ADMIN, a_link
from tests.sandbox.serving import serving
from tests.world import BASE_URL, World


async def test_moving_the_clock_expires_links_and_delivers_their_webhooks_first(
    new_database: Callable[..., str],
) -> None:
    async with serving(new_database()) as served:
        p100 = served.given["dialects"]["p100"]
        soon = instants.millis(served.services.clock.now().replace(year=served.services.clock.now().year + 1))
        body = {"amount": "10.00", "expiresAt": soon}
        link = (await served.http.post("/v1/payment-link", headers=p100["headers"], json=body)).json()
        late = await served.http.post("/sandbox/v1/clock", headers=ADMIN, json={"advance_seconds": 366 * 86400})
        messages = (
            await served.http.get("/sandbox/v1/inbox", params={"merchant_id": served.given["merchant_id"]})
        ).json()["messages"]
        read = await served.http.get(f"/v1/payment-link/details/{link['paymentLinkId']}", headers=p100["headers"])

    assert late.status_code == 200, late.text
    assert late.json()["offset_seconds"] == 366 * 86400
    assert late.json()["settled"] is True
    assert read.json()["status"] == "EXPIRED"
    assert [(m["event"], m["verified"], m["reason"]) for m in messages] == [("EXPIRED", True, "The token matches.")]
    assert messages[0]["path"].endswith("/webhook/payment-link/status")
    assert messages[0]["headers"]["authorization"] == p100["webhook_secret"]
    assert messages[0]["json"]["paymentLinkId"] == link["paymentLinkId"]


async def test_it_counts_what_moved_and_does_not_wait_for_ever(quiet: World) -> None:
    await a_link(quiet, await quiet.merchant())
    wiring = Wiring(flows={}, titles={}, apis={}, admin_token=ADMIN["Authorization"][7:], settle_seconds=0.2)
    transport = httpx.ASGITransport(app=build_sandbox(quiet.services, wiring))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as impatient:
        moved = await impatient.post("/sandbox/v1/clock", headers=ADMIN, json={"advance_seconds": 31 * 86400})

    assert moved.json()["moved"] == 1
    # Nobody delivers webhooks in this process.
    assert moved.json()["settled"] is False


async def test_the_clock_only_goes_forward_and_tells_where_it_is(quiet: World) -> None:
    before = (await quiet.http.get("/sandbox/v1/clock")).json()
    moved = (await _advance(quiet, 900)).json()
    moved_again = (await _advance(quiet, 0)).json()
    after = (await quiet.http.get("/sandbox/v1/clock")).json()

    assert (before["offset_seconds"], moved["offset_seconds"], moved_again["offset_seconds"]) == (0, 900, 900)
    assert moved["settled"] is True
    ahead = instants.parse(after["now"]) - instants.parse(before["now"])
    assert 900 <= ahead.total_seconds() < 960


async def test_ten_years_are_the_farthest_in_all(quiet: World) -> None:
    ten_years = 10 * 365 * 86400
    first = await _advance(quiet, ten_years)
    more = await _advance(quiet, 1)
    now = (await quiet.http.get("/sandbox/v1/clock")).json()

    assert first.status_code == 200
    assert (more.status_code, more.json()["error"]["code"]) == (409, "clock_too_far")
    assert now["offset_seconds"] == ten_years


@pytest.mark.parametrize("seconds", [-1, 1.5, "900", None, True, 10**12, 10 * 365 * 86400 + 1])
async def test_any_other_step_is_refused(world: World, seconds: Any) -> None:
    answered = await _advance(world, seconds)

    assert (answered.status_code, answered.json()["error"]["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}],
)
async def test_only_the_operator_may_move_it(world: World, headers: dict[str, str]) -> None:
    # Refused before the body is looked at.
    answered = await world.http.post("/sandbox/v1/clock", headers=headers, content=b"{")

    assert (answered.status_code, answered.headers["www-authenticate"]) == (401, "Bearer")


async def _advance(world: World, seconds: Any) -> Any:
    return await world.http.post("/sandbox/v1/clock", headers=ADMIN, json={"advance_seconds": seconds})
