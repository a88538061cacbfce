"""Authlib's own OAuth client and a real browser, against a real server: the whole dance as an application does it."""

import warnings
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.deprecate import AuthlibDeprecationWarning
from playwright.async_api import Browser, expect

from tests.checkout.browsing import open_browser
from tests.dialects.qonto.builders import basket
from tests.dialects.qonto.consenting import SCOPE, VERIFIER, App, register, sign_in_code
from tests.sandbox.serving import Served, serving
from tests.webhooks.receivers import Receiver, answering, receiver

with warnings.catch_warnings():
    # It would rather have httpx's successor, and takes httpx all the same.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

pytestmark = pytest.mark.browser

DONE = b"<!doctype html><link rel=icon href=data:,><title>Back</title><h1>Back at the shop</h1>"


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database(), name="Atelier Nord") as opened:
        yield opened


@pytest.fixture
async def callback() -> AsyncIterator[Receiver]:
    """The application's own page, where the browser comes back to."""
    async with receiver(answering(200, DONE, "Content-Type: text/html\r\n")) as opened:
        yield opened


def client_of(served: Served, app: App, callback: Receiver) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        app.id,
        app.secret,
        token_endpoint_auth_method="client_secret_post" if app.secret else "none",
        revocation_endpoint_auth_method="client_secret_post" if app.secret else "none",
        redirect_uri=callback.url,
        scope=SCOPE,
        code_challenge_method="S256",
        token_endpoint=f"{served.url}/oauth2/token",
        base_url=served.url,
        timeout=20,
    )


@pytest.mark.parametrize(("public", "script"), [(True, True), (False, False)])
async def test_a_merchant_consents_and_the_application_works_on_its_behalf(
    served: Served, browser: Browser, callback: Receiver, public: bool, script: bool
) -> None:
    merchant_id = served.given["merchant_id"]
    app = await register(served.http, merchant_id, name="Ledger Pilot", public=public, redirect_uris=[callback.url])
    async with client_of(served, app, callback) as client:
        address, state = client.create_authorization_url(f"{served.url}/oauth2/auth", code_verifier=VERIFIER)
        opened = await open_browser(browser, java_script_enabled=script)
        page = opened.page
        await page.goto(address)
        await expect(page.get_by_role("heading", name="Give Ledger Pilot access to your account?")).to_be_visible()
        await expect(page.get_by_text("create and deactivate payment links")).to_be_visible()
        await page.get_by_label("Your sign-in code").fill("ABCDE-ABCDE-ABCDE-ABCDE-ABCDE")
        await page.get_by_role("button", name="Give access").click()
        await expect(page.get_by_role("alert")).to_contain_text("not valid")
        await page.get_by_label("Your sign-in code").fill(await sign_in_code(served.http, merchant_id))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Back at the shop")).to_be_visible()
        assert opened.complaints == []
        assert "referer" not in callback.requests[0].headers

        token = await client.fetch_token(
            f"{served.url}/oauth2/token", authorization_response=page.url, state=state, code_verifier=VERIFIER
        )
        assert token["scope"] == SCOPE
        created = await client.post("/v2/payment_links", json=basket())
        assert created.status_code == 201, created.text

        fresh = await client.refresh_token(f"{served.url}/oauth2/token")
        assert fresh["refresh_token"] != token["refresh_token"]
        assert (await client.get("/v2/payment_links")).json()["meta"]["total_count"] >= 1

        revoked = await client.revoke_token(f"{served.url}/oauth2/revoke", token=fresh["refresh_token"])
        assert revoked.status_code == 200
        assert (await client.get("/v2/payment_links")).status_code == 401
    await opened.close()


async def test_a_merchant_refuses_and_the_application_is_told(
    served: Served, browser: Browser, callback: Receiver
) -> None:
    app = await register(served.http, served.given["merchant_id"], redirect_uris=[callback.url])
    async with client_of(served, app, callback) as client:
        address, state = client.create_authorization_url(f"{served.url}/oauth2/auth", code_verifier=VERIFIER)
    opened = await open_browser(browser)
    await opened.page.goto(address)
    await opened.page.get_by_role("button", name="Refuse").click()
    await expect(opened.page.get_by_role("heading", name="Back at the shop")).to_be_visible()
    told = dict(parse_qsl(urlsplit(opened.page.url).query))
    assert (told["error"], told["state"]) == ("access_denied", state)
    assert opened.complaints == []
    await opened.close()


async def test_a_page_of_another_site_cannot_frame_the_consent(
    served: Served, browser: Browser, callback: Receiver
) -> None:
    app = await register(served.http, served.given["merchant_id"], redirect_uris=[callback.url])
    async with client_of(served, app, callback) as client:
        address, _ = client.create_authorization_url(f"{served.url}/oauth2/auth", code_verifier=VERIFIER)
    opened = await open_browser(browser)
    await opened.page.goto(callback.url)
    await opened.page.evaluate(
        """address => new Promise(done => {
            const frame = document.createElement("iframe");
            frame.onload = done;
            frame.src = address;
            document.body.append(frame);
        })""",
        address,
    )
    assert any("frame-ancestors" in complaint or "X-Frame-Options" in complaint for complaint in opened.complaints)
    assert await opened.page.frames[1].query_selector("form") is None
    await opened.close()
