"""The authorization endpoint: what the page shows, who is sent where, and what a code is worth."""

import asyncio
import itertools
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from payglot.dialects.qonto import webhooks
from payglot.domain.merchant import Mode
from payglot.operations import credentials
from tests.dialects.qonto.builders import PATH, basket
from tests.dialects.qonto.consenting import (
    ADMIN,
    AUTH,
    CALLBACK,
    PKCE,
    REVOKE,
    SCOPE,
    TOKEN,
    VERIFIER,
    App,
    authorization_code,
    decide,
    query,
    redeem,
    register,
    sent_back,
    sign_in_code,
)
from tests.world import BASE_URL, World, open_world


async def create_status(world: World, access_token: str) -> int:
    headers = {"Authorization": f"Bearer {access_token}"}
    return (await world.http.post(PATH, headers=headers, json=basket())).status_code


async def test_the_page_shows_who_asks_for_what_and_cannot_be_framed(world: World) -> None:
    merchant = await world.merchant(name="Partner & Co")
    app = await register(world.http, merchant.id)
    response = await world.http.get(f"{AUTH}?{query(app)}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    for text in ("Ledger &lt;b&gt;Pilot&lt;/b&gt;", "Partner &amp; Co", "shop.example.com", "create and deactivate"):
        assert text in response.text
    assert "be told by webhook" not in response.text
    assert response.headers["x-frame-options"] == "DENY"
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://shop.example.com;" in policy
    assert (response.headers["cache-control"], response.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("public", [True, False])
async def test_consent_leads_to_tokens_for_whom_the_code_was_issued(world: World, public: bool) -> None:
    partner, merchant = await world.merchant(), await world.merchant()
    app = await register(world.http, partner.id, public=public)
    response = await decide(world, query(app, **PKCE), (await sign_in_code(world.http, merchant.id)).lower())

    assert response.status_code == 303
    told = sent_back(response)
    assert list(told) == ["code", "state"]
    assert told["state"] == "opaque/state+of our own"
    assert told["code"].startswith("ory_ac_")
    given = await redeem(world, app, told["code"], code_verifier=VERIFIER)
    assert given.status_code == 200, given.text
    body = given.json()
    assert list(body) == ["access_token", "expires_in", "refresh_token", "scope", "token_type"]
    assert (body["scope"], body["expires_in"], body["token_type"]) == (SCOPE, 3600, "bearer")
    assert (given.headers["cache-control"], given.headers["pragma"]) == ("no-store", "no-cache")

    headers = {"Authorization": f"Bearer {body['access_token']}"}
    link = (await world.http.post(PATH, headers=headers, json=basket())).json()["payment_link"]
    own = await world.headers(merchant, "qonto")
    assert (await world.http.get(f"{PATH}/{link['id']}", headers=own)).status_code == 200
    assert (await world.http.get("/v2/webhook_subscriptions", headers=headers)).status_code == 403

    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"], **app.credentials}
    again = await world.http.post(TOKEN, data=form)
    assert (again.status_code, again.json()["scope"]) == (200, SCOPE)


async def test_without_offline_access_there_is_no_refresh_token(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await authorization_code(world, merchant, app, scope="payment_link.read")
    body = (await redeem(world, app, code)).json()
    assert list(body) == ["access_token", "expires_in", "scope", "token_type"]
    assert body["scope"] == "payment_link.read"


async def test_who_refuses_is_sent_back_without_a_code(world: World) -> None:
    merchant = await world.merchant()
    response = await decide(world, query(await register(world.http, merchant.id)), action="refuse")
    assert response.status_code == 303
    assert sent_back(response) == {
        "error": "access_denied",
        "error_description": "The merchant refused",
        "state": "opaque/state+of our own",
    }


WRONG: tuple[tuple[dict[str, str | None], str], ...] = (
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": 'to"ken'}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "payment_link.read everything"}, "invalid_scope"),
    ({"scope": "webhook"}, "invalid_scope"),
    ({"state": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
)


async def test_the_client_is_told_what_is_wrong_at_its_own_address(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id, public=True, scopes=SCOPE.split())
    for changes, error in WRONG:
        response = await world.http.get(f"{AUTH}?{query(app, **{**PKCE, **changes})}")
        assert response.status_code == 302, changes
        told = sent_back(response)
        assert told["error"] == error, changes
        assert told["error_description"], changes
        assert told.get("state") == (None if "state" in changes else "opaque/state+of our own"), changes
        assert "everything" not in response.headers["location"]


async def test_a_client_with_a_secret_may_do_without_pkce(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    assert (await redeem(world, app, await authorization_code(world, merchant, app))).status_code == 200


FOREIGN: tuple[str | None, ...] = (
    None,
    "",
    "https://shop.example.com/callback",
    CALLBACK + "&x=1",
    CALLBACK + "#",
    CALLBACK.upper(),
    CALLBACK.replace("https", "http"),
    "https://shop.example.com.evil.example/callback?from=payglot",
    "https://evil.example/",
    'https://evil.example/"<script>',
    "javascript:alert(1)",
    "//evil.example",
)


async def test_nobody_is_sent_to_an_address_that_is_not_the_clients(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    for uri, response_type in itertools.product(FOREIGN, ("code", "token")):
        asked = query(app, redirect_uri=uri, response_type=response_type)
        for response in (await world.http.get(f"{AUTH}?{asked}"), await world.http.post(f"{AUTH}?{asked}", data={})):
            assert response.status_code in (400, 403), uri
            assert "location" not in response.headers, uri
            assert response.headers["content-type"].startswith("text/html")
            assert "evil" not in response.text
        assert response.headers["x-frame-options"] == "DENY"


async def test_an_unknown_provisioned_or_revoked_client_asks_nobody(world: World) -> None:
    merchant = await world.merchant()
    await world.headers(merchant, "qonto")
    app = await register(world.http, merchant.id)
    admin = f"/admin/v1/merchants/{merchant.id}"
    (listed,) = (await world.http.get(f"{admin}/oauth-clients", headers=ADMIN)).json()["data"]
    await world.http.post(f"{admin}/credentials/{listed['credential_id']}/revoke", headers=ADMIN, json={})
    for id in ("unknown", app.id, ""):
        response = await world.http.get(f"{AUTH}?{query(App(id=id, secret=None))}")
        assert (response.status_code, "location" in response.headers) == (400, False)


async def test_a_client_that_the_operator_revokes_loses_its_tokens_for_every_merchant(world: World) -> None:
    partner, merchant = await world.merchant(), await world.merchant()
    app, other = await register(world.http, partner.id), await register(world.http, partner.id)
    pairs = [
        (await redeem(world, each, await authorization_code(world, whose, each))).json()
        for each, whose in ((app, partner), (app, merchant), (other, merchant))
    ]
    admin = f"/admin/v1/merchants/{partner.id}"
    listed = (await world.http.get(f"{admin}/oauth-clients", headers=ADMIN)).json()["data"]
    (id,) = [each["credential_id"] for each in listed if each["client_id"] == app.id]
    revoked = await world.http.post(f"{admin}/credentials/{id}/revoke", headers=ADMIN, json={})
    assert revoked.status_code == 204
    assert [await create_status(world, pair["access_token"]) for pair in pairs] == [401, 401, 201]


async def test_a_live_merchants_code_is_not_sent_in_the_clear(world: World) -> None:
    partner, live = await world.merchant(), await world.merchant(mode=Mode.LIVE)
    plain = "http://shop.example.com/callback"
    app = await register(world.http, partner.id, redirect_uris=[plain])
    refused = await decide(world, query(app, redirect_uri=plain), await sign_in_code(world.http, live.id))
    assert (refused.status_code, "location" in refused.headers) == (422, False)
    given = await decide(world, query(app, redirect_uri=plain), await sign_in_code(world.http, partner.id))
    assert given.headers["location"].startswith(f"{plain}?code=")


async def test_a_repeated_parameter_is_refused_before_the_person(world: World) -> None:
    app = await register(world.http, (await world.merchant()).id)
    response = await world.http.get(f"{AUTH}?{query(app)}&scope=webhook")
    assert (response.status_code, "location" in response.headers) == (400, False)


@pytest.mark.parametrize("asked", ["a=%ff", "x" * 9000, "a=%0a", "&".join(f"a{n}=1" for n in range(50))])
async def test_what_is_no_query_is_a_page_too(world: World, asked: str) -> None:
    response = await world.http.get(f"{AUTH}?{asked}")
    assert (response.status_code, response.headers["content-type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize("spoil", ["unknown", "used", "expired", "empty", "authorization"])
async def test_a_bad_sign_in_code_shows_the_page_again_and_gives_nothing(world: World, spoil: str) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await sign_in_code(world.http, merchant.id)
    match spoil:
        case "used":
            assert (await decide(world, query(app), code)).status_code == 303
        case "expired":
            world.clock.advance_by(minutes=15)
        case "authorization":
            code = await authorization_code(world, merchant, app)
        case _:
            code = {"unknown": "ABCDE-FGHJK-MNPQR-STVWX-YZ234", "empty": ""}[spoil]
    response = await decide(world, query(app), code)
    assert (response.status_code, "location" in response.headers) == (422, False)
    assert 'role="alert"' in response.text
    assert code == "" or code not in response.text


async def test_two_uses_of_a_sign_in_code_at_once_are_one(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await sign_in_code(world.http, merchant.id)
    responses = await asyncio.gather(*(decide(world, query(app), code) for _ in range(4)))
    assert sorted(response.status_code for response in responses) == [303, 422, 422, 422]


async def test_only_the_organization_that_was_asked_for_may_consent(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    app = await register(world.http, merchant.id)
    asked = query(app, organization_id=webhooks.endpoint_details(merchant.id)["organization_id"], registration_id="x")
    assert (await decide(world, asked, await sign_in_code(world.http, other.id))).status_code == 422
    assert (await decide(world, asked, await sign_in_code(world.http, merchant.id))).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ],
)
async def test_a_form_from_another_site_is_forged(world: World, headers: dict[str, str]) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await sign_in_code(world.http, merchant.id)
    page = (await world.http.get(f"{AUTH}?{query(app)}")).text
    proof = page.split('name="proof" value="')[1].split('"')[0]
    form = {"proof": proof, "sign_in_code": code, "action": "allow"}
    forged = await world.http.post(f"{AUTH}?{query(app)}", data=form, headers=headers)
    assert (forged.status_code, "location" in forged.headers) == (403, False)
    assert (await decide(world, query(app), code)).status_code == 303


@pytest.mark.parametrize("proof", ["", "0" * 64])
async def test_a_form_that_we_did_not_render_is_forged(world: World, proof: str) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    form = {"proof": proof, "sign_in_code": await sign_in_code(world.http, merchant.id), "action": "allow"}
    assert (await world.http.post(f"{AUTH}?{query(app)}", data=form)).status_code == 403


async def test_a_proof_is_for_one_request_only(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    page = (await world.http.get(f"{AUTH}?{query(app, scope='payment_link.read')}")).text
    proof = page.split('name="proof" value="')[1].split('"')[0]
    form = {"proof": proof, "sign_in_code": await sign_in_code(world.http, merchant.id), "action": "allow"}
    assert (await world.http.post(f"{AUTH}?{query(app)}", data=form)).status_code == 403


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"redirect_uri": "https://shop.example.com/callback"}, 400, "invalid_grant"),
        ({"redirect_uri": None}, 400, "invalid_grant"),
        ({"code_verifier": None}, 400, "invalid_request"),
        ({"code_verifier": "x" * 43}, 400, "invalid_grant"),
        ({"code_verifier": "short"}, 400, "invalid_request"),
        ({"code": "ory_ac_unknown"}, 400, "invalid_grant"),
        ({"code": None}, 400, "invalid_request"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_refused_with_the_wrong_company_and_survives_it(
    world: World, changes: dict[str, Any], status: int, error: str
) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await authorization_code(world, merchant, app, **PKCE)
    refused = await redeem(world, app, **{"code": code, "code_verifier": VERIFIER, **changes})
    assert (refused.status_code, refused.json()["error"]) == (status, error), refused.text
    assert list(refused.json()) == ["error", "error_description"]
    assert (await redeem(world, app, code, code_verifier=VERIFIER)).status_code == 200


async def test_a_verifier_without_a_challenge_is_refused(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await authorization_code(world, merchant, app)
    assert (await redeem(world, app, code, code_verifier=VERIFIER)).json()["error"] == "invalid_request"


async def test_a_public_client_cannot_do_without_its_verifier(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id, public=True)
    code = await authorization_code(world, merchant, app, **PKCE)
    assert (await redeem(world, app, code)).json()["error"] == "invalid_request"
    assert (await redeem(world, app, code, code_verifier="y" * 50)).json()["error"] == "invalid_grant"


async def test_a_code_lives_ten_minutes(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    early, late = [await authorization_code(world, merchant, app) for _ in range(2)]
    world.clock.advance_by(minutes=10, seconds=-1)
    assert (await redeem(world, app, early)).status_code == 200
    world.clock.advance_by(seconds=1)
    assert (await redeem(world, app, late)).json()["error"] == "invalid_grant"


async def test_a_code_is_its_clients_own(world: World) -> None:
    merchant = await world.merchant()
    app, other = await register(world.http, merchant.id), await register(world.http, merchant.id)
    code = await authorization_code(world, merchant, app)
    assert (await redeem(world, other, code)).json()["error"] == "invalid_grant"
    assert (await redeem(world, app, code)).status_code == 200


async def test_a_code_that_is_used_twice_takes_back_all_that_came_of_it(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    unharmed = (await redeem(world, app, await authorization_code(world, merchant, app))).json()
    code = await authorization_code(world, merchant, app)
    first = (await redeem(world, app, code)).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **app.credentials}
    second = (await world.http.post(TOKEN, data=form)).json()
    assert await create_status(world, second["access_token"]) == 201

    replayed = await redeem(world, app, code)

    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert [await create_status(world, pair["access_token"]) for pair in (first, second)] == [401, 401]
    for pair in (first, second):
        refreshed = await world.http.post(TOKEN, data=form | {"refresh_token": pair["refresh_token"]})
        assert refreshed.json()["error"] == "invalid_grant"
    assert await create_status(world, unharmed["access_token"]) == 201


async def test_of_fifty_redemptions_at_once_one_gives_a_token_which_the_others_take_back(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await authorization_code(world, merchant, app)
    responses = await asyncio.gather(*(redeem(world, app, code) for _ in range(50)))
    assert sorted(response.status_code for response in responses) == [200] + [400] * 49
    async with world.services.database.single() as tx:
        held = await credentials.of_merchant(tx, merchant.id)
    assert sorted(each.kind for each in held) == ["access_token", "oauth_client", "refresh_token"]
    (given,) = [response.json() for response in responses if response.status_code == 200]
    assert await create_status(world, given["access_token"]) == 401


async def test_revoking_ends_one_consent_and_withdrawing_all_of_them(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    app = await register(world.http, merchant.id)
    pairs = [(await redeem(world, app, await authorization_code(world, merchant, app))).json() for _ in range(3)]
    foreign = (await redeem(world, app, await authorization_code(world, other, app))).json()
    unused = await authorization_code(world, merchant, app)

    await world.http.post(REVOKE, data={"token": pairs[0]["refresh_token"], **app.credentials})
    assert [await create_status(world, pair["access_token"]) for pair in pairs] == [401, 201, 201]

    code = await authorization_code(world, merchant, app, scope="organization.read")
    organization = (await redeem(world, app, code)).json()["access_token"]
    headers = {"Authorization": f"Bearer {organization}"}
    assert (await world.http.delete("/v2/oauth2/consents", headers=headers)).status_code == 204
    assert [await create_status(world, pair["access_token"]) for pair in pairs] == [401, 401, 401]
    assert (await redeem(world, app, unused)).json()["error"] == "invalid_grant"
    assert await create_status(world, foreign["access_token"]) == 201


async def test_assets_are_served_under_their_hashed_names_only(world: World) -> None:
    app = await register(world.http, (await world.merchant()).id)
    page = (await world.http.get(f"{AUTH}?{query(app)}")).text
    for path in (part.split('"')[0] for part in page.split('href="')[1:]):
        assert (await world.http.get(path)).status_code == 200
    assert (await world.http.get("/oauth2/_assets/consent.css")).status_code == 404


async def test_other_methods_are_not_served(world: World) -> None:
    assert (await world.http.put(f"{AUTH}?{urlencode({'client_id': 'x'})}")).status_code == 404


async def test_openid_brings_an_id_token_that_verifies_with_the_published_key(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    scope = "openid offline_access payment_link.read"
    code = await authorization_code(world, merchant, app, scope=scope, nonce="n-1")
    body = (await redeem(world, app, code)).json()
    assert list(body) == ["access_token", "expires_in", "refresh_token", "id_token", "scope", "token_type"]

    described = (await world.http.get("/.well-known/openid-configuration")).json()
    assert described["issuer"] == BASE_URL
    keys = KeySet.import_key_set((await world.http.get(described["jwks_uri"])).json())
    token = jwt.decode(body["id_token"], keys, algorithms=["ES256"])
    now = int(world.now.timestamp())
    claims = JWTClaimsRegistry(
        now=now, iss=_one(BASE_URL), aud=_one(app.id), nonce=_one("n-1"), exp={"essential": True}
    )
    claims.validate(token.claims)
    assert token.claims["sub"] == webhooks.endpoint_details(merchant.id)["membership_id"]
    assert now + 3590 <= token.claims["exp"] <= now + 3600
    assert "d" not in keys.as_dict()["keys"][0]

    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"], **app.credentials}
    again = jwt.decode((await world.http.post(TOKEN, data=form)).json()["id_token"], keys, algorithms=["ES256"])
    assert "nonce" not in again.claims
    narrowed = await world.http.post(TOKEN, data=form | {"scope": "payment_link.read"})
    assert "id_token" not in narrowed.json()


def _one(value: str) -> ClaimsOption:
    return {"essential": True, "value": value}


async def test_the_description_names_where_everything_is(world: World) -> None:
    described = (await world.http.get("/.well-known/openid-configuration")).json()
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint"):
        path = described[name].removeprefix(BASE_URL)
        assert (await world.http.request("GET" if name.startswith("auth") else "POST", path)).status_code == 400


async def test_tokens_that_ended_a_week_ago_are_forgotten(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    pair = (await redeem(world, app, await authorization_code(world, merchant, app))).json()
    form = {"grant_type": "refresh_token", **app.credentials}
    for _ in range(3):
        pair = (await world.http.post(TOKEN, data=form | {"refresh_token": pair["refresh_token"]})).json()
        world.clock.advance_by(days=8)
    async with world.services.database.single() as tx:
        kept = await credentials.of_merchant(tx, merchant.id)
    # The last pair, and what the pair before left when it was used.
    assert len([each for each in kept if each.kind.endswith("_token")]) == 3


async def test_the_paths_of_the_providers_samples_are_served_too(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    assert (await world.http.get(f"/v2{AUTH}?{query(app)}")).status_code == 200
    assert (await world.http.get(f"/v2{AUTH}?{query(app, state=None)}")).status_code == 302
    code = await authorization_code(world, merchant, app)
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code, **app.credentials}
    assert (await world.http.post(f"/v2{TOKEN}", data=form)).status_code == 200
    refused = await world.http.post(f"/v2{TOKEN}", data=form | {"code": "x"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_guessing_sign_in_codes_is_a_failure_to_prove_who_one_is(database_url: str) -> None:
    async with open_world(database_url, rate_limits={}) as world:
        app = await register(world.http, (await world.merchant()).id)
        assert (await decide(world, query(app), "ABCDE")).status_code == 422
        for _ in range(199):
            await world.services.limiter.fail("qonto", "127.0.0.1")
        response = await decide(world, query(app), "ABCDE")
    assert (response.status_code, response.headers["content-type"]) == (429, "text/html; charset=utf-8")
