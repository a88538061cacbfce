"""Every way to be refused, in each version's own shape."""

import json
from typing import Any

import pytest
from starlette.requests import Request

from payglot.dialects.bridge import errors
from payglot.domain.errors import Unavailable
from payglot.domain.merchant import Mode
from payglot.web import refusals
from tests.dialects.bridge.builders import (
    DOCUMENTATION,
    IBAN,
    LINKS,
    REQUESTS,
    UNKNOWN,
    V2,
    V3,
    VERSIONS,
    a_merchant,
    body_of,
    create,
    get,
    headers,
    post,
    transaction,
)
from tests.world import World

OTHER = {V2: V3, V3: V2}


def failure(version: str, kind: str, message: str, *, documented: bool = True) -> dict[str, Any]:
    if version == V3:
        return {"code": kind, "message": message}
    return {"type": kind, "message": message, "documentation_url": DOCUMENTATION if documented else None}


def paths(version: str) -> list[tuple[str, str]]:
    one = f"{LINKS[version]}/{UNKNOWN}", f"{REQUESTS[version]}/{UNKNOWN}"
    return [
        ("POST", LINKS[version]),
        ("POST", f"{one[0]}/revoke"),
        ("GET", LINKS[version]),
        ("GET", REQUESTS[version]),
        *(("GET", path) for path in one),
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sent", [None, "", "2019-02-18", "2021-06-02", "latest", "2021-06-01 ,", "other"])
async def test_a_version_that_is_not_the_paths_own_is_refused_whatever_else_is_wrong(
    world: World, version: str, sent: str | None
) -> None:
    known = await headers(world, await a_merchant(world))
    del known["Bridge-Version"]
    if sent is not None:
        known["Bridge-Version"] = OTHER[version] if sent == "other" else sent
    expected = failure(version, "invalid_version_header", "API version Bridge-Version is invalid")
    for method, path in paths(version):
        for changes in ({}, {"Client-Secret": "x"}):
            answered = await world.http.request(method, path, headers=known | changes, content=b"{")
            assert (answered.status_code, answered.json()) == (400, expected)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "changes",
    [
        {"Client-Id": "x"},
        {"Client-Secret": "x"},
        {"Client-Id": "x", "Client-Secret": "x"},
        {"Client-Id": ""},
        {"Client-Secret": ""},
        {"Client-Id": None},
        {"Client-Secret": None},
        {"Client-Id": None, "Client-Secret": None},
        {"Client-Id": None, "Client-Secret": None, "Authorization": "Bearer x"},
    ],
)
async def test_bad_credentials_are_refused_alike_before_the_body_is_read(
    world: World, version: str, changes: dict[str, str | None]
) -> None:
    known = await headers(world, await a_merchant(world), version)
    sent = {name: value for name, value in {**known, **changes}.items() if value is not None}
    expected = failure(version, "invalid_client_credentials", "client_id and client_secret are invalid")
    for method, path in paths(version):
        answered = await world.http.request(method, path, headers=sent, content=b"{")
        assert (answered.status_code, answered.json()) == (401, expected)


async def test_one_merchants_secret_does_not_open_anothers_id(world: World) -> None:
    one, other = await headers(world, await a_merchant(world)), await headers(world, await a_merchant(world))
    mixed = one | {"Client-Secret": other["Client-Secret"]}
    assert (await world.http.get(f"{LINKS[V2]}/{UNKNOWN}", headers=mixed)).status_code == 401


async def test_a_headers_name_may_be_of_any_case_and_its_value_may_not(world: World) -> None:
    known = await headers(world, await a_merchant(world))
    path = f"{LINKS[V2]}/{UNKNOWN}"
    for spelled in (str.lower, str.upper):
        sent = {spelled(name): value for name, value in known.items()}
        assert (await world.http.get(path, headers=sent)).status_code == 404
    for changes in ({"Client-Secret": known["Client-Secret"].swapcase()}, {"Client-Id": known["Client-Id"] + " x"}):
        assert (await world.http.get(path, headers=known | changes)).status_code == 401


