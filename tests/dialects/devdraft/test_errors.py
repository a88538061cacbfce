"""Refusals: every rule in the validator's words, and everything else that can go wrong, in one shape."""

import json
from typing import Any

import pytest
from starlette.requests import Request

from payglot.dialects.devdraft import auth, errors, schemas
from payglot.domain import errors as domain
from payglot.web import refusals
from tests.dialects.devdraft.builders import JANE, LINKS, UNKNOWN, VAT, bad, narrow_headers, post, refusal_of
from tests.links import body_of
from tests.world import ADMIN_TOKEN, World

TYPES = "PRODUCT, DONATION, SUBSCRIPTION, INVOICE, COLLECTION"
RECURRING = "ONE_TIME, WEEKLY, BI_WEEKLY, MONTHLY, BI_MONTHLY, QUARTERLY, ANNUALLY"
NUMBER = "must be a number conforming to the specified constraints"
SLUG = "url must be a valid URL or slug"
CONTROL = "must not contain control characters"
DATE = "expiration_date must be a valid ISO 8601 date string"
FLAGS = (
    "isForAllProduct", "allowQuantityAdjustment", "allowMobilePayment", "collectTax", "collectAddress",
    "limitPayments", "requirePhoneNumber", "allowBusinessTaxId", "allowCryptoPayment", "createInvoicePdf",
)  # fmt: skip
URLS = [
    "", " ", "two words", "a#b", "a?b", "a%20b", "a\n", "ünï", "٣", "a//b", "//a", "a/../b", "..", ".", "a/./b", "/",
    "https://shop.example", "https://shop.example/", "https://shop.example//a", "https://shop.example/a%20b",
    "https://user:secret@shop.example/a", "ftp://shop.example/a", "http:/a", "javascript:alert(1)",
]  # fmt: skip
NO_NUMBERS: tuple[Any, ...] = ("29.99", True, [], {})
NO_OBJECTS: tuple[Any, ...] = ([], "x", 5)
RULES: list[tuple[dict[str, Any], str]] = [
    ({"title": None}, "title should not be empty"),
    ({"title": ""}, "title must be longer than or equal to 3 characters"),
    ({"title": "ab"}, "title must be longer than or equal to 3 characters"),
    ({"title": "x" * 101}, "title must be shorter than or equal to 100 characters"),
    ({"title": 5}, "title must be a string"),
    *(({"title": f"a{c}bc"}, f"title {CONTROL}") for c in "\x01\n\x1f\x7f\u202e\u2066"),
    ({"url": None}, "url should not be empty"),
    ({"url": 5}, "url must be a string"),
    *(({"url": url}, SLUG) for url in URLS),
    ({"url": "x" * 256}, "url must be shorter than or equal to 255 characters"),
    ({"linkType": None}, "linkType should not be empty"),
    ({"linkType": "product"}, f"linkType must be one of the following values: {TYPES}"),
    ({"linkType": ["PRODUCT"]}, f"linkType must be one of the following values: {TYPES}"),
    ({"description": "x" * 501}, "description must be shorter than or equal to 500 characters"),
    ({"description": "a\x02b"}, f"description {CONTROL}"),
    ({"description": {}}, "description must be a string"),
    *(({"coverImage": u}, "coverImage must be a URL address") for u in ("x", "javascript:alert(1)", "//x/y", "", 5)),
    ({"coverImage": "https://x.example/" + "x" * 2048}, "coverImage must be a URL address"),
    ({"amount": 0}, "amount must not be less than 0.01"),
    ({"amount": -5}, "amount must not be less than 0.01"),
    ({"amount": 0.009}, "amount must not be less than 0.01"),
    ({"amount": 0.1234567}, "amount must have at most 6 decimal places"),
    ({"amount": 10**12}, "amount must be less than 1000000000000"),
    ({"amount": 10**30}, "amount must be less than 1000000000000"),
    *(({"amount": amount}, f"amount {NUMBER}") for amount in NO_NUMBERS),
    ({"currency": "USDC"}, "currency must be one of the following values: usdc, eurc"),
    ({"currency": "usd"}, "currency must be one of the following values: usdc, eurc"),
    ({"paymentForId": "x" * 256}, "paymentForId must be shorter than or equal to 255 characters"),
    ({"paymentForId": 7}, "paymentForId must be a string"),
    *(({name: id}, f"{name} must be a UUID") for name in ("customerId", "taxId") for id in ("x", "", 5, f"{{{VAT}}}")),
    ({"taxId": VAT.replace("-", "")}, "taxId must be a UUID"),
    ({"taxId": f"tax_{VAT}"}, "taxId must be a UUID"),
    ({"paymentLinkProducts": {}}, "paymentLinkProducts must be an array"),
    (
        {"paymentLinkProducts": [{"productId": UNKNOWN}] * 51},
        "paymentLinkProducts must contain no more than 50 elements",
    ),
    ({"paymentLinkProducts": [5]}, "paymentLinkProducts.0 must be an object"),
    ({"paymentLinkProducts": [{}]}, "paymentLinkProducts.0.productId should not be empty"),
    ({"paymentLinkProducts": [{"productId": "prod_1"}]}, "paymentLinkProducts.0.productId must be a UUID"),
    *(
        ({"paymentLinkProducts": [{"productId": UNKNOWN, "quantity": n}]}, f"paymentLinkProducts.0.quantity {says}")
        for n, says in (
            (0, "must not be less than 1"),
            (1000, "must not be greater than 999"),
            (1.5, "must be an integer number"),
            ("2", NUMBER),
        )
    ),
    *(({flag: value}, f"{flag} must be a boolean value") for flag in FLAGS for value in ("true", 1)),
    ({"maxPayments": 0}, "maxPayments must not be less than 1"),
    ({"maxPayments": 10**9 + 1}, "maxPayments must not be greater than 1000000000"),
    ({"maxPayments": 1.5}, "maxPayments must be an integer number"),
    ({"maxPayments": "5"}, f"maxPayments {NUMBER}"),
    *(({"customFields": value}, "customFields must be an object") for value in NO_OBJECTS),
    ({"customFields": {"a": "x" * 16384}}, "customFields must be smaller than 16384 bytes"),
    *(({"expiration_date": value}, DATE) for value in ("tomorrow", "", 5, "2095-02-30", "2095-05-06T25:00:00Z")),
    ({"expiration_date": "0001-01-01T00:00:00+14:00"}, DATE),
    ({"expiration_date": "9999-12-31T23:59:59-23:59"}, DATE),
    ({"recurringType": "DAILY"}, f"recurringType must be one of the following values: {RECURRING}"),
    ({"walletId": 5}, "walletId must be a string"),
    ({"confirmationPage": "HIDE"}, "confirmationPage must be one of the following values: SHOW, REDIRECT"),
]


