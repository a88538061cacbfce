"""The token endpoint: refresh, revocation and withdrawal, by RFC 6749, RFC 7009 and the provider's documented times."""

import asyncio
from typing import Any

import httpx
import pytest

from payglot.dialects.qonto import DIALECT, auth
from payglot.domain.merchant import Merchant
from payglot.operations import credentials
from tests.dialects.qonto.builders import PATH, a_token, basket
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


async def revoke(world: World, form: dict[str, Any], value: str, **changes: str) -> httpx.Response:
    data = {**form, "token": value, **changes}
    return await world.http.post("/oauth2/revoke", data={name: value for name, value in data.items() if value != "-"})


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
    for token in given:
        assert (await refresh(world, form, refresh_token=token)).status_code == 200
    assert len(given) == 2
    world.clock.advance_by(seconds=1)
    ended = await refresh(world, form)
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant")


async def test_a_refresh_token_used_after_its_end_takes_back_all_that_came_of_its_consent(world: World) -> None:
    merchant = await world.merchant()
    form, sibling = await a_client(world, merchant), await a_client(world, merchant)
    pair, others = (await refresh(world, form)).json(), (await refresh(world, sibling)).json()
    world.clock.advance_by(seconds=60)

    stolen = await refresh(world, sibling, refresh_token=form["refresh_token"])
    assert stolen.json()["error"] == "invalid_grant"
    assert await calls(world, pair["access_token"]) == 201

    reused = await refresh(world, form)
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert await calls(world, pair["access_token"]) == 401
    assert (await refresh(world, form, refresh_token=pair["refresh_token"])).json()["error"] == "invalid_grant"
    assert await calls(world, others["access_token"]) == 201


async def test_a_refresh_that_meets_a_revocation_gives_nothing_that_outlives_it(world: World) -> None:
    form = await a_client(world)
    pair = (await refresh(world, form)).json()
    database, vault = world.services.database, world.services.vault
    async with database.single() as tx:
        found = await credentials.find(tx, vault.fingerprint("qonto", pair["refresh_token"]))
    assert found is not None
    token, merchant = found

    # The revocation first: the refresh waits for it, although it began before the revocation was over.
    async with database.transaction() as tx:
        await credentials.revoke_grant(tx, merchant.id, "qonto", token.details["grant"], at=world.now)
        refreshing = asyncio.create_task(refresh(world, form, refresh_token=pair["refresh_token"]))
        await asyncio.sleep(0.3)
        assert not refreshing.done()
    assert (await refreshing).json()["error"] == "invalid_grant"


async def test_a_revocation_that_meets_a_refresh_ends_what_it_gives(world: World) -> None:
    form = await a_client(world)
    pair = (await refresh(world, form)).json()
    database, vault = world.services.database, world.services.vault
    async with database.single() as tx:
        found = await credentials.find(tx, vault.fingerprint("qonto", pair["refresh_token"]))
    assert found is not None
    token, merchant = found
    issued = auth.renewed(token.details, token.scopes, refreshing=None)

    async with database.transaction() as tx:
        await credentials.hold_tokens(tx, merchant.id)
        await credentials.issue(tx, vault, merchant_id=merchant.id, dialect="qonto", issued=issued, now=world.now)
        revoking = asyncio.create_task(revoke(world, form, pair["refresh_token"]))
        await asyncio.sleep(0.3)
        assert not revoking.done()
    assert (await revoking).status_code == 200
    assert await calls(world, issued.extra["access_token"]) == 401


async def test_a_refresh_token_that_a_refresh_gave_lives_90_days(world: World) -> None:
    form = await a_client(world)
    tokens = [(await refresh(world, form)).json()["refresh_token"] for _ in range(2)]
    world.clock.advance_by(days=90, seconds=-1)
    assert (await refresh(world, form, refresh_token=tokens[0])).status_code == 200
    world.clock.advance_by(seconds=1)
    assert (await refresh(world, form, refresh_token=tokens[1])).json()["error"] == "invalid_grant"


REFUSED: tuple[tuple[dict[str, str], int, str], ...] = (
    ({"client_id": "-"}, 401, "invalid_client"),
    ({"client_secret": "-"}, 401, "invalid_client"),
    ({"client_id": "unknown"}, 401, "invalid_client"),
    ({"client_secret": "wrong"}, 401, "invalid_client"),
    ({"grant_type": "-"}, 400, "invalid_request"),
    ({"grant_type": "authorization_code"}, 400, "unauthorized_client"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"refresh_token": "-"}, 400, "invalid_request"),
    ({"refresh_token": ""}, 400, "invalid_request"),
    ({"refresh_token": "ory_rt_unknown"}, 400, "invalid_grant"),
)


async def test_what_is_refused_has_oauths_own_shape(world: World) -> None:
    form = await a_client(world)
    for changes, status, error in REFUSED:
        response = await refresh(world, form, **changes)
        assert response.status_code == status, response.text
        assert list(response.json()) == ["error", "error_description"], changes
        assert response.json()["error"] == error, changes
        assert response.headers["cache-control"] == "no-store"


async def test_a_provisioned_token_does_not_run_out(world: World) -> None:
    headers = await world.headers(await world.merchant(), "qonto")
    world.clock.advance_by(days=3650)
    assert (await world.http.post(PATH, headers=headers, json=basket())).status_code == 201


