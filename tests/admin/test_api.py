"""The operator's API: merchants, credentials, endpoints, and everything that happened."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from payglot.dialects import DIALECTS
from tests.lifecycle import play
from tests.links import BENEFICIARY, CREATE, JSON_API, Made, body_of, make
from tests.world import ADMIN_TOKEN, World

MERCHANTS = "/admin/v1/merchants"


class Operator:
    """Sends the admin token along."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        response = await self._http.request(method, path, headers=headers, json=body)
        assert response.status_code == status, response.text
        return response.json() if response.content else None


@pytest.fixture
def operator(world: World) -> Operator:
    return Operator(world.http)


@pytest.fixture
async def made(world: World) -> Made:
    merchant = await world.merchant(default_beneficiary=BENEFICIARY)
    return await make(world, merchant, "p100")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", f"Basic {ADMIN_TOKEN}"])
async def test_only_the_admin_token_opens_it(world: World, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (("POST", MERCHANTS), ("GET", "/admin/v1/links"), ("GET", "/admin/v1/deliveries")):
        response = await world.http.request(method, path, headers=headers, content=b"{")
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "unauthorized"


async def test_a_merchant_is_created_read_changed_and_listed(operator: Operator) -> None:
    created = await operator("POST", MERCHANTS, {"name": "Atelier Nord", "handle": f"a-{uuid4().hex[:8]}"}, 201)
    assert (created["mode"], created["settings"]["vat_reading"]) == ("test", "percent")
    path = f"{MERCHANTS}/{created['id']}"
    assert await operator("GET", path) == created
    settings = {
        "redirect_domains": ["shop.example", "*.pay.example"],
        "allowed_ips": ["203.0.113.0/24"],
        "default_beneficiary": {"name": "Atelier Nord", "iban": "FR76 1888 8007 7700 0112 2334 486"},
        "default_expiry_seconds": {"p100": 600},
        "brand_color": "#2f5d50",
    }
    changed = await operator("PATCH", path, {"settings": settings})
    assert changed["settings"]["default_beneficiary"]["iban"] == "FR7618888007770001122334486"
    assert changed["settings"]["redirect_domains"] == ["shop.example", "*.pay.example"]
    renamed = await operator("PATCH", path, {"name": "Atelier Sud"})
    assert (renamed["name"], renamed["settings"]) == ("Atelier Sud", changed["settings"])
    await operator("POST", MERCHANTS, {"name": "Another"}, 201)
    listed = await operator("GET", f"{MERCHANTS}?limit=1")
    assert len(listed["data"]) == 1
    following = await operator("GET", f"{MERCHANTS}?limit=1&cursor={listed['next_cursor']}")
    assert following["data"][0]["id"] < listed["data"][0]["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "mode": "real"}, "mode"),
        ({"name": "x", "handle": "Not A Handle"}, "handle"),
        ({"name": "x", "settings": {"nonsense": 1}}, "settings.nonsense"),
        ({"name": "x", "settings": {"redirect_domains": ["http://shop.example"]}}, "settings.redirect_domains.0"),
        ({"name": "x", "settings": {"allowed_ips": ["somewhere"]}}, "settings.allowed_ips.0"),
        (
            {"name": "x", "settings": {"default_beneficiary": {"name": "x", "iban": "FR76"}}},
            "settings.default_beneficiary.iban",
        ),
        ({"name": "x", "settings": {"brand_color": "red"}}, "settings.brand_color"),
    ],
)
async def test_a_wrong_field_is_named(operator: Operator, body: Any, field: str) -> None:
    refused = await operator("POST", MERCHANTS, body, 422)
    assert [each["field"] for each in refused["error"]["fields"]] == [field]


async def test_what_does_not_exist_is_404(operator: Operator) -> None:
    for thing, path in (
        ("merchant", f"{MERCHANTS}/{uuid4()}"),
        ("merchant", f"{MERCHANTS}/x"),
        ("link", f"/admin/v1/links/{uuid4()}"),
        ("payment", f"/admin/v1/payments/{uuid4()}"),
        ("delivery", f"/admin/v1/deliveries/{uuid4()}"),
    ):
        assert (await operator("GET", path, status=404))["error"]["code"] == f"{thing}_not_found"
    assert (await operator("GET", "/admin/v1/nothing", status=404))["error"]["code"] == "unknown_path"
    assert (await operator("DELETE", MERCHANTS, status=405))["error"]["code"] == "unknown_method"


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_credentials_work_at_once_and_revoking_them_ends_them_at_once(
    world: World, operator: Operator, dialect: str
) -> None:
    settings = {"default_beneficiary": {"name": "A", "iban": BENEFICIARY.iban}}
    merchant = await operator("POST", MERCHANTS, {"name": "Atelier", "settings": settings}, 201)
    path = f"{MERCHANTS}/{merchant['id']}/credentials"
    issued = await operator("POST", path, {"dialect": dialect}, 201)
    headers = issued["headers"] | {"Content-Type": JSON_API if dialect == "txn" else "application/json"}

    async def create() -> int:
        body = body_of(world, dialect)
        return (await world.http.post(CREATE[dialect], headers=headers, json=body)).status_code

    assert await create() in (200, 201)
    listed = await operator("GET", path)
    assert {each["id"] for each in listed["data"]} == set(issued["credential_ids"])
    secret = next(iter(issued["headers"].values()))
    assert secret not in str(listed), "shown once"
    for id in issued["credential_ids"]:
        await operator("POST", f"{path}/{id}/revoke", {}, 204)
    assert await create() == 401