@pytest.mark.parametrize(("changes", "message"), RULES, ids=range(len(RULES)))
def test_each_broken_rule_is_in_the_array_of_messages(changes: dict[str, Any], message: str) -> None:
    least = {"title": "Enamel mug", "url": "mug", "linkType": "PRODUCT", "amount": 29.99}
    assert refusal_of(schemas.CreatePaymentLink, least) is None
    assert refusal_of(schemas.CreatePaymentLink, least | changes) == bad(message)


async def test_all_violations_are_reported_together_in_the_order_of_the_fields(world: World) -> None:
    merchant = await world.merchant()
    assert (await post(world, merchant, {})).json()["message"] == [
        "title should not be empty",
        "url should not be empty",
        "linkType should not be empty",
    ]
    sent = {
        "title": "ab", "url": "a b", "linkType": "x", "description": "\x01", "coverImage": "x", "amount": 0.0000001,
        "currency": "eur", "taxId": "x", "paymentLinkProducts": [{"quantity": 0}, {"productId": 5}],
        "maxPayments": 0, "customFields": 3, "expiration_date": "x",
    }  # fmt: skip
    assert (await post(world, merchant, sent)).json()["message"] == [
        "title must be longer than or equal to 3 characters",
        SLUG,
        f"linkType must be one of the following values: {TYPES}",
        f"description {CONTROL}",
        "coverImage must be a URL address",
        "amount must not be less than 0.01",
        "currency must be one of the following values: usdc, eurc",
        "paymentLinkProducts.0.productId should not be empty",
        "paymentLinkProducts.0.quantity must not be less than 1",
        "paymentLinkProducts.1.productId must be a UUID",
        "taxId must be a UUID",
        "maxPayments must not be less than 1",
        "customFields must be an object",
        DATE,
    ]


WHOLE: list[tuple[dict[str, Any], str]] = [
    ({"linkType": "SUBSCRIPTION", "amount": None}, "amount is required for non-product payment links"),
    ({"linkType": "INVOICE", "amount": None}, "amount is required for non-product payment links"),
    ({"limitPayments": True}, "maxPayments is required when limitPayments is true"),
    ({"expiration_date": "2020-01-01T00:00:00Z"}, "expiration_date must be in the future"),
    ({"paymentLinkProducts": [{"productId": UNKNOWN}]}, f"Product not found: {UNKNOWN}"),
    ({"taxId": VAT.upper()}, f"Tax not found: {VAT}"),
    ({"customerId": JANE}, f"Customer not found: {JANE}"),
]