async def test_credentials_count_only_in_their_headers(world: World) -> None:
    known = await headers(world, await a_merchant(world))
    query = f"client_id={known['Client-Id']}&client_secret={known['Client-Secret']}"
    answered = await world.http.get(f"{LINKS[V2]}/{UNKNOWN}?{query}", headers={"Bridge-Version": V2})
    assert answered.status_code == 401


async def test_another_dialects_credentials_are_none_here(world: World) -> None:
    merchant = await a_merchant(world)
    theirs = await world.headers(merchant, "devdraft")
    sent = {"Client-Id": theirs["x-client-key"], "Client-Secret": theirs["x-client-secret"], "Bridge-Version": V2}
    assert (await world.http.get(f"{LINKS[V2]}/{UNKNOWN}", headers=sent)).status_code == 401


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_address_that_is_not_on_the_list_is_forbidden(world: World, version: str) -> None:
    merchant = await a_merchant(world, allowed_ips=("203.0.113.0/24",))
    answered = await create(world, merchant, version)
    message = "Your IP address is not allowed to use this application"
    assert (answered.status_code, answered.json()) == (403, failure(version, "forbidden", message))


@pytest.mark.parametrize("networks", [("127.0.0.0/8",), ("203.0.113.0/24", "127.0.0.1/32"), ()])
async def test_an_address_within_one_of_the_networks_may_call(world: World, networks: tuple[str, ...]) -> None:
    merchant = await a_merchant(world, allowed_ips=networks)
    assert (await create(world, merchant)).status_code == 200
    assert (await get(world, merchant, LINKS[V2])).status_code == 200