async def test_a_rotated_credential_lives_on_for_its_overlap(world: World, operator: Operator) -> None:
    merchant = await operator("POST", MERCHANTS, {"name": "Atelier"}, 201)
    path = f"{MERCHANTS}/{merchant['id']}/credentials"
    issued = await operator("POST", path, {"dialect": "p100"}, 201)
    await operator("POST", f"{path}/{issued['credential_ids'][0]}/revoke", {"overlap_seconds": 600}, 204)

    async def create() -> int:
        return (await world.http.post("/v1/payment-link", headers=issued["headers"], json={"amount": "5"})).status_code

    assert await create() == 200
    world.clock.advance_by(seconds=601)
    assert await create() == 401


async def test_an_endpoint_is_created_changed_rotated_and_tested(operator: Operator) -> None:
    merchant = await operator("POST", MERCHANTS, {"name": "Atelier"}, 201)
    path = f"{MERCHANTS}/{merchant['id']}/endpoints"
    created = await operator("POST", path, {"dialect": "bridge", "url": "https://shop.example/hook?k=1"}, 201)
    secret = created.pop("secret")
    assert (await operator("GET", path))["data"] == [created | {"health": None}]
    rotated = await operator("POST", f"{path}/{created['id']}/rotate-secret")
    assert rotated["secret"] != secret
    assert rotated["secret_rotating_until"] is not None
    off = await operator("PATCH", f"{path}/{created['id']}", {"enabled": False})
    assert off["enabled"] is False
    sent = await operator("POST", f"{path}/{created['id']}/test", status=202)
    assert (sent["name"], sent["status"], sent["event_id"]) == ("TEST_EVENT", "pending", None)
    since = {"since": "2020-01-01T00:00:00Z"}
    assert await operator("POST", f"{path}/{created['id']}/replay", since, 202) == {
        "deliveries": 1,
        "not_rendered": 0,
        "resumed": False,
        "enabled": False,
    }


@pytest.mark.parametrize(
    "url",
    ["http://shop.example/", "https://127.0.0.1/", "https://10.0.0.1/", "ftp://x.example", "https://localhost/"],
)
async def test_an_endpoint_in_a_private_network_is_refused(operator: Operator, url: str) -> None:
    merchant = await operator("POST", MERCHANTS, {"name": "Atelier"}, 201)
    refused = await operator("POST", f"{MERCHANTS}/{merchant['id']}/endpoints", {"dialect": "p100", "url": url}, 422)
    assert refused["error"]["fields"][0]["field"] == "url"


async def test_what_an_endpoint_may_choose_is_its_dialects(operator: Operator) -> None:
    merchant = await operator("POST", MERCHANTS, {"name": "Atelier"}, 201)
    path = f"{MERCHANTS}/{merchant['id']}/endpoints"
    txn, url = {"dialect": "txn", "url": "https://shop.example/hook"}, "https://shop.example/other"
    chosen = {"api_keys": ["6d0f0b2e-7a51-4c0e-9c7a-3f0f5b1f2a10"], "types": ["payouts"]}
    created = await operator("POST", path, {**txn, "choices": chosen}, 201)
    assert created["choices"] == chosen
    assert (await operator("PATCH", f"{path}/{created['id']}", {"url": url}))["choices"] == chosen
    changed = await operator("PATCH", f"{path}/{created['id']}", {"choices": {"types": ["invoices"]}})
    assert (changed["choices"], changed["url"]) == ({"types": ["invoices"]}, url)
    assert (await operator("PATCH", f"{path}/{created['id']}", {"choices": {}}))["choices"] == {}
    for dialect, choices in (("txn", {"types": ["links"]}), ("txn", {"x": 1}), ("p100", {"types": ["invoices"]})):
        refused = await operator("POST", path, {**txn, "dialect": dialect, "choices": choices}, 422)
        assert refused["error"]["fields"][0]["field"] == "choices"
    assert (await operator("POST", path, {**txn, "dialect": "p100"}, 201))["choices"] == {}


async def test_links_payments_and_events_are_listed_and_read(world: World, operator: Operator, made: Made) -> None:
    played = await play(world, made, "underpaid")
    link = await operator("GET", f"/admin/v1/links/{made.id}")
    assert (link["status"], link["payments_taken"], link["reference"]) == ("processing", 1, "example_ref_123")
    payment = link["payments"][0]
    assert (payment["settlement"], len(payment["transfers"])) == ("underpaid", 1)
    assert await operator("GET", f"/admin/v1/payments/{played['payment_id']}") == payment
    history = (await operator("GET", f"/admin/v1/links/{made.id}/events"))["data"]
    assert [event["sequence"] for event in history] == list(range(1, len(history) + 1))
    assert history[0]["kind"] == "link.created"
    merchant = link["merchant_id"]
    for noun in ("links", "payments", "events"):
        listed = await operator("GET", f"/admin/v1/{noun}?merchant_id={merchant}&limit=200")
        assert listed["data"], noun
        assert {each["merchant_id"] for each in listed["data"]} == {merchant}


async def test_listings_go_on_by_cursor_without_gaps_or_repeats(world: World, operator: Operator) -> None:
    merchant = await world.merchant()
    ids = [(await make(world, merchant, "p100")).id for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await operator("GET", f"/admin/v1/links?merchant_id={merchant.id}&limit=2&cursor={cursor}")
        seen += [each["id"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert seen == list(reversed(ids))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=99999999999", "cursor=%00", "cursor=AAAA", "merchant_id=1"]
)
async def test_a_bad_parameter_is_a_clear_refusal(operator: Operator, query: str) -> None:
    await operator("GET", f"/admin/v1/links?{query}", status=422)
