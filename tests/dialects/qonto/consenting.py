"""What tests of the authorization endpoint start from: a registered client, a sign-in code, a request for consent."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from payglot.domain.merchant import Merchant
from tests.world import ADMIN_TOKEN, World

AUTH, TOKEN, REVOKE = "/oauth2/auth", "/oauth2/token", "/oauth2/revoke"
CALLBACK = "https://shop.example.com/callback?from=payglot"
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
SCOPE = "offline_access payment_link.read payment_link.write"
VERIFIER = generate_token(48)
PKCE = {"code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256"}


@dataclass(frozen=True, kw_only=True)
class App:
    """A registered client. `secret` is None for a public one."""

    id: str
    secret: str | None

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})


async def register(http: httpx.AsyncClient, merchant_id: Any, **changes: Any) -> App:
    body = {"dialect": "qonto", "name": "Ledger <b>Pilot</b>", "redirect_uris": [CALLBACK], **changes}
    response = await http.post(f"/admin/v1/merchants/{merchant_id}/oauth-clients", headers=ADMIN, json=body)
    assert response.status_code == 201, response.text
    return App(id=response.json()["client_id"], secret=response.json()["client_secret"])


async def sign_in_code(http: httpx.AsyncClient, merchant_id: Any) -> str:
    path = f"/admin/v1/merchants/{merchant_id}/sign-in-codes"
    response = await http.post(path, headers=ADMIN, json={"dialect": "qonto"})
    assert response.status_code == 201, response.text
    code: str = response.json()["code"]
    return code


def query(app: App, **changes: str | None) -> str:
    """The authorization request's query; None leaves a parameter out."""
    known = {
        "client_id": app.id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": SCOPE,
        "state": "opaque/state+of our own",
        **changes,
    }
    return urlencode({name: value for name, value in known.items() if value is not None})


async def decide(world: World, asked: str, code: str = "", action: str = "allow", **headers: str) -> httpx.Response:
    """Open the page and send its form, as a browser does."""
    page = await world.http.get(f"{AUTH}?{asked}")
    assert page.status_code == 200, page.text
    proof = re.search(r'name="proof" value="([0-9a-f]+)"', page.text)
    assert proof is not None
    form = {"proof": proof[1], "sign_in_code": code, "action": action}
    return await world.http.post(f"{AUTH}?{asked}", data=form, headers={"Sec-Fetch-Site": "same-origin", **headers})


def sent_back(response: httpx.Response) -> dict[str, str]:
    """What the client is told at its callback."""
    assert response.status_code in (302, 303), response.text
    location = urlsplit(response.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK.partition("?")[0]
    told = dict(parse_qsl(location.query))
    assert told.pop("from") == "payglot"
    return told


async def authorization_code(world: World, merchant: Merchant, app: App, **changes: str | None) -> str:
    response = await decide(world, query(app, **changes), await sign_in_code(world.http, merchant.id))
    return sent_back(response)["code"]


async def redeem(world: World, app: App, code: str, **changes: str | None) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": code,
        **app.credentials,
        **changes,
    }
    return await world.http.post(TOKEN, data={name: value for name, value in form.items() if value is not None})