MALFORMED: list[Any] = [
    [],
    5,
    "x",
    None,
    {},
    {"user": {"first_name": "A", "last_name": "B"}},
    {"transactions": [transaction()]},
    {"user": None, "transactions": [transaction()]},
    {"user": [], "transactions": [transaction()]},
    {"user": {"company_name": 5}, "transactions": [transaction()]},
    {"user": {"company_name": "A"}, "transactions": []},
    {"user": {"company_name": "A"}, "transactions": {}},
    {"user": {"company_name": "A"}, "transactions": [None]},
    {"user": {"company_name": "A"}, "transactions": [transaction()] * 101},
    *(
        {"user": {"company_name": "A"}, "transactions": [transaction(**changes)]}
        for changes in (
            {"amount": "120.98"},
            {"amount": True},
            {"amount": [1]},
            {"currency": 978},
            {"label": 5},
            {"end_to_end_id": 5},
            {"execution_date": 5},
            {"beneficiary": "x"},
            {"beneficiary": {"iban": 5}},
        )
    ),
    *(
        {"user": {"company_name": "A"}, "transactions": [transaction()], **changes}
        for changes in ({"expired_date": 5}, {"client_reference": 5}, {"callback_url": 5}, {"country": 5})
    ),
]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_missing_or_wrongly_typed_part_names_no_field(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    expected = failure(version, "invalid_request", "Invalid body content", documented=False)
    for body in MALFORMED:
        answered = await post(world, merchant, body, version)
        assert (answered.status_code, answered.json()) == (400, expected), body


@pytest.mark.parametrize(("version", "member"), [(V2, "bank_id"), (V3, "provider_id"), (V3, "sender_iban")])
async def test_a_versions_own_member_of_the_wrong_type_names_no_field(world: World, version: str, member: str) -> None:
    wrongs: tuple[Any, ...] = (["574"], {}, 574.5, True, 10**25)
    for wrong in wrongs:
        answered = await create(world, await a_merchant(world), version, **{member: wrong})
        assert answered.status_code == 400
        assert answered.json()["message"] == "Invalid body content"


TRANSACTION_RULES: list[tuple[dict[str, Any], str | None, str]] = [
    ({"amount": None}, "amount_missing", "amount"),
    ({"amount": 1.001}, "amount_too_many_decimals", "amount"),
    ({"amount": 0.001}, "amount_too_many_decimals", "amount"),
    ({"amount": 1e-30}, "amount_too_many_decimals", "amount"),
    ({"amount": 35000.01}, "max_amount", "amount"),
    ({"amount": 10**30}, "max_amount", "amount"),
    ({"amount": 1e32}, "max_amount", "amount"),
    ({"amount": 0}, "amount_invalid", "amount"),
    ({"amount": 0.0}, "amount_invalid", "amount"),
    ({"amount": -5}, "amount_invalid", "amount"),
    ({"amount": -0.001}, "amount_invalid", "amount"),
    ({"currency": None}, "currency_missing", "currency"),
    ({"currency": ""}, "currency_missing", "currency"),
    ({"currency": "GBP"}, "currency_invalid", "currency"),
    ({"currency": "eur"}, "currency_invalid", "currency"),
    ({"label": ""}, "label_missing", "label"),
    ({"label": "  "}, "label_missing", "label"),
    ({"label": "x" * 51}, "label_too_long", "label"),
    *(
        ({"label": label}, "characters_not_allowed", "label")
        for label in (
            "Refund: 12",
            "Refund\t12",
            "Refund\n12",
            "a#b",
            "a@b",
            "[a]",
            "a|b",
            "a\u2013b",
            "\u202ea",
            "a\x7f",
            "<a>",
        )
    ),
    *(
        ({"end_to_end_id": id}, "end_to_end_id_invalid", "end_to_end_id")
        for id in ("", "x" * 36, "a\n", "é", "a<b", "a;b")
    ),
    *(
        ({"execution_date": date}, "execution_date_invalid", "execution_date")
        for date in ("", "soon", "2026-12-05", "2030-01-01T00:00:00", "2020-01-01T00:00:00Z", "9000-01-01T00:00:00Z")
    ),
    ({"client_reference": "x" * 101}, None, "client_reference"),
    ({"client_reference": "a\nb"}, None, "client_reference"),
    ({"beneficiary": {"iban": IBAN}}, "beneficiary.name_missing", "beneficiary"),
    ({"beneficiary": {"iban": IBAN, "first_name": "A"}}, "beneficiary.name_missing", "beneficiary"),
    ({"beneficiary": {"iban": IBAN, "company_name": ""}}, "beneficiary.name_missing", "beneficiary"),
    *(
        (
            {"beneficiary": {"iban": IBAN, "company_name": name}},
            "beneficiary.characters_not_allowed",
            "beneficiary.company_name",
        )
        for name in ("1664", "...", "A\nB", "A#B", "\u202eA", " ")
    ),
    (
        {"beneficiary": {"iban": IBAN, "company_name": "A" * 36}},
        "beneficiary.name_too_long",
        "beneficiary.company_name",
    ),
    (
        {"beneficiary": {"iban": IBAN, "first_name": "A", "last_name": "B" * 36}},
        "beneficiary.name_too_long",
        "beneficiary.last_name",
    ),
    *(
        ({"beneficiary": {"iban": iban, "company_name": "A"}}, "beneficiary.iban_invalid", "beneficiary.iban")
        for iban in (
            "FR0618999042420A1B2C3D4E505",
            "FR0518999042420A1B2C3D4E50",
            "FR05-1899-9042-420A-1B2C-3D4E-505",
            "ZZ0518999042420A1B2C3D4E505",
            "FR",
            " ",
            "\n" + IBAN,
            IBAN.replace("5", "٥"),
            "ıE74100200300987654321",
            "A" * 34,
            "A" * 100_000,
        )
    ),
]


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_unacceptable_value_of_a_transaction_is_listed_with_its_place(world: World, version: str) -> None:
    """All in one request: each is told once, at its own place, and those between them are left alone."""
    parts = [transaction(), *(transaction(**changes) for changes, *_ in TRANSACTION_RULES), transaction()]
    answered = await create(world, await a_merchant(world), version, transactions=parts)
    assert answered.status_code == 400, answered.text
    assert list(answered.json()) == ["errors"]
    found = answered.json()["errors"]
    for error in found:
        assert list(error) == ["code", "message", "property"]
        assert error["message"]
    assert [(error["code"], error["property"]) for error in found] == [
        (
            "payment.client_reference_invalid" if code is None else f"payment.transaction.{code}",
            f"transactions[{index}].{place}",
        )
        for index, (_, code, place) in enumerate(TRANSACTION_RULES, start=1)
    ]


@pytest.mark.parametrize(
    ("beneficiary", "codes"),
    [
        ({}, ["name_missing", "iban_missing"]),
        ({"iban": None, "company_name": None}, ["name_missing", "iban_missing"]),
        ({"company_name": "A"}, ["iban_missing"]),
        ({"company_name": "A", "iban": ""}, ["iban_missing"]),
    ],
)
async def test_a_beneficiary_needs_an_iban_in_v2(world: World, beneficiary: Any, codes: list[str]) -> None:
    answered = await create(world, await a_merchant(world), transactions=[transaction(beneficiary=beneficiary)])
    found = [error["code"] for error in answered.json()["errors"]]
    assert found == [f"payment.transaction.beneficiary.{code}" for code in codes]


@pytest.mark.parametrize(
    ("version", "settings", "beneficiary", "code"),
    [
        (V2, {"default_beneficiary": None}, None, "payment.transaction.beneficiary_missing"),
        (V3, {"default_beneficiary": None}, None, "payment.transaction.beneficiary_missing"),
        (V3, {"default_beneficiary": None}, {}, "payment.transaction.beneficiary_missing"),
        (
            V3,
            {"default_beneficiary": None},
            {"company_name": "A"},
            "payment.transaction.beneficiary.iban_missing",
        ),
        (
            V2,
            {"beneficiary_mode": "single"},
            {"company_name": "A", "iban": IBAN},
            "payment.transaction.beneficiary.not_allowed",
        ),
        (V3, {"beneficiary_mode": "single"}, {"company_name": "A"}, "payment.transaction.beneficiary.not_allowed"),
    ],
)
async def test_a_beneficiary_that_cannot_be_is_refused_rather_than_replaced(
    world: World, version: str, settings: dict[str, Any], beneficiary: Any, code: str
) -> None:
    merchant = await a_merchant(world, **settings)
    answered = await create(world, merchant, version, transactions=[transaction(beneficiary=beneficiary)])
    assert answered.status_code == 400
    assert [error["code"] for error in answered.json()["errors"]] == [code]


LINK_RULES: list[tuple[dict[str, Any], str, str | None]] = [
    *(
        ({"user": user}, "payment.user.name_missing", "user")
        for user in ({}, {"first_name": "Only"}, {"last_name": "Only"}, {"company_name": ""})
    ),
    ({"user": {"company_name": "x" * 71}}, "payment.user.name_too_long", "user.company_name"),
    ({"user": {"first_name": "x" * 71, "last_name": "B"}}, "payment.user.name_too_long", "user.first_name"),
    *(
        ({"user": {"company_name": name}}, "payment.user.characters_not_allowed", "user.company_name")
        for name in (" ", "-", "A\nB", "A:B", "\u202eA", "A\x7f", "A\u2066")
    ),
    *(
        (
            {"user": {"company_name": "A", "external_reference": reference}},
            "payment.user.external_reference_invalid",
            "user.external_reference",
        )
        for reference in ("", "x y", "x" * 101, "é", "a\n")
    ),
    *(
        ({"expired_date": date}, "payment.expired_date_invalid", "expired_date")
        for date in (
            "",
            "soon",
            "2031-01-01",
            "2031-01-01T00:00:00",
            "2020-01-01T00:00:00Z",
            "2031-02-30T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2035-01-01T00:00:00Z",
        )
    ),
    *(
        ({"callback_url": url}, "payment.invalid_callback_url", None)
        for url in (
            "",
            "/return",
            "shop.example",
            "https://evil.example/",
            "https://shop.example.evil.example/",
            "https://xshop.example/",
            "https://pay.example/",
            "javascript:alert(1)",
            "ftp://shop.example/",
            "https://shop.example@evil.example/",
            "https://evil.example\\@shop.example/",
            "https://shop.example/\n",
            "https://shop.example/" + "x" * 2048,
        )
    ),
    ({"client_reference": "x" * 101}, "payment.client_reference_invalid", "client_reference"),
    ({"client_reference": "a\u202eb"}, "payment.client_reference_invalid", "client_reference"),
    ({"country": "it"}, "payment.country_invalid", "country"),
    ({"country": ""}, "payment.country_invalid", "country"),
]


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_unacceptable_member_of_the_link_is_listed(world: World, version: str) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example", "*.pay.example"))
    for changes, code, place in LINK_RULES:
        answered = await create(world, merchant, version, **changes)
        assert answered.status_code == 400, changes
        found = [(error["code"], error.get("property")) for error in answered.json()["errors"]]
        assert found == [(code, place)], changes


async def test_without_a_list_of_domains_no_callback_is_allowed(world: World) -> None:
    answered = await create(world, await a_merchant(world), callback_url="https://shop.example/")
    assert [error["code"] for error in answered.json()["errors"]] == ["payment.invalid_callback_url"]


@pytest.mark.parametrize(("version", "member"), [(V2, "bank_id"), (V3, "provider_id")])
@pytest.mark.parametrize("id", [0, -1, 2**31, 2**62])
async def test_what_can_be_no_banks_id_is_refused(world: World, version: str, member: str, id: int) -> None:
    answered = await create(world, await a_merchant(world), version, **{member: id})
    assert answered.status_code == 400
    assert answered.json() == {"errors": [{"code": "payment.bank_not_found", "message": "Bank not found"}]}


@pytest.mark.parametrize("iban", ["FR", "FR0618999042420A1B2C3D4E505"])
async def test_an_account_to_be_debited_must_be_one(world: World, iban: str) -> None:
    answered = await create(world, await a_merchant(world), V3, sender_iban=iban)
    (error,) = answered.json()["errors"]
    assert (error["code"], error["property"]) == ("payment.sender_iban_invalid", "sender_iban")


async def test_a_label_is_required_in_v2(world: World) -> None:
    answered = await create(world, await a_merchant(world), transactions=[transaction(label=None)])
    (error,) = answered.json()["errors"]
    assert (error["code"], error["property"]) == ("payment.transaction.label_missing", "transactions[0].label")


async def test_a_refused_currency_is_told_with_the_word_that_a_client_looks_for(world: World) -> None:
    answered = await create(world, await a_merchant(world), transactions=[transaction(currency="GBP")])
    assert "Currency" in answered.json()["errors"][0]["message"]


async def test_all_that_is_wrong_is_told_at_once_and_nothing_of_what_was_sent(world: World) -> None:
    marker = "Zq7"
    body = body_of(
        world,
        user={"company_name": f"{marker}:"},
        expired_date=marker,
        callback_url=f"https://{marker}.example/",
        country=marker,
        transactions=[transaction(amount=0, currency=marker, label=f"{marker}#"), transaction(amount=40000)],
    )
    answered = await post(world, await a_merchant(world), body)
    assert [error["code"] for error in answered.json()["errors"]] == [
        "payment.user.characters_not_allowed",
        "payment.expired_date_invalid",
        "payment.invalid_callback_url",
        "payment.country_invalid",
        "payment.transaction.amount_invalid",
        "payment.transaction.currency_invalid",
        "payment.transaction.characters_not_allowed",
        "payment.transaction.max_amount",
    ]
    assert marker.lower() not in answered.text.lower()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("content", [b"", b"{", b"{'a': 1}", b"\xff", b'{"user":{}}x', b'{"a":NaN}'])
async def test_a_body_that_is_not_json_is_422(world: World, version: str, content: bytes) -> None:
    answered = await post(world, await a_merchant(world), content, version)
    expected = failure(version, "invalid_request", "The body is not valid JSON", documented=False)
    assert (answered.status_code, answered.json()) == (422, expected)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "content",
    [b'{"user":{},"user":{}}', b'{"a":1e999999}', b'{"a":' + b"9" * 33 + b"}", b"[" * 33 + b"]" * 33, b'"\\ud800"'],
    ids=["a key twice", "a huge exponent", "many digits", "deeply nested", "half a character"],
)
async def test_json_of_a_kind_that_is_not_read_is_400(world: World, version: str, content: bytes) -> None:
    answered = await post(world, await a_merchant(world), content, version)
    expected = failure(version, "invalid_request", "Invalid body content", documented=False)
    assert (answered.status_code, answered.json()) == (400, expected)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("type", ["text/plain", "", "application/x-www-form-urlencoded", "application/vnd.api+json"])
