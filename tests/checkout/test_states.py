"""What the page says of each state, and what it lets happen: never more than is true."""

import asyncio
import hashlib
import re

import httpx
import pytest

from payglot import server
from payglot.checkout.pages import pages
from payglot.domain.merchant import Mode
from payglot.operations import links
from payglot.web.services import Services
from tests.checkout.test_pages import CHOICES, a_merchant, choose, hidden, play
from tests.links import make
from tests.world import BASE_URL, World, open_world, settings_for

SCRIPTS = {"checkout.js": "7fa75971a0bff303aa184358161560bb3e0612ac92606c23df8a6b1ffa622667"}
"""Every script that a payer's browser runs, with its SHA-256. A change of a script is a change of this list."""
WATCHED = '<p class="watch">'


def heading(html: str) -> str:
    found = re.findall(r"<h1>(.*?)</h1>", html, re.DOTALL)
    assert len(found) == 1, found
    return re.sub("<[^>]+>", "", found[0])


def actions(html: str) -> set[str]:
    return set(re.findall(r'<button name="action" value="([a-z_]+)"', html))


@pytest.mark.parametrize(
    ("played", "said", "next_actions"),
    [
        ([], "Send exactly this amount", {"paid", "underpaid", "overpaid", "processing", "failed", "change"}),
        (["processing"], "Payment is being processed", {"paid", "failed"}),
        (["underpaid"], "Send the missing amount", {"paid", "overpaid", "processing"}),
        (["underpaid", "processing"], "Payment is being processed", {"paid", "failed"}),
        (["underpaid", "paid"], "Payment received", set()),
        (["paid"], "Payment received", set()),
        (["overpaid"], "Payment received", set()),
        (["processing", "paid"], "Payment received", set()),
        (["failed"], "The payment did not go through", set()),
    ],
)
async def test_each_state_of_an_attempt_has_its_page(
    world: World, played: list[str], said: str, next_actions: set[str]
) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    for action in played:
        assert (await play(world, attempt, action)).headers["location"] == attempt
    page = await world.http.get(attempt)

    assert (page.status_code, heading(page.text), actions(page.text)) == (200, said, next_actions)
    assert ("Payment received" in page.text) == (said == "Payment received"), "processing is not paid"
    assert (WATCHED in page.text) == bool(next_actions)


@pytest.mark.parametrize(
    ("language", "look"),
    [
        ("en", "Check now"),
        ("de", "Jetzt prüfen"),
        ("es", "Comprobar ahora"),
        ("fr", "Vérifier maintenant"),
        ("it", "Controlla ora"),
        ("nl", "Nu controleren"),
    ],
)
async def test_a_page_that_waits_looks_again_when_the_payer_wants_and_promises_no_more_without_a_script(
    world: World, language: str, look: str
) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    page = await world.http.get(attempt, headers={"Accept-Language": language})
    assert re.findall(r'<p class="watch"><span data-listening hidden>[^<]+</span> <a', page.text)
    assert f'<a href="?watching">{look}</a>' in page.text
    assert heading((await world.http.get(f"{attempt}?watching")).text) == "Send exactly this amount"
    await play(world, attempt, "paid")
    assert look not in (await world.http.get(attempt)).text, "there is nothing more to wait for"


