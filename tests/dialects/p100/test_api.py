"""P100's two endpoints: the seed's example, every field's rules, every documented refusal."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from payglot import launch
from payglot.dialects.p100 import inferred
from payglot.domain.errors import Unavailable
from payglot.domain.merchant import Mode
from payglot.operations import links
from tests.links import body_of, make, read
from tests.world import BASE_URL, World, settings_for

PATH = "/v1/payment-link"


async def post(world: World, body: Any, **headers: str) -> Any:
    known = await world.headers(await world.merchant(), "p100")
    return await world.http.post(PATH, headers=known | headers, json=body)


async def partner(world: World) -> Callable[[Any], Awaitable[httpx.Response]]:
    """Creates links for one merchant, call after call."""
    headers = await world.headers(await world.merchant(), "p100")

    async def ask(body: Any) -> httpx.Response:
        return await world.http.post(PATH, headers=headers, json=body)

    return ask


async def test_the_seeds_request_gives_the_seeds_answer(world: World) -> None:
    expires_at = world.later(days=30)
    response = await post(world, {"amount": "123.45", "expiresAt": expires_at, "reference": "example_ref_123"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body == {
        "paymentLinkId": str(UUID(body["paymentLinkId"])),
        "url": f"{BASE_URL}/pay/{body['url'].rsplit('/', 1)[1]}",
        "amount": "123.45",
        "expiresAt": expires_at,
    }
    assert list(body) == ["paymentLinkId", "url", "amount", "expiresAt"]
    assert body["paymentLinkId"] not in body["url"]


async def test_details_have_every_member_from_the_start(world: World) -> None:
    made = await make(world, await world.merchant(), "p100")
    body = await read(world, made)
    assert body == {
        **made.answer,
        "reference": "example_ref_123",
        "status": "PENDING",
        "createdAt": body["createdAt"],
        "cryptocurrency": None,
        "network": None,
        "walletAddress": None,
        "totalAmountRequired": None,
        "receivedAmount": 0,
        "transactions": [],
    }
    alias = await world.http.get(f"{PATH}/{made.id}", headers=made.headers)
    assert alias.json() == body


async def test_an_accepted_amount_is_echoed_as_it_was_written(world: World) -> None:
    ask = await partner(world)
    accepted: list[tuple[Any, str]] = [
        ("5", "5"),
        ("5.0", "5.0"),
        ("005.10", "005.10"),
        ("0.01", "0.01"),
        (49.9, "49.9"),
        (7, "7"),
    ]
    for sent, echoed in accepted:
        response = await ask({"amount": sent})
        assert (response.status_code, response.json().get("amount")) == (200, echoed), sent


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"amount": None}, "amount must be a string."),
    ({"amount": ""}, "amount must be a decimal string."),
    ({"amount": "-1"}, "amount must be a decimal string."),
    ({"amount": "+1"}, "amount must be a decimal string."),
    ({"amount": "1e2"}, "amount must be a decimal string."),
    ({"amount": "1,5"}, "amount must be a decimal string."),
    ({"amount": " 1"}, "amount must be a decimal string."),
    ({"amount": "1\n"}, "amount must be a decimal string."),
    ({"amount": "٣"}, "amount must be a decimal string."),
    ({"amount": "1" * 40}, "amount must be a decimal string."),
    ({"amount": "1.001"}, "amount must have at most 2 decimal places."),
    ({"amount": "1.100"}, "amount must have at most 2 decimal places."),
    ({"amount": "1000000000"}, "amount must not be greater than 999999999.99."),
    ({"amount": "0"}, "amount must be greater than 0."),
    ({"amount": "0.00"}, "amount must be greater than 0."),
    ({"amount": True}, "amount must be a string."),
    ({"amount": []}, "amount must be a string."),
    ({"expiresAt": "yesterday"}, "expiresAt must be a valid ISO 8601 date string."),
    ({"expiresAt": "2031-13-01T00:00:00Z"}, "expiresAt must be a valid ISO 8601 date string."),
    ({"expiresAt": "0001-01-01T00:00:00+23:59"}, "expiresAt must be a valid ISO 8601 date string."),
    ({"expiresAt": "9999-12-31T23:59:59-23:59"}, "expiresAt must be a valid ISO 8601 date string."),
    ({"expiresAt": "2020-01-01T00:00:00.000Z"}, "expiresAt must be in the future."),
    ({"expiresAt": 5}, "expiresAt must be a string."),
    ({"reference": ""}, "reference must be between 1 and 255 characters."),
    ({"reference": "x" * 256}, "reference must be between 1 and 255 characters."),
    ({"reference": {}}, "reference must be a string."),
]


async def test_each_broken_rule_is_a_p403_without_a_name(world: World) -> None:
    ask = await partner(world)
    for changes, message in BROKEN:
        response = await ask(body_of(world, "p100", **changes))
        assert response.status_code == 400, changes
        assert response.json() == {"errorCode": "P403", "errorMessage": message}, changes


async def test_all_failures_stand_in_one_text(world: World) -> None:
    response = await post(world, {"amount": "x", "expiresAt": "y", "reference": ""})
    assert response.json() == {
        "errorCode": "P403",
        "errorMessage": "amount must be a decimal string. expiresAt must be a valid ISO 8601 date string. "
        "reference must be between 1 and 255 characters.",
    }


async def test_expiry_and_reference_may_be_missing_and_extras_are_ignored(world: World) -> None:
    response = await post(world, {"amount": "5", "currency": "USD", "callbackUrl": "x", "expiresAt": None})
    assert response.status_code == 200
    assert response.json()["expiresAt"].endswith("Z")


async def test_an_expiry_is_emitted_in_utc_with_milliseconds(world: World) -> None:
    ask = await partner(world)
    for sent, emitted in (
        ("2031-08-31T21:21:35Z", "2031-08-31T21:21:35.000Z"),
        ("2031-08-31T23:21:35.1+02:00", "2031-08-31T21:21:35.100Z"),
        ("2031-08-31T21:21:35.123456789Z", "2031-08-31T21:21:35.123Z"),
    ):
        assert (await ask({"amount": "5", "expiresAt": sent})).json()["expiresAt"] == emitted


async def test_one_reference_may_have_many_links(world: World) -> None:
    merchant = await world.merchant()
    ids = {(await make(world, merchant, "p100", reference="same")).id for _ in range(2)}
    assert len(ids) == 2


async def test_who_is_not_known_is_denied_with_the_documented_text(world: World) -> None:
    for headers, code in (
        ({}, "xo1"),
        ({"x-api-key": ""}, "xo1"),
        ({"x-api-key": "wrong"}, "xo2"),
        ({"X-API-Key": "wrong"}, "xo2"),
    ):
        response = await world.http.post(PATH, headers=headers, json={"amount": "5"})
        assert response.status_code == 401, headers
        assert response.json() == {"statusCode": 401, "message": f"Access Denied. {code}", "error": "Unauthorized"}


@pytest.mark.parametrize(("mode", "status"), [(Mode.LIVE, 401), (Mode.TEST, 200)])
async def test_only_live_merchants_addresses_are_checked(world: World, mode: Mode, status: int) -> None:
    merchant = await world.merchant(mode=mode, allowed_ips=("203.0.113.0/24",))
    response = await world.http.post(PATH, headers=await world.headers(merchant, "p100"), json={"amount": "5"})
    assert response.status_code == status
    if status == 401:
        assert response.json()["message"] == "Access Denied. xo3"


async def test_live_callers_are_known_by_their_address_however_the_socket_spells_it(world: World) -> None:
    merchant = await world.merchant(mode=Mode.LIVE, allowed_ips=("203.0.113.0/24", "2001:db8::/32"))
    headers = await world.headers(merchant, "p100")
    for address, allowed in (
        ("203.0.113.7", True),
        ("::ffff:203.0.113.7", True),
        ("2001:db8::1", True),
        ("198.51.100.1", False),
        ("::ffff:198.51.100.1", False),
        ("2001:db9::1", False),
        ("no address", False),
    ):
        transport = httpx.ASGITransport(app=world.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            for method, path in (
                ("POST", PATH),
                ("POST", f"{PATH}/checkout"),
                ("GET", f"{PATH}/details/{uuid4()}"),
                ("GET", f"{inferred.RATE_PATHS[0]}?currencyFrom=usdc&currencyTo=eur"),
            ):
                response = await http.request(method, path, headers=headers, json={"amount": "5"})
                assert (response.status_code != 401) is allowed, (address, method, path, response.text)
                if not allowed:
                    assert response.json()["message"] == "Access Denied. xo3"


async def test_a_header_names_the_callers_address_only_where_a_trusted_proxy_sent_it(world: World) -> None:
    merchant = await world.merchant(mode=Mode.LIVE, allowed_ips=("203.0.113.0/24",))
    headers = await world.headers(merchant, "p100")
    for trusted, source, named, allowed in (
        ("", "10.0.0.1", "203.0.113.7", False),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.7", True),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", True),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.7, 198.51.100.1", False),
        ("10.0.0.0/8", "10.0.0.1", "nobody", False),
        ("10.0.0.0/8", "192.0.2.1", "203.0.113.7", False),
    ):
        served = launch.http_settings(
            settings_for("postgresql://unused@127.0.0.1/unused", trusted_proxies=trusted), world.app
        )
        served.load()
        transport = httpx.ASGITransport(app=served.loaded_app, client=(source, 1))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            response = await http.post(PATH, headers=headers | {"X-Forwarded-For": named}, json={"amount": "5"})
        assert (response.status_code == 200) is allowed, (trusted, source, named)


@pytest.mark.parametrize(
    ("fault", "code", "name"),
    [
        (RuntimeError("secret detail"), "P500", "unknown-exception"),
        (Unavailable(), "P501", "service-temporarily-unavailable"),
    ],
)
async def test_our_own_faults_travel_under_400(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str, name: str
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(links, "create", broken)
    # Caught, because printing a traceback with all its variables takes seconds.
    with capture_logs():
        response = await post(world, {"amount": "5"})
    assert response.status_code == 400
    assert (response.json()["errorCode"], response.json()["errorName"]) == (code, name)
    assert set(response.json()) == {"errorCode", "errorName", "errorMessage"}
    assert "secret detail" not in response.text


async def test_an_unknown_link_is_a_business_error_under_400(world: World) -> None:
    headers = await world.headers(await world.merchant(), "p100")
    response = await world.http.get(f"{PATH}/details/663318af-7ea1-4c5a-8545-e433a2d43d5c", headers=headers)
    assert response.status_code == 400
    assert response.json() == {
        "errorCode": "P460",
        "errorName": "invalid-payment-link",
        "errorMessage": "Payment link not found.",
    }
    malformed = await world.http.get(f"{PATH}/details/42", headers=headers)
    assert malformed.json() == {"errorCode": "P403", "errorMessage": "paymentLinkId must be a UUID."}
