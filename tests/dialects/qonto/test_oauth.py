"""The token endpoint with the refresh grant, by RFC 6749 and the provider's documented times."""

from typing import Any

import httpx
import pytest

from payglot.dialects.qonto import DIALECT
from payglot.domain.merchant import Merchant
from payglot.operations import credentials
from tests.dialects.qonto.builders import PATH, basket
from tests.world import World

TOKEN = "/oauth2/token"


async def a_client(world: World, merchant: Merchant | None = None) -> dict[str, str]:
    """What `payglot provision` gives a merchant under `oauth`."""
    merchant = merchant or await world.merchant()
    issued = DIALECT.issue(merchant.id)
    async with world.services.database.transaction() as tx:
        await credentials.issue(
            tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", issued=issued, now=world.now
        )
    given: dict[str, str] = dict(issued.extra["oauth"])
    return given


async def refresh(world: World, form: dict[str, Any], **changes: str) -> httpx.Response:
    data = {"grant_type": "refresh_token", **form, **changes}
    return await world.http.post(TOKEN, data={name: value for name, value in data.items() if value != "-"})


async def calls(world: World, access_token: str) -> int:
    """The status that a create call with the token gets."""
    response = await world.http.post(PATH, headers={"Authorization": f"Bearer {access_token}"}, json=basket())
    return response.status_code


async def test_a_refresh_token_gives_a_fresh_pair_for_an_hour(world: World) -> None:
    response = await refresh(world, await a_client(world))

    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["access_token", "expires_in", "refresh_token", "scope", "token_type"]
    assert body["access_token"].startswith("ory_at_")
    assert body["refresh_token"].startswith("ory_rt_")
    assert (body["expires_in"], body["token_type"]) == (3600, "bearer")
    assert body["scope"] == "offline_access organization.read payment_link.read payment_link.write webhook"
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    assert await calls(world, body["access_token"]) == 201
    world.clock.advance_by(seconds=3599)
    assert await calls(world, body["access_token"]) == 201
    world.clock.advance_by(seconds=1)
    assert await calls(world, body["access_token"]) == 401


async def test_the_old_refresh_token_works_60_seconds_after_its_first_use_and_no_longer(world: World) -> None:
    form = await a_client(world)
    given = {(await refresh(world, form)).json()["refresh_token"]}
    world.clock.advance_by(seconds=59)
    given.add((await refresh(world, form)).json()["refresh_token"])
    world.clock.advance_by(seconds=1)
    ended = await refresh(world, form)
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant")
    for token in given:
        assert (await refresh(world, form, refresh_token=token)).status_code == 200
    assert len(given) == 2


async def test_a_refresh_token_that_a_refresh_gave_lives_90_days(world: World) -> None:
    form = await a_client(world)
    tokens = [(await refresh(world, form)).json()["refresh_token"] for _ in range(2)]
    world.clock.advance_by(days=90, seconds=-1)
    assert (await refresh(world, form, refresh_token=tokens[0])).status_code == 200
    world.clock.advance_by(seconds=1)
    assert (await refresh(world, form, refresh_token=tokens[1])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "-"}, 401, "invalid_client"),
        ({"client_secret": "-"}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "-"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"refresh_token": "-"}, 400, "invalid_request"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"refresh_token": "ory_rt_unknown"}, 400, "invalid_grant"),
    ],
)
async def test_what_is_refused_has_oauths_own_shape(
    world: World, changes: dict[str, str], status: int, error: str
) -> None:
    response = await refresh(world, await a_client(world), **changes)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error", "error_description"]
    assert response.json()["error"] == error
    assert response.headers["cache-control"] == "no-store"


async def test_a_refresh_token_is_its_clients_own(world: World) -> None:
    merchant = await world.merchant()
    own, sibling, stranger = await a_client(world, merchant), await a_client(world, merchant), await a_client(world)
    for other in (sibling, stranger):
        response = await refresh(world, own, refresh_token=other["refresh_token"])
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


async def test_an_access_token_refreshes_nothing(world: World) -> None:
    form = await a_client(world)
    access = (await refresh(world, form)).json()["access_token"]
    assert (await refresh(world, form, refresh_token=access)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{}", "application/json"),
        (b"grant_type=refresh_token&grant_type=refresh_token", "application/x-www-form-urlencoded"),
        (b"a=\xff", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(100)), "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 2**20, "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_no_short_form_is_an_invalid_request(world: World, content: bytes, content_type: str) -> None:
    response = await world.http.post(TOKEN, content=content, headers={"Content-Type": content_type})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_a_client_from_elsewhere_is_denied(world: World) -> None:
    form = await a_client(world, await world.merchant(allowed_ips=("203.0.113.0/24",)))
    response = await refresh(world, form)
    assert (response.status_code, response.json()["error"]) == (403, "access_denied")
