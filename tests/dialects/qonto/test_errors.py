"""Every refusal in Qonto's shape: rules of the body, credentials, scopes, paths, and our own failures."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import Request

from payglot.dialects.qonto import DIALECT, errors as rendering
from payglot.domain import errors
from payglot.operations import credentials
from payglot.web import refusals
from tests.dialects.qonto.builders import INVOICE, ITEM, PATH, a_link, basket, get, golden, post, priced, with_names
from tests.world import World, open_world

LINK = "/payment_link"
ITEM_0 = f"{LINK}/items/0"
PRICE = f"{ITEM_0}/unit_price"
FREE = {"value": "0", "currency": "EUR"}


def without(known: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name not in names}


def invoice(**changes: Any) -> dict[str, Any]:
    return {"payment_link": INVOICE | changes}


REFUSED: dict[str, tuple[Any, str, str, str]] = {
    "no wrapper": ({}, LINK, "required", "payment_link is required"),
    "null wrapper": ({"payment_link": None}, LINK, "required", "payment_link is required"),
    "text wrapper": (
        {"payment_link": "x"}, LINK, "invalid", "cannot unmarshal string into payment_link of type object",
    ),
    "flat invoice": (INVOICE | {"resource_type": "Invoice"}, LINK, "required", "payment_link is required"),
    "no methods": (
        {"payment_link": {"items": [ITEM], "reusable": True}}, f"{LINK}/potential_payment_methods", "required",
        "potential_payment_methods is required",
    ),
    "empty methods": (
        basket(potential_payment_methods=[]), f"{LINK}/potential_payment_methods", "invalid",
        "potential_payment_methods must not be empty",
    ),
    "five methods": (
        basket(potential_payment_methods=["ideal"] * 5), f"{LINK}/potential_payment_methods", "invalid",
        "potential_payment_methods must have at most 4 entries",
    ),
    "a method as text": (
        basket(potential_payment_methods="ideal"), f"{LINK}/potential_payment_methods", "invalid",
        "cannot unmarshal string into payment_link.potential_payment_methods of type array",
    ),
    "unknown method": (
        basket(potential_payment_methods=["ideal", "cash"]), f"{LINK}/potential_payment_methods/1", "not_in_list",
        "potential_payment_methods must be one of: credit_card, apple_pay, paypal, ideal",
    ),
    "a method as number": (
        basket(potential_payment_methods=[1]), f"{LINK}/potential_payment_methods/0", "invalid",
        "cannot unmarshal number into payment_link.potential_payment_methods.0 of type string",
    ),
    "no reusable": (basket(reusable=None), f"{LINK}/reusable", "required", "reusable is required"),
    "reusable as text": (
        basket(reusable="true"), f"{LINK}/reusable", "invalid",
        "cannot unmarshal string into payment_link.reusable of type bool",
    ),
    "both variants": (basket(invoice_id=INVOICE["invoice_id"]), LINK, "invalid",
        "payment_link must have either items or invoice_id"),
    "neither variant": (basket(items=None), LINK, "invalid", "payment_link must have either items or invoice_id"),
    "no items": (basket(items=[]), f"{LINK}/items", "invalid", "items must not be empty"),
    "101 items": (basket(*[ITEM] * 101), f"{LINK}/items", "invalid", "items must have at most 100 entries"),
    "items as object": (
        basket(items={"0": ITEM}), f"{LINK}/items", "invalid",
        "cannot unmarshal object into payment_link.items of type array",
    ),
    "an item as text": (
        basket(items=["x"]), ITEM_0, "invalid", "cannot unmarshal string into payment_link.items.0 of type object",
    ),
    "no title": (basket(without(ITEM, "title")), f"{ITEM_0}/title", "required", "title is required"),
    "null title": (basket(ITEM | {"title": None}), f"{ITEM_0}/title", "required", "title is required"),
    "empty title": (basket(ITEM | {"title": ""}), f"{ITEM_0}/title", "invalid", "title must have 1 to 255 characters"),
    "blank title": (basket(ITEM | {"title": " "}), f"{ITEM_0}/title", "invalid", "title must have 1 to 255 characters"),
    "long title": (
        basket(ITEM | {"title": "x" * 256}), f"{ITEM_0}/title", "invalid", "title must have 1 to 255 characters",
    ),
    "title on two lines": (
        basket(ITEM | {"title": "a\nb"}), f"{ITEM_0}/title", "invalid", "title has a character that cannot be shown",
    ),
    "title turned round": (
        basket(ITEM | {"title": "a\u202eb"}), f"{ITEM_0}/title", "invalid",
        "title has a character that cannot be shown",
    ),
    "title as list": (
        basket(ITEM | {"title": []}), f"{ITEM_0}/title", "invalid",
        "cannot unmarshal array into payment_link.items.0.title of type string",
    ),
    "no quantity": (basket(without(ITEM, "quantity")), f"{ITEM_0}/quantity", "required", "quantity is required"),
    "quantity as text": (
        basket(ITEM | {"quantity": "1"}), f"{ITEM_0}/quantity", "invalid",
        "cannot unmarshal string into payment_link.items.0.quantity of type number",
    ),
    "quantity as bool": (
        basket(ITEM | {"quantity": True}), f"{ITEM_0}/quantity", "invalid",
        "cannot unmarshal bool into payment_link.items.0.quantity of type number",
    ),
    "quantity 0": (
        basket(ITEM | {"quantity": 0}), f"{ITEM_0}/quantity", "invalid",
        "quantity must be greater than 0 and at most 1000000",
    ),
    "quantity below 0": (
        basket(ITEM | {"quantity": -1}), f"{ITEM_0}/quantity", "invalid",
        "quantity must be greater than 0 and at most 1000000",
    ),
    "quantity above": (
        basket(ITEM | {"quantity": 1_000_001}), f"{ITEM_0}/quantity", "invalid",
        "quantity must be greater than 0 and at most 1000000",
    ),
    "quantity beyond 64 bits": (
        basket(ITEM | {"quantity": 10**30}), f"{ITEM_0}/quantity", "invalid",
        "quantity must be greater than 0 and at most 1000000",
    ),
    "no rate": (basket(without(ITEM, "vat_rate")), f"{ITEM_0}/vat_rate", "required", "vat_rate is required"),
    "rate as number": (
        basket(ITEM | {"vat_rate": 21}), f"{ITEM_0}/vat_rate", "invalid",
        "cannot unmarshal number into payment_link.items.0.vat_rate of type string",
    ),
    "rate with sign": (
        basket(ITEM | {"vat_rate": "21%"}), f"{ITEM_0}/vat_rate", "invalid",
        "vat_rate must be a decimal string from 0 to 100",
    ),
    "rate above": (
        basket(ITEM | {"vat_rate": "100.1"}), f"{ITEM_0}/vat_rate", "invalid",
        "vat_rate must be a decimal string from 0 to 100",
    ),
    "no price": (basket(without(ITEM, "unit_price")), PRICE, "required", "unit_price is required"),
    "price as text": (
        basket(ITEM | {"unit_price": "10.99"}), PRICE, "invalid",
        "cannot unmarshal string into payment_link.items.0.unit_price of type object",
    ),
    "price as number": (
        basket(priced(10)), f"{PRICE}/value", "invalid",
        "cannot unmarshal number into payment_link.items.0.unit_price.value of type string",
    ),
    "price of three decimals": (
        basket(priced("1.001")), f"{PRICE}/value", "invalid", "value must have at most two decimals",
    ),
    "price below 0": (basket(priced("-1")), f"{PRICE}/value", "invalid", "value must be a decimal string"),
    "price with comma": (basket(priced("1,50")), f"{PRICE}/value", "invalid", "value must be a decimal string"),
    "price in other digits": (basket(priced("١")), f"{PRICE}/value", "invalid", "value must be a decimal string"),
    "price above": (
        basket(priced("10000000")), f"{PRICE}/value", "invalid", "value must be from 0.00 to 9999999.99",
    ),
    "dollars": (basket(priced("1", "USD")), f"{PRICE}/currency", "not_in_list", "currency must be EUR"),
    "no currency": (basket(priced("1", None)), f"{PRICE}/currency", "required", "currency is required"),
    "nothing to pay": (basket(priced("0")), f"{LINK}/items", "invalid", "items must add up to more than 0"),
    "rounded to nothing": (
        basket(priced("0.01") | {"quantity": 0.1}), f"{LINK}/items", "invalid", "items must add up to more than 0",
    ),
    "too much in all": (
        basket(priced("9000000"), priced("9000000")), f"{LINK}/items", "invalid",
        "items must add up to at most 9999999.99",
    ),
    "discount": (
        basket(ITEM, ITEM | {"type": "discount"}), f"{LINK}/items/1/type", "not_in_list",
        "type must be one of: good, service",
    ),
    "type as number": (
        basket(ITEM | {"type": 1}), f"{ITEM_0}/type", "invalid",
        "cannot unmarshal number into payment_link.items.0.type of type string",
    ),
    "long description": (
        basket(ITEM | {"description": "x" * 1001}), f"{ITEM_0}/description", "invalid",
        "description must have at most 1000 characters",
    ),
    "bell in description": (
        basket(ITEM | {"description": "a\x07"}), f"{ITEM_0}/description", "invalid",
        "description has a character that cannot be shown",
    ),
    "long unit": (
        basket(ITEM | {"measure_unit": "x" * 101}), f"{ITEM_0}/measure_unit", "invalid",
        "measure_unit must have at most 100 characters",
    ),
    "invoice id": (invoice(invoice_id="42"), f"{LINK}/invoice_id", "invalid", "invoice_id must be a UUID"),
    "invoice id in braces": (
        invoice(invoice_id="{6a1f0c52-7d3b-4e1c-9a44-0c2f5b8e7d10}"), f"{LINK}/invoice_id", "invalid",
        "invoice_id must be a UUID",
    ),
    "invoice id as URN": (
        invoice(invoice_id="urn:uuid:6a1f0c52-7d3b-4e1c-9a44-0c2f5b8e7d10"), f"{LINK}/invoice_id", "invalid",
        "invoice_id must be a UUID",
    ),
    "invoice id and newline": (
        invoice(invoice_id="6a1f0c52-7d3b-4e1c-9a44-0c2f5b8e7d10\n"), f"{LINK}/invoice_id", "invalid",
        "invoice_id must be a UUID",
    ),
    "no number": (invoice(invoice_number=None), f"{LINK}/invoice_number", "required", "invoice_number is required"),
    "long number": (
        invoice(invoice_number="x" * 256), f"{LINK}/invoice_number", "invalid",
        "invoice_number must have 1 to 255 characters",
    ),
    "no debitor": (invoice(debitor_name=None), f"{LINK}/debitor_name", "required", "debitor_name is required"),
    "blank debitor": (
        invoice(debitor_name=" "), f"{LINK}/debitor_name", "invalid", "debitor_name must have 1 to 255 characters",
    ),
    "no amount": (invoice(amount=None), f"{LINK}/amount", "required", "amount is required"),
    "amount 0": (
        invoice(amount=FREE), f"{LINK}/amount/value", "invalid", "value must be from 0.01 to 9999999.99",
    ),
}  # fmt: skip


async def test_each_broken_rule_is_a_400_that_points_at_it(world: World) -> None:
    merchant = await world.merchant()
    for case, (body, pointer, code, detail) in REFUSED.items():
        response = await post(world, merchant, body)
        assert response.status_code == 400, case
        shown = response.json()
        assert list(shown) == ["errors", "trace_id"], case
        assert shown["errors"] == [{"code": code, "detail": detail, "source": {"pointer": pointer}}], case
        assert shown["trace_id"] == response.headers["X-Tyk-Trace-Id"]


async def test_every_broken_rule_is_told_at_once(world: World) -> None:
    body = basket(ITEM | {"title": "", "vat_rate": "x"}, ITEM | {"quantity": 0}, reusable=None)
    pointers = {
        error["source"]["pointer"] for error in (await post(world, await world.merchant(), body)).json()["errors"]
    }
    assert pointers == {
        f"{LINK}/reusable",
        f"{ITEM_0}/title",
        f"{ITEM_0}/vat_rate",
        f"{LINK}/items/1/quantity",
    }


async def test_a_quantity_has_18_digits_at_most(world: World) -> None:
    for literal, status in (("1.00000000000000001", 201), ("1.000000000000000001", 400)):
        sent = json.dumps(basket()).replace('"quantity": 1', f'"quantity": {literal}')
        response = await post(world, await world.merchant(), sent.encode())
        assert response.status_code == status
    assert response.json()["errors"] == [
        {
            "code": "invalid",
            "detail": "quantity must have at most 18 digits",
            "source": {"pointer": f"{ITEM_0}/quantity"},
        }
    ]


@pytest.mark.parametrize("content", [b"[]", b"null", b"1", b'"x"'])
async def test_a_body_that_is_no_object_is_refused_as_a_whole(world: World, content: bytes) -> None:
    response = await post(world, await world.merchant(), content)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["code"], "source" in error) == (400, "invalid", False)
    assert error["detail"].endswith("into body of type object")


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b'{"a":"' + b"x" * 2**20 + b'"}']
)
async def test_what_cannot_be_read_is_a_400(world: World, content: bytes) -> None:
    response = await post(world, await world.merchant(), content)
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"code": "invalid", "detail": "The request body is not a JSON object that can be read"}
    ]


async def test_another_content_type_is_a_400(world: World) -> None:
    response = await post(world, await world.merchant(), basket(), **{"Content-Type": "text/plain"})
    assert (response.status_code, response.json()["errors"][0]["detail"]) == (
        400,
        "Content-Type must be application/json",
    )


async def test_no_refusal_repeats_what_was_sent(world: World) -> None:
    marker = "zq7-marker"
    body = basket(
        ITEM | {"title": f"{marker}\x07", "vat_rate": marker, "type": "good"},
        priced(marker) | {"vat_rate": "1"},
        priced("1", marker),
    )
    for sent in (body, basket(ITEM | {"type": marker}), {marker: 1}, basket(potential_payment_methods=[marker])):
        response = await post(world, await world.merchant(), sent)
        assert response.status_code == 400
        assert marker not in response.text


async def test_the_trace_id_is_the_requests_id_in_our_log(world: World) -> None:
    response = await post(world, await world.merchant(), {})
    trace = response.json()["trace_id"]
    assert trace == response.headers["X-Tyk-Trace-Id"] == response.headers["X-Request-Id"]
    assert len(bytes.fromhex(trace)) == 16


NO_TOKENS: tuple[str | None, ...] = (
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer ory_at_wrong",
    "Basic YTpi",
    "Bearer a:b",
    "ory_at_wrong",
)


async def test_who_has_no_token_gets_401(world: World) -> None:
    for authorization in NO_TOKENS:
        headers = {} if authorization is None else {"Authorization": authorization}
        for method, path in (("POST", PATH), ("GET", f"{PATH}/{uuid4()}"), ("GET", f"{PATH}/{uuid4()}/payments")):
            response = await world.http.request(method, path, headers=headers, content=b"{")
            assert response.status_code == 401, authorization
            trace = response.headers["X-Tyk-Trace-Id"]
            assert with_names(response.json(), {trace: "trace"}) == golden("error.unauthorized")


@pytest.mark.parametrize("kind", ["none", "api key", "refresh token", "access token as client"])
async def test_whatever_is_answered_with_401_is_counted(database_url: str, kind: str) -> None:
    async with open_world(database_url, rate_limits={}) as world:
        merchant = await world.merchant()
        issued = DIALECT.issue(merchant.id)
        async with world.services.database.transaction() as tx:
            await credentials.issue(
                tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", issued=issued, now=world.now
            )
        sent = {
            "none": {},
            "api key": {"Authorization": "acme-4821:9f0cabcdef"},
            "refresh token": {"Authorization": f"Bearer {issued.extra['oauth']['refresh_token']}"},
        }.get(kind)
        form = {"client_id": issued.headers["Authorization"].removeprefix("Bearer "), "grant_type": "refresh_token"}
        for _ in range(199):
            await world.services.limiter.fail("qonto", "127.0.0.1")
        statuses = []
        for _ in range(2):
            response = await (
                world.http.post("/oauth2/token", data=form) if sent is None else world.http.get(PATH, headers=sent)
            )
            statuses.append(response.status_code)
        assert statuses == [401, 429]
        # Whoever has a token is not kept out by those who have none.
        assert (await world.http.get(PATH, headers=dict(issued.headers))).status_code == 200


async def test_an_api_key_is_refused_in_the_providers_words(world: World) -> None:
    response = await world.http.post(PATH, headers={"Authorization": "acme-4821:9f0cabcdef"}, json=basket())
    assert response.status_code == 401
    assert response.json()["errors"] == [{"code": "unauthorized", "detail": "OAuth2 authentication is required here"}]


async def test_an_api_key_is_taken_where_the_merchants_settings_say_so_and_for_links_only(world: World) -> None:
    refusing, taking = await world.merchant(), await world.merchant(takes_api_keys=True)
    sent = {}
    for merchant in (refusing, taking):
        issued = DIALECT.issue(merchant.id)
        async with world.services.database.transaction() as tx:
            await credentials.issue(
                tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", issued=issued, now=world.now
            )
        sent[merchant.id] = {"Authorization": issued.extra["api_key"]}
        oauth = issued.extra["oauth"]
    key = sent[taking.id]["Authorization"]
    for authorization in (
        sent[refusing.id]["Authorization"],
        key[:-1] + ("0" if key[-1] != "0" else "1"),
        f"Bearer {key}",
        f"{oauth['client_id']}:{oauth['client_secret'].replace('-', '').replace('_', '')}",
        f"{oauth['refresh_token']}:x",
    ):
        assert (await world.http.get(PATH, headers={"Authorization": authorization})).status_code == 401

    made = await world.http.post(PATH, headers=sent[taking.id], json=basket())
    assert made.status_code == 201, made.text
    assert (await get(world, taking, made.json()["payment_link"]["id"])).status_code == 200
    assert (await world.http.get(f"{PATH}/connections", headers=sent[taking.id])).status_code == 200
    for method, path in (("GET", "/v2/webhook_subscriptions"), ("DELETE", "/v2/oauth2/consents")):
        refused = await world.http.request(method, path, headers=sent[taking.id])
        assert refused.status_code == 401
        assert "OAuth2 authentication is required here" in refused.text


async def test_the_refresh_token_and_the_client_id_are_no_access_tokens(world: World) -> None:
    merchant = await world.merchant()
    issued = DIALECT.issue(merchant.id)
    async with world.services.database.transaction() as tx:
        await credentials.issue(
            tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", issued=issued, now=world.now
        )
    oauth = issued.extra["oauth"]
    for value in (oauth["refresh_token"], oauth["client_id"], oauth["client_secret"]):
        response = await world.http.post(PATH, headers={"Authorization": f"Bearer {value}"}, json=basket())
        assert response.status_code == 401
    assert (await world.http.post(PATH, headers=dict(issued.headers), json=basket())).status_code == 201


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("payment_link.read", (403, 200, 200, 200, 403, 200, 403, 200)),
        ("payment_link.write", (201, 403, 403, 403, 200, 403, 400, 403)),
        ("webhook", (403,) * 8),
    ],
)
async def test_each_call_needs_its_scope(world: World, scope: str, statuses: tuple[int, ...]) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    issued = DIALECT.issue(merchant.id)
    narrow = replace(issued, keys=tuple(replace(key, scopes=(scope,)) for key in issued.keys))
    async with world.services.database.transaction() as tx:
        await credentials.issue(
            tx, world.services.vault, merchant_id=merchant.id, dialect="qonto", issued=narrow, now=world.now
        )
    calls = (
        ("POST", PATH),
        ("GET", PATH),
        ("GET", f"{PATH}/{link['id']}"),
        ("GET", f"{PATH}/{link['id']}/payments"),
        ("PATCH", f"{PATH}/{link['id']}/deactivate"),
        ("GET", f"{PATH}/payment_methods"),
        ("POST", f"{PATH}/connections"),
        ("GET", f"{PATH}/connections"),
    )
    for (method, path), status in zip(calls, statuses, strict=True):
        body = basket() if method == "POST" else None
        response = await world.http.request(method, path, headers=dict(issued.headers), json=body)
        assert response.status_code == status
        if status == 403:
            (error,) = response.json()["errors"]
            assert (error["code"], "source" in error) == ("forbidden", False)
            assert "missing required oauth scope" in error["detail"]


async def test_a_caller_from_elsewhere_is_forbidden(world: World) -> None:
    merchant = await world.merchant(allowed_ips=("203.0.113.0/24",))
    response = await post(world, merchant, basket())
    assert (response.status_code, response.json()["errors"][0]["code"]) == (403, "forbidden")


NOBODYS = "019a4c1e-2b70-7f3e-8d15-6c9f0b21a7e4"


@pytest.mark.parametrize("id", [NOBODYS, NOBODYS.replace("-", ""), f"{{{NOBODYS}}}", f"urn:uuid:{NOBODYS}", "42"])
async def test_an_unknown_link_is_a_404(world: World, id: str) -> None:
    merchant = await world.merchant()
    for path in (id, f"{id}/payments"):
        response = await get(world, merchant, path)
        assert response.status_code == 404
        trace = response.headers["X-Tyk-Trace-Id"]
        assert with_names(response.json(), {trace: "trace"}) == golden("error.not_found")


async def test_a_bad_filter_is_refused_as_documented(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    response = await get(world, merchant, f"{link['id']}/payments?status[]=lost")
    trace = response.headers["X-Tyk-Trace-Id"]
    assert with_names(response.json(), {trace: "trace"}) == golden("error.not_in_list")


UNKNOWN_PATHS: tuple[tuple[str, str], ...] = (
    ("GET", f"{PATH}/a/b/c"),
    ("GET", f"{PATH}/"),
    ("DELETE", PATH),
    ("PUT", f"{PATH}/x"),
    ("PUT", "/oauth2/auth"),
    ("GET", "/oauth2/token"),
    ("PATCH", "/v2/webhook_subscriptions"),
    ("POST", "/v2/webhook_subscriptions/x"),
)


async def test_an_unknown_path_is_plain_text_with_a_trace_id(world: World) -> None:
    headers = await world.headers(await world.merchant(), "qonto")
    for method, path in UNKNOWN_PATHS:
        response = await world.http.request(method, path, headers=headers)
        assert (response.status_code, response.text) == (404, "Not Found"), (method, path)
        assert response.headers["content-type"].startswith("text/plain")
        assert response.headers["X-Tyk-Trace-Id"]


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (refusals.Broken(), 500, b""),
        (RuntimeError("boom"), 500, b""),
        (refusals.TemporarilyUnavailable(), 503, b""),
        (errors.Unavailable(), 503, b""),
        (errors.ChangedMeanwhile(), 503, b""),
        (refusals.TooManyRequests(7), 429, None),
        (refusals.Invalid([]), 400, None),
        (errors.LinkNotPayable(status="paid"), 400, None),
    ],
)
def test_our_own_failures_have_a_shape_too(error: Exception, status: int, body: bytes | None) -> None:
    request = Request({"type": "http", "path": PATH, "headers": [], "request_id": "0" * 32})
    response = rendering.render(request, error)
    assert response.status_code == status
    assert response.headers["X-Tyk-Trace-Id"] == "0" * 32
    if body is not None:
        assert response.body == body
    else:
        assert json.loads(bytes(response.body))["trace_id"] == "0" * 32
    assert ("retry-after" in response.headers) == (status in (429, 503))