async def test_what_only_the_whole_shows_is_one_message_and_nothing_is_stored(world: World) -> None:
    merchant = await world.merchant()
    for changes, message in WHOLE:
        response = await post(world, merchant, body_of(world, "devdraft", url="mug", **changes))
        assert response.json() == {"statusCode": 400, "message": message, "error": "Bad Request"}
    assert (await post(world, merchant, body_of(world, "devdraft", url="mug"))).status_code == 201


async def test_what_is_not_plain_json_is_one_message(world: World) -> None:
    merchant = await world.merchant()
    message = "The request body must be a valid JSON object"
    for content in (b"{", b"", b"\xff", b'{"a":1,"a":1}', b'{"title":NaN}', b'{"title":"\\u0000"}'):
        response = await post(world, merchant, content)
        assert response.json() == {"statusCode": 400, "message": message, "error": "Bad Request"}, content


async def test_a_body_must_be_an_object(world: World) -> None:
    merchant = await world.merchant()
    for content in (b"[]", b"null", b"5", b'"x"'):
        response = await post(world, merchant, content)
        assert response.json() == bad("body must be an object"), content


async def test_a_body_beyond_a_mebibyte_is_too_large(world: World) -> None:
    response = await post(world, await world.merchant(), b'{"a":"' + b"x" * 2**20 + b'"}')
    assert response.status_code == 413
    expected = {"statusCode": 413, "message": "The request body is too large", "error": "Payload Too Large"}
    assert response.json() == expected


@pytest.mark.parametrize("missing", ["x-client-key", "x-client-secret", "both", "neither"])
async def test_who_is_not_known_gets_401_whatever_they_send(world: World, missing: str) -> None:
    right = await world.headers(await world.merchant(), "devdraft")
    strangers = await world.headers(await world.merchant(), "devdraft")
    wrong = right | {"x-client-secret": strangers["x-client-secret"]}
    sent = {
        "both": {},
        "neither": wrong,
        "x-client-key": {"x-client-secret": right["x-client-secret"]},
        "x-client-secret": {"x-client-key": right["x-client-key"]},
    }[missing]
    for content in (b"{", json.dumps(body_of(world, "devdraft")).encode()):
        response = await world.http.post(LINKS, headers=sent | {"Content-Type": "application/json"}, content=content)
        assert response.status_code == 401
        assert response.json() == {
            "statusCode": 401,
            "message": "Client key or secret is invalid or missing",
            "error": "Unauthorized",
        }


SCOPED = [
    ("POST", "payment-links", "payment_link:create"),
    ("GET", "payment-links", "payment_link:list"),
    ("GET", "payment-links/pl_x", "payment_link:read"),
    ("PUT", "payment-links/pl_x", "payment_link:update"),
    ("POST", "products", "product:create"),
    ("GET", "products", "product:list"),
    ("GET", "products/x", "product:read"),
    ("PUT", "products/x", "product:update"),
    ("DELETE", "products/x", "product:update"),
    ("POST", "products/x/images", "product:update"),
    ("POST", "customers", "customer:create"),
    ("GET", "customers", "customer:list"),
    ("GET", "customers/x", "customer:read"),
    ("PATCH", "customers/x", "customer:update"),
    ("POST", "webhooks", "webhook:create"),
    ("GET", "webhooks", "webhook:read"),
    ("GET", "webhooks/x", "webhook:read"),
    ("PATCH", "webhooks/x", "webhook:update"),
    ("DELETE", "webhooks/x", "webhook:delete"),
    ("POST", "test-payment", "payment:create"),
    ("GET", "test-payment/x", "payment:read"),
    ("POST", "test-payment/x/refund", "payment:create"),
]
UNSCOPED = [
    ("POST", "taxes", 400),
    ("GET", "taxes", 200),
    ("GET", "taxes/x", 400),
    ("PUT", "taxes/x", 400),
    ("PATCH", "taxes/x", 400),
    ("DELETE", "taxes/x", 400),
    ("PUT", "taxes", 400),
    ("DELETE", "taxes", 400),
    ("GET", "health", 200),
]


