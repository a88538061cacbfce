"""The checkout without a browser: every state, every header, every refusal."""

import re
from typing import Any

import httpx
import pytest

from payglot.checkout.pages import pages
from payglot.domain.merchant import Merchant, Mode
from payglot.operations import links
from tests.links import BENEFICIARY, DIALECT_NAMES, Made, make, read, status_word
from tests.world import BASE_URL, World

CHOICES = {
    "bridge": {"bank": "574"},
    "devdraft": {"method": "wallet", "quantity": "2", "email": "payer@example.com"},
    "p100": {"coin": "usdc:polygon"},
    "qonto": {"method": "credit_card", "email": "payer@example.com"},
    "txn": {"network": "hterc2dp"},
}
PAID = {"bridge": "COMPLETED", "devdraft": "ACTIVE", "p100": "CONFIRMED", "qonto": "paid", "txn": "completed"}


async def a_merchant(world: World, **settings: Any) -> Merchant:
    return await world.merchant(default_beneficiary=BENEFICIARY, **settings)


def hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', html))


async def choose(world: World, made: Made, **values: str) -> httpx.Response:
    shown = await world.http.get(made.path)
    assert shown.status_code == 200, shown.text
    form = hidden(shown.text) | CHOICES[made.dialect] | {"action": "pay"} | values
    return await world.http.post(made.path, data=form)


async def play(world: World, path: str, action: str) -> httpx.Response:
    shown = await world.http.get(path)
    return await world.http.post(path, data=hidden(shown.text) | {"action": action})


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_a_payer_chooses_pays_and_sees_the_truth(world: World, dialect: str) -> None:
    merchant = await a_merchant(world)
    made = await make(world, merchant, dialect)

    first = await world.http.get(made.path)
    assert merchant.name in first.text
    assert "Test mode" in first.text
    chosen = await choose(world, made)
    assert chosen.status_code == 303
    attempt = chosen.headers["location"]
    waiting = await world.http.get(attempt)
    assert waiting.status_code == 200
    paid = await play(world, attempt, "paid")
    assert paid.status_code == 303
    assert "Payment received" in (await world.http.get(attempt)).text
    assert status_word(dialect, await read(world, made)) == PAID[dialect]


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_the_price_is_written_alike_from_page_to_page(world: World, dialect: str) -> None:
    made = await make(world, await a_merchant(world), dialect)
    first = await world.http.get(made.path)
    one = {"quantity": "1"} if dialect == "devdraft" else {}
    then = await world.http.get((await choose(world, made, **one)).headers["location"])
    (price,), (again,) = (re.findall(r'<p class="amount">([^<]+)</p>', page.text) for page in (first, then))
    assert price == again


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_pages_name_no_provider_and_no_third_party(world: World, dialect: str) -> None:
    merchant = await a_merchant(world)
    made = await make(world, merchant, dialect)
    attempt = (await choose(world, made)).headers["location"]
    for html in ((await world.http.get(made.path)).text, (await world.http.get(attempt)).text):
        for word in ("P100", "DevDraft", "Bridge", "Qonto", "Txn"):
            assert word not in html
        assert re.findall(r'(?:src|href)="(https?:)', html) == []


async def test_pages_send_every_protective_header(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    headers = (await world.http.get(made.path)).headers
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex"
    onward = (await choose(world, made)).headers
    for name in ("x-content-type-options", "referrer-policy", "cache-control", "x-robots-tag"):
        assert onward[name] == headers[name], "an address with a key is no less than the page"


async def test_the_pages_scripts_are_the_ones_in_the_inventory(world: World) -> None:
    made = await make(world, await a_merchant(world), "p100")
    html = (await world.http.get(made.path)).text
    scripts = re.findall(r'<script src="/pay/_assets/([^"]+)" defer></script>', html)
    assert scripts == [name for name in pages.assets if name.endswith(".js")]
    assert html.count("<script") == 1
    assert sum(len(asset.content) for asset in pages.assets.values()) < 20_000, "a few kilobytes"
    for name in scripts:
        served = await world.http.get(f"/pay/_assets/{name}")
        assert served.content == pages.assets[name].content
        assert "immutable" in served.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    ["/pay/", "/pay/nowhere", "/pay/" + "0" * 64, "/pay/no-shop/no-slug", "/pay/_assets/none.js", "/pay/a/../b",
     "/pay/" + "0" * 64 + "/" + "1" * 64, "/pay/%00", "/redirect", "/redirect?payment_link_id=x", "/pay/UPPER/x"],
)  # fmt: skip
async def test_unknown_addresses_say_so_politely(world: World, path: str) -> None:
    response = await world.http.get(path)
    assert response.status_code == 404
    assert "There is no payment page here" in response.text


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_an_expired_link_says_so(world: World, dialect: str) -> None:
    made = await make(world, await a_merchant(world), dialect)
    world.clock.advance_by(days=400)
    response = await world.http.get(made.path)
    assert response.status_code == 410
    assert "This link has expired" in response.text
    assert "<form" not in response.text


async def test_a_paid_single_use_link_offers_no_second_payment(world: World) -> None:
    made = await make(world, await a_merchant(world), "qonto")
    await play(world, (await choose(world, made)).headers["location"], "paid")
    response = await world.http.get(made.path)
    assert response.status_code == 410
    assert "This link has been paid" in response.text