async def test_a_refresh_may_come_with_the_redirect_address(world: World) -> None:
    response = await refresh(world, await a_client(world), redirect_uri="https://shop.example.com/callback")
    assert response.status_code == 200


async def test_a_refresh_token_is_its_clients_own(world: World) -> None:
    merchant = await world.merchant()
    own, sibling, stranger = await a_client(world, merchant), await a_client(world, merchant), await a_client(world)
    for other in (sibling, stranger):
        response = await refresh(world, own, refresh_token=other["refresh_token"])
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


async def test_a_refresh_may_ask_for_less_and_never_for_more(world: World) -> None:
    form = await a_client(world)
    less = (await refresh(world, form, scope="payment_link.read")).json()
    assert less["scope"] == "payment_link.read"
    assert await calls(world, less["access_token"]) == 403
    again = (await refresh(world, form, refresh_token=less["refresh_token"])).json()
    assert "payment_link.write" in again["scope"].split()
    more = await refresh(world, form, scope="payment_link.read everything")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    assert "everything" not in more.text


async def test_a_revoked_refresh_token_takes_the_access_tokens_it_gave_along(world: World) -> None:
    form = await a_client(world)
    pairs = [(await refresh(world, form)).json() for _ in range(2)]
    response = await revoke(world, form, pairs[1]["refresh_token"])
    assert (response.status_code, response.content, response.headers["cache-control"]) == (200, b"", "no-store")
    for pair in pairs:
        assert await calls(world, pair["access_token"]) == 401
        ended = await refresh(world, form, refresh_token=pair["refresh_token"])
        assert ended.json()["error"] == "invalid_grant"


async def test_a_revoked_access_token_leaves_its_refresh_token_alone(world: World) -> None:
    form = await a_client(world)
    pair = (await refresh(world, form)).json()
    assert await calls(world, pair["access_token"]) == 201
    for _ in range(2):
        response = await revoke(world, form, pair["access_token"], token_type_hint="refresh_token")
        assert response.status_code == 200
        assert await calls(world, pair["access_token"]) == 401
    assert (await refresh(world, form, refresh_token=pair["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["ory_at_unknown", "x" * 500])
async def test_revoking_what_is_no_token_succeeds(world: World, token: str) -> None:
    assert (await revoke(world, await a_client(world), token)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"token": "-"}, 400, "invalid_request"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
    ],
)
async def test_a_revocation_is_refused_in_oauths_own_shape(
    world: World, changes: dict[str, str], status: int, error: str
) -> None:
    response = await revoke(world, await a_client(world), "ory_at_unknown", **changes)
    assert response.status_code == status
    assert list(response.json()) == ["error", "error_description"]
    assert response.json()["error"] == error


async def test_nobody_revokes_another_clients_token(world: World) -> None:
    merchant = await world.merchant()
    own, sibling = await a_client(world, merchant), await a_client(world, merchant)
    pair = (await refresh(world, own)).json()
    for token in (pair["access_token"], pair["refresh_token"]):
        response = await revoke(world, sibling, token)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert await calls(world, pair["access_token"]) == 201


async def test_a_client_secret_is_no_token_to_revoke(world: World) -> None:
    form = await a_client(world)
    assert (await revoke(world, form, form["client_id"])).status_code == 200
    assert (await refresh(world, form)).status_code == 200


async def test_withdrawing_ends_all_tokens_of_the_client_and_no_others(world: World) -> None:
    merchant = await world.merchant()
    form, sibling = await a_client(world, merchant), await a_client(world, merchant)
    pair, others = (await refresh(world, form)).json(), (await refresh(world, sibling)).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    response = await world.http.delete("/v2/oauth2/consents", headers=headers)
    assert (response.status_code, response.content) == (204, b"")
    assert await calls(world, pair["access_token"]) == 401
    assert (await refresh(world, form, refresh_token=pair["refresh_token"])).json()["error"] == "invalid_grant"
    assert await calls(world, others["access_token"]) == 201


async def test_withdrawing_needs_its_scope(world: World) -> None:
    headers = await a_token(world, await world.merchant(), "payment_link.write")
    response = await world.http.delete("/v2/oauth2/consents", headers=headers)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (403, "forbidden")
    assert (await world.http.delete("/v2/oauth2/consents")).status_code == 401


async def test_an_operator_may_demand_the_staging_token(world: World) -> None:
    merchant = await world.merchant(staging_token="staging-1")
    form = await a_client(world, merchant)
    headers = await world.headers(merchant, "qonto")
    for sent in ({}, {"X-Qonto-Staging-Token": "staging-2"}):
        for response in (
            await world.http.get(PATH, headers=headers | sent),
            await world.http.post(TOKEN, data={"grant_type": "refresh_token", **form}, headers=sent),
        ):
            assert (response.status_code, response.content) == (302, b"")
            assert response.headers["location"] == "/docs/qonto"
    right = {"X-Qonto-Staging-Token": "staging-1"}
    assert (await world.http.get(PATH, headers=headers | right)).status_code == 200
    data = {"grant_type": "refresh_token", **form}
    assert (await world.http.post(TOKEN, data=data, headers=right)).status_code == 200


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