async def test_another_content_type_is_415(world: World, version: str, type: str) -> None:
    answered = await post(world, await a_merchant(world), body_of(world), version, Content_Type=type)
    message = "Content-Type must be application/json"
    expected = failure(version, "unsupported_media_type", message, documented=False)
    assert (answered.status_code, answered.json()) == (415, expected)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_body_beyond_a_mebibyte_is_413(world: World, version: str) -> None:
    answered = await post(world, await a_merchant(world), b" " * (2**20 + 1), version)
    expected = failure(version, "invalid_request", "The body is too large", documented=False)
    assert (answered.status_code, answered.json()) == (413, expected)


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/v2/payment-links/x/y", V2),
        ("/v2/payment-links/", V2),
        ("/v2/payment-requests/x/y", V2),
        ("/v2/payment-links/%2e%2e/x", V2),
        ("/v3", V3),
        ("/v3/", V3),
        ("/v3/payment", V3),
        ("/v3/payment-links", V3),
        ("/v3/payment/payment-links/x/y", V3),
        ("/v3/payment//payment-links", V3),
        ("/v3/aggregation/providers", V3),
    ],
)
async def test_unknown_paths_are_not_found_in_the_versions_shape(world: World, path: str, version: str) -> None:
    merchant = await a_merchant(world)
    for sent in ({}, await headers(world, merchant, version)):
        answered = await world.http.get(path, headers=sent)
        expected = failure(version, "not_found", "The requested resource doesn't exist")
        assert (answered.status_code, answered.json()) == (404, expected)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("method", "allowed"), [("DELETE", "GET"), ("PUT", "GET"), ("PATCH", "GET"), ("POST", "GET")])