async def test_a_key_without_the_scope_is_forbidden(world: World) -> None:
    merchant = await world.merchant()
    for method, path, scope in SCOPED:
        for slash in ("", "/"):
            headers = await narrow_headers(world, merchant, scope)
            response = await world.http.request(method, f"/api/v0/{path}{slash}", headers=headers, content=b"{")
            assert response.status_code == 403, path
            expected = {"statusCode": 403, "message": f"Missing required scope: {scope}", "error": "Forbidden"}
            assert response.json() == expected
            unknown = await world.http.request(method, f"/api/v0/{path}{slash}", content=b"{")
            assert unknown.status_code == 401, path


async def test_the_operator_issues_keys_with_some_scopes_only(world: World) -> None:
    merchant = await world.merchant()
    operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    path = f"/admin/v1/merchants/{merchant.id}/credentials"
    body = {"dialect": "devdraft", "scopes": ["payment_link:read", "payment_link:list"]}
    issued = await world.http.post(path, headers=operator, json=body)
    assert issued.status_code == 201
    (id,) = issued.json()["credential_ids"]
    (listed,) = (await world.http.get(path, headers=operator)).json()["data"]
    assert (listed["id"], listed["scopes"]) == (id, ["payment_link:read", "payment_link:list"])
    headers = issued.json()["headers"]
    assert (await world.http.get(LINKS, headers=headers)).status_code == 200
    assert (await world.http.post(LINKS, headers=headers, json={})).status_code == 403
    for dialect, scope in (("devdraft", "payment_link:all"), ("p100", "payment_link:read")):
        unknown = await world.http.post(path, headers=operator, json={"dialect": dialect, "scopes": [scope]})
        assert unknown.status_code == 422
        assert scope not in unknown.text


async def test_taxes_and_health_need_a_key_but_no_scope(world: World) -> None:
    headers = await narrow_headers(world, await world.merchant(), *auth.SCOPES)
    for method, path, status in UNSCOPED:
        response = await world.http.request(method, f"/api/v0/{path}", headers=headers, content=b"{")
        assert response.status_code == status, path
        assert (await world.http.request(method, f"/api/v0/{path}", content=b"{")).status_code == 401, path


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("DELETE", f"{LINKS}/pl_1", f"{LINKS}/pl_1"),
        ("PATCH", f"{LINKS}/pl_1", f"{LINKS}/pl_1"),
        ("GET", "/api/v0/nothing", "/api/v0/nothing"),
        ("GET", "/api/v0", "/api/v0"),
        ("POST", "/api/v0/health", "/api/v0/health"),
        ("GET", "/api/v0/Payment-Links/x", "/api/v0/Payment-Links/x"),
        ("GET", "/api/v0/%3Cscript%3E", "this path"),
        ("GET", "/api/v0/" + "x" * 200, "this path"),
    ],
)
async def test_unknown_paths_and_methods_are_404(world: World, method: str, path: str, named: str) -> None:
    response = await world.http.request(method, path)
    assert response.status_code == 404
    assert response.json() == {"statusCode": 404, "message": f"Cannot {method} {named}", "error": "Not Found"}


@pytest.mark.parametrize(
    ("error", "status", "body", "retry_after"),
    [
        (
            refusals.TooManyRequests(7),
            429,
            {"statusCode": 429, "message": "Rate limit exceeded", "retryAfter": 7},
            "7",
        ),
        (
            refusals.TemporarilyUnavailable(),
            503,
            {"statusCode": 503, "message": "Service temporarily unavailable", "error": "Service Unavailable"},
            "5",
        ),
        (
            refusals.Broken(),
            500,
            {"statusCode": 500, "message": "Internal server error", "error": "Internal Server Error"},
            None,
        ),
        (
            refusals.AddressNotAllowed(),
            403,
            {"statusCode": 403, "message": "This IP address is not allowed", "error": "Forbidden"},
            None,
        ),
        (
            domain.ChangedMeanwhile(),
            409,
            {"statusCode": 409, "message": "Another request changed this first; the whole verb may be tried again."}
            | {"error": "Conflict"},
            None,
        ),
    ],
)
def test_every_other_failure_has_the_same_shape(
    error: Exception, status: int, body: dict[str, Any], retry_after: str | None
) -> None:
    request = Request({"type": "http", "method": "GET", "path": LINKS, "headers": []})
    response = errors.render(request, error)
    assert (response.status_code, json.loads(bytes(response.body))) == (status, body)
    assert response.headers.get("retry-after") == retry_after
    assert response.headers["content-type"] == "application/json"