async def test_a_form_that_is_sent_twice_starts_one_payment(world: World) -> None:
    made = await make(world, await a_merchant(world), "devdraft")
    form = hidden((await world.http.get(made.path)).text) | CHOICES["devdraft"] | {"action": "pay"}
    first = await world.http.post(made.path, data=form)
    second = await world.http.post(made.path, data=form)
    assert first.headers["location"] == second.headers["location"]


async def test_paying_twice_is_one_payment(world: World) -> None:
    made = await make(world, await a_merchant(world), "devdraft")
    attempt = (await choose(world, made)).headers["location"]
    form = hidden((await world.http.get(attempt)).text) | {"action": "paid"}
    for _ in range(3):
        assert (await world.http.post(attempt, data=form)).status_code == 303
    async with world.services.database.single() as tx:
        dossier = await links.get_by_token(tx, attempt.split("/")[2], world.now)
    assert (dossier.link.paid, [len(t) for t in dossier.transfers.values()]) == (1, [1])


@pytest.mark.parametrize(
    "tampering",
    [{"proof": ""}, {"proof": "0" * 64}, {"nonce": "other"}, {"nonce": ""}],
)
async def test_a_form_that_is_not_ours_is_refused(world: World, tampering: dict[str, str]) -> None:
    made = await make(world, await a_merchant(world), "p100")
    assert (await choose(world, made, **tampering)).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
async def test_a_form_from_another_site_is_refused(world: World, headers: dict[str, str]) -> None:
    made = await make(world, await a_merchant(world), "p100")
    form = hidden((await world.http.get(made.path)).text) | CHOICES["p100"] | {"action": "pay"}
    assert (await world.http.post(made.path, data=form, headers=headers)).status_code == 403
    same = await world.http.post(made.path, data=form, headers={"Origin": BASE_URL})
    assert same.status_code == 303


@pytest.mark.parametrize(
    ("dialect", "values", "field"),
    [
        ("qonto", {"email": "nobody"}, "email"),
        ("qonto", {"method": "ideal"}, "method"),
        ("p100", {"coin": "gold"}, "coin"),
        ("bridge", {"bank": "1"}, "bank"),
        ("txn", {"network": "btc"}, "network"),
        ("devdraft", {"quantity": "0"}, "quantity"),
        ("devdraft", {"quantity": "1e3"}, "quantity"),
        ("devdraft", {"email": "x@"}, "email"),
    ],
)
async def test_a_wrong_choice_shows_the_form_again_with_what_is_wrong(
    world: World, dialect: str, values: dict[str, str], field: str
) -> None:
    made = await make(world, await a_merchant(world), dialect)
    response = await choose(world, made, **values)
    assert response.status_code == 422
    assert f'href="#f-{field}"' in response.text
    assert 'role="alert"' in response.text


async def test_merchant_text_is_text(world: World) -> None:
    name = '<b>Shop</b>"\u202e'
    merchant = await world.merchant(name=name)
    made = await make(
        world, merchant, "devdraft", title="<script>x</script>", description="[a](javascript:x) <i>raw</i> **b**"
    )
    html = (await world.http.get(made.path)).text
    assert "<script>x" not in html
    assert "<b>Shop" not in html
    assert "\u202e" not in html
    assert "<i>raw" not in html
    assert "<strong>b</strong>" in html
    assert (
        "javascript:" not in html.replace("text/javascript", "").replace("&", "")[: html.find("<form")]
        or 'href="javascript' not in html
    )


@pytest.mark.parametrize("language", ["de", "fr-FR", "es", "it", "nl;q=0.9, en;q=0.1"])
async def test_the_page_speaks_the_payers_language(world: World, language: str) -> None:
    made = await make(world, await a_merchant(world), "qonto")
    html = (await world.http.get(made.path, headers={"Accept-Language": language})).text
    assert f'<html lang="{language[:2]}"' in html
    assert ">Pay with<" not in html


async def test_a_live_merchants_page_never_shows_a_pretended_way_to_pay(world: World) -> None:
    merchant = await world.merchant(mode=Mode.LIVE)
    made = await make(world, merchant, "p100")
    response = await world.http.get(made.path)
    assert "No way to pay has been set up here yet." in response.text
    assert "<form" not in response.text
    assert "Test mode" not in response.text


async def test_another_payers_attempt_on_a_reusable_link_cannot_be_guessed(world: World) -> None:
    made = await make(world, await a_merchant(world), "devdraft")
    attempt = (await choose(world, made)).headers["location"]
    head, _, key = attempt.rpartition("/")
    assert (await world.http.get(attempt)).status_code == 200
    assert (await world.http.get(f"{head}/{'0' * 32}")).status_code == 404
    assert (await world.http.get(head)).status_code == 404
    token = attempt.split("/")[2]
    assert (await world.http.get(f"/pay/{token}")).headers["location"] == made.path
    assert key not in (await world.http.get(made.path)).text
    assert token not in (await world.http.get(made.path)).text


async def test_the_documented_query_form_leads_to_the_page(world: World) -> None:
    made = await make(world, await a_merchant(world), "txn")
    response = await world.http.get(
        f"/redirect?payment_link_id={made.id}&request_type=payment_link_hosted_page&zone=eu"
    )
    assert response.status_code == 303
    assert response.headers["location"] == made.path.split("?")[0]


async def test_failures_of_our_own_are_pages_too(world: World) -> None:
    response = await world.http.request("DELETE", "/pay/x")
    assert response.status_code == 405
    assert response.headers["content-type"].startswith("text/html")
    made = await make(world, await a_merchant(world), "p100")
    wrong_type = await world.http.post(made.path, content=b"{}", headers={"Content-Type": "application/json"})
    assert wrong_type.status_code == 415