async def test_a_method_that_a_path_does_not_have_is_405(world: World, version: str, method: str, allowed: str) -> None:
    answered = await world.http.request(method, f"{LINKS[version]}/{UNKNOWN}")
    assert (answered.status_code, answered.headers["allow"]) == (405, allowed)
    assert answered.json() == failure(version, "method_not_allowed", "Method not allowed")


@pytest.mark.parametrize(
    ("error", "status", "kind", "retry_after"),
    [
        (refusals.TooManyRequests(17), 429, "too_many_requests", "17"),
        (refusals.TemporarilyUnavailable(), 503, "service_unavailable", "5"),
        (Unavailable(), 503, "service_unavailable", "5"),
        (refusals.Broken(), 500, "internal_error", None),
        (RuntimeError("marker"), 500, "internal_error", None),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_failures_of_ours_have_the_versions_shape(
    version: str, error: Exception, status: int, kind: str, retry_after: str | None
) -> None:
    request = Request({"type": "http", "method": "GET", "path": LINKS[version], "headers": []})
    answered = errors.render(request, error)
    body = json.loads(bytes(answered.body))
    assert (answered.status_code, body) == (status, failure(version, kind, body["message"]))
    assert answered.headers.get("retry-after") == retry_after
    assert "marker" not in body["message"]


async def test_a_live_merchant_is_served_like_any_other(world: World) -> None:
    merchant = await a_merchant(world, mode=Mode.LIVE)
    assert (await create(world, merchant)).status_code == 200
    assert (await get(world, merchant, f"{LINKS[V2]}/{UNKNOWN}")).status_code == 404