async def test_too_much_money_is_told_to_the_payer(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    await play(world, attempt, "overpaid")
    assert "more than the" in (await world.http.get(attempt)).text


async def test_a_late_payer_is_told_to_send_nothing(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    world.clock.advance_by(days=31)
    page = await world.http.get(attempt)

    assert heading(page.text) == "Time is up"
    assert "Please send nothing" in page.text
    assert "<svg" not in page.text
    assert actions(page.text) == set()
    assert (await world.http.get(made.path)).status_code == 410


async def test_a_payment_that_did_not_come_in_full_in_time_says_what_arrived(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    await play(world, attempt, "underpaid")
    world.clock.advance_by(days=31)
    page = await world.http.get(attempt)

    assert heading(page.text) == "The payment did not go through"
    assert "arrived. Ask <bdi>Atelier Nord</bdi> about it." in page.text


async def test_money_that_a_bank_refuses_after_the_payer_confirmed_is_not_shown_as_paid(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    attempt = (await choose(world, made)).headers["location"]
    await play(world, attempt, "processing")
    assert heading((await world.http.get(attempt)).text) == "Payment is being processed"
    await play(world, attempt, "failed")

    assert heading((await world.http.get(attempt)).text) == "The payment did not go through"
    link = await world.http.get(made.path)
    assert "did not go through" in heading(link.text)
    assert "<form" not in link.text


async def test_a_manual_transfer_is_waited_for_with_its_details_at_hand(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    attempt = (await choose(world, made, action="manual_transfer")).headers["location"]
    assert WATCHED not in (await world.http.get(attempt)).text, "nothing moves while the payer copies"
    await play(world, attempt, "manual_transfer")
    page = await world.http.get(attempt)

    assert heading(page.text) == "Waiting for your transfer"
    assert "ORDER-7781" in page.text
    assert "IBAN" in page.text
    await play(world, attempt, "paid")
    assert heading((await world.http.get(attempt)).text) == "Payment received"


async def test_who_opens_a_single_use_link_again_goes_on_where_they_were(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    assert (await world.http.get(made.path)).headers["location"] == attempt

    back = await play(world, attempt, "change")
    assert back.headers["location"] == made.path
    assert (await world.http.get(made.path)).status_code == 200
    assert heading((await world.http.get(attempt)).text) == "Payment canceled"


async def test_the_only_attempt_of_a_link_stays_reachable_when_it_is_over(world: World) -> None:
    made = await make(world, await a_merchant(world), "txn")
    attempt = (await choose(world, made)).headers["location"]
    payment_id = attempt.split("/")[4]
    await play(world, attempt, "failed")

    token = made.path.split("?")[0]
    documented = f"/redirect?invoice_id={payment_id}&request_type=invoice_hosted_page"
    first = (await world.http.get(documented)).headers["location"]
    assert first == f"{token}?invoice_id={payment_id}"
    assert (await world.http.get(first)).headers["location"] == attempt


async def test_a_public_page_shows_nothing_of_its_payers(world: World) -> None:
    made = await make(world, await a_merchant(world), "devdraft")
    attempt = (await choose(world, made, email="secret-payer@example.com")).headers["location"]
    for address in (made.path, attempt):
        page = await world.http.get(address)
        assert page.status_code == 200
        assert "secret-payer" not in page.text
    assert "data-live" not in (await world.http.get(made.path)).text


async def test_one_payer_of_a_reusable_link_moves_only_their_own_attempt(world: World) -> None:
    made = await make(world, await a_merchant(world), "devdraft")
    first = (await choose(world, made)).headers["location"]
    second = (await choose(world, made)).headers["location"]
    await play(world, first, "paid")

    assert heading((await world.http.get(first)).text) == "Payment received"
    assert "paid" in actions((await world.http.get(second)).text)


async def test_a_form_of_an_earlier_state_does_nothing(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    form = hidden((await world.http.get(attempt)).text) | {"action": "underpaid"}
    answers = await asyncio.gather(*(world.http.post(attempt, data=form) for _ in range(5)))

    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, attempt)}
    async with world.services.database.single() as tx:
        dossier = await links.get_by_token(tx, attempt.split("/")[2], world.now)
    assert [len(transfers) for transfers in dossier.transfers.values()] == [1]


async def test_a_form_sent_many_times_at_once_starts_one_payment(world: World) -> None:
    made = await make(world, await a_merchant(world), "devdraft")
    form = hidden((await world.http.get(made.path)).text) | CHOICES["devdraft"] | {"action": "pay"}
    answers = await asyncio.gather(*(world.http.post(made.path, data=form) for _ in range(8)))

    assert len({answer.headers["location"] for answer in answers}) == 1
    async with world.services.database.single() as tx:
        dossier = await links.get_by_token(tx, answers[0].headers["location"].split("/")[2], world.now)
    assert len(dossier.payments) == 1


async def test_a_form_of_another_link_is_refused(world: World) -> None:
    merchant = await a_merchant(world)
    one, other = await make(world, merchant, "p100"), await make(world, merchant, "p100")
    form = hidden((await world.http.get(one.path)).text) | CHOICES["p100"] | {"action": "pay"}
    assert (await world.http.post(other.path, data=form)).status_code == 403


@pytest.mark.parametrize("action", ["paid; drop", "", "PAID", "abort_all"])
async def test_an_unknown_action_is_refused_politely(world: World, action: str) -> None:
    made = await make(world, await a_merchant(world), "p100")
    attempt = (await choose(world, made)).headers["location"]
    answer = await play(world, attempt, action)
    assert (answer.status_code, heading(answer.text)) == (400, "That did not work")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"nonce=%00&x=%00", 400),
        (b"x=" + b"9" * 5001, 400),
        (b"&".join(b"x%d=1" % n for n in range(200)), 400),
        (b"x=\xff", 400),
        (b"x=" + b"9" * 70_000, 413),
    ],
)
async def test_forms_out_of_bounds_are_refused_politely(world: World, content: bytes, status: int) -> None:
    made = await make(world, await a_merchant(world), "p100")
    answer = await world.http.post(
        made.path, content=content, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


async def test_nobody_pays_a_live_link_by_pretending(world: World) -> None:
    """The page gives no form; a form that was rendered before the merchant went live starts nothing."""
    made = await make(world, await world.merchant(mode=Mode.LIVE), "p100")
    token = made.path.split("/")[2]
    async with world.services.database.single() as tx:
        link = (await links.get_by_token(tx, token, world.now)).link
    proof = world.services.vault.form_token("form", str(link.id), "n")
    form = {"nonce": "n", "proof": proof, "action": "pay", "coin": "usdc:polygon"}
    assert (await world.http.post(made.path, data=form)).headers["location"] == made.path
    async with world.services.database.single() as tx:
        assert (await links.get_by_token(tx, token, world.now)).payments == ()


async def test_without_the_sandbox_nothing_can_be_played(database_url: str) -> None:
    async with open_world(database_url, sandbox=False) as world:
        made = await make(world, await a_merchant(world), "p100")
        attempt = (await choose(world, made)).headers["location"]
        page = await world.http.get(attempt)
        assert "Test mode" in page.text
        assert actions(page.text) == {"change"}
        assert (await play(world, attempt, "paid")).headers["location"] == attempt
        assert heading((await world.http.get(attempt)).text) == "Send exactly this amount"


async def test_https_pages_ask_browsers_to_stay_on_https(database_url: str) -> None:
    async with open_world(database_url, public_url="https://pay.example") as world:
        page = await world.http.get("/pay/none")
        assert page.headers["strict-transport-security"] == "max-age=31536000"


async def test_no_script_but_the_ones_of_the_inventory_reaches_a_payer() -> None:
    served = {
        re.sub(r"\.[0-9a-f]{12}\.", ".", name): hashlib.sha256(asset.content).hexdigest()
        for name, asset in pages.assets.items()
        if name.endswith(".js")
    }
    assert served == SCRIPTS


@pytest.mark.parametrize("dialect", ["bridge", "devdraft", "p100", "qonto", "txn"])
async def test_a_page_is_a_few_kilobytes_and_runs_nothing_inline(world: World, dialect: str) -> None:
    made = await make(world, await a_merchant(world), dialect)
    pages_seen = [
        await world.http.get(made.path),
        await world.http.get((await choose(world, made)).headers["location"]),
    ]
    for page in pages_seen:
        own = sum(len(asset.content) for asset in pages.assets.values())
        assert len(page.content) + own < 20_000
        assert re.findall(r"<script(?! src=\"/pay/_assets/)", page.text) == []
        assert re.findall(r" (?:on[a-z]+|style)=", page.text) == []
        assert "http-equiv" not in page.text, "nothing loads anew under its reader's eyes (WCAG 2.2.1, failure F41)"
        assert re.findall(r"(?:src|href)=\"(?:https?:)?//", page.text) == []


async def test_a_picture_may_come_from_where_the_merchant_keeps_it_and_nowhere_else(world: World) -> None:
    merchant = await a_merchant(world, logo_url="https://cdn.example/logo.png")
    page = await world.http.get((await make(world, merchant, "p100")).path)
    assert "img-src 'self' https://cdn.example;" in page.headers["content-security-policy"]

    for evil in ("https://cdn.example;script-src *", "javascript:alert(1)", "https://a@b.example/x", "/x"):
        merchant = await a_merchant(world, logo_url=evil)
        page = await world.http.get((await make(world, merchant, "p100")).path)
        assert "img-src 'self';" in page.headers["content-security-policy"]
        assert evil not in page.text


async def test_heads_are_answered_like_gets_and_change_nothing(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    assert (await world.http.head(made.path)).status_code == 200
    assert (await world.http.head("/pay/none")).status_code == 404


async def test_an_unreachable_database_is_a_polite_page(world: World) -> None:
    class Gone:
        def single(self) -> None:
            raise OSError

    made = await make(world, await a_merchant(world), "p100")
    broken = Services(**{**world.services.__dict__, "database": Gone()})
    app = server.application(settings_for("postgresql://unused@127.0.0.1/unused"), broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as http:
        page = await http.get(made.path)
    assert (page.status_code, heading(page.text), page.headers["retry-after"]) == (503, "Not available right now", "5")
