"""The audit log: every change by somebody is there with its author and address, and the database keeps it."""

import ast
import ipaddress
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import payglot
from payglot.domain.audit import COMMAND, Action, Thing
from payglot.domain.merchant import Merchant
from payglot.operations import audit, endpoints, expiry
from payglot.provision import provision
from payglot.store import audit as stored
from payglot.web.atomic import atomic
from tests.admin.test_payouts import waiting
from tests.dialects.qonto.consenting import authorization_code, redeem, register
from tests.dialects.qonto.test_connections import CONNECT, connect
from tests.dialects.qonto.test_onboarding import press
from tests.links import BENEFICIARY, make
from tests.shapes import check
from tests.world import ADMIN_TOKEN, World, open_world

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
LOG = "/admin/v1/audit"
ADDRESS = "127.0.0.1"
"""Where requests of the test's client come from."""


async def operate(world: World, method: str, path: str, body: Any = None) -> Any:
    response = await world.http.request(method, f"/admin/v1{path}", headers=ADMIN, json=body)
    assert response.status_code < 300, response.text
    return response.json() if response.content else None


async def log_of(world: World, merchant_id: Any, query: str = "") -> list[dict[str, Any]]:
    """Oldest first."""
    answered = await world.http.get(f"{LOG}?merchant_id={merchant_id}{query}", headers=ADMIN)
    assert answered.status_code == 200, answered.text
    check((await world.http.get("/openapi/admin.json")).json(), ("get", LOG), 200, answered.json())
    found: list[dict[str, Any]] = answered.json()["data"]
    return found[::-1]


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(entry["author"]["kind"], entry["thing"], entry["action"]) for entry in entries]


async def test_what_the_operator_changes_of_a_merchant_names_the_fields_and_where_it_came_from(world: World) -> None:
    made = await operate(world, "POST", "/merchants", {"name": "Atelier Nord"})
    path = f"/merchants/{made['id']}"
    await operate(world, "PATCH", path, {"name": "Atelier Sud", "settings": {"brand_color": "#2f5d50"}})
    await operate(world, "PATCH", path, {"name": "Atelier Sud"})
    created, changed = await log_of(world, made["id"])
    assert told([created, changed]) == [("operator", "merchant", "created"), ("operator", "merchant", "changed")]
    assert changed["fields"] == ["name", "settings.brand_color"]
    assert changed["thing_id"] == changed["merchant_id"] == made["id"]
    author = changed["author"]
    assert (author["id"], author["dialect"], author["address"]) == (None, None, ADDRESS)
    assert len(author["request_id"]) == 32


async def test_issuing_and_revoking_credentials_is_there_without_a_secret(world: World) -> None:
    merchant = await world.merchant()
    path = f"/merchants/{merchant.id}/credentials"
    issued = await operate(world, "POST", path, {"dialect": "qonto"})
    ids = issued["credential_ids"]
    await operate(world, "POST", f"{path}/{ids[0]}/revoke", {"overlap_seconds": 3600})
    await operate(world, "POST", f"/merchants/{merchant.id}/sign-in-codes", {"dialect": "qonto"})
    entries = (await log_of(world, merchant.id))[1:]
    assert told(entries) == [
        *[("operator", "credential", "created")] * len(ids),
        ("operator", "credential", "revoked"),
        ("operator", "sign_in_code", "created"),
    ]
    assert [entry["thing_id"] for entry in entries[: len(ids)]] == ids
    assert entries[len(ids)]["at"][:16] == entries[0]["at"][:16], "of when it was done, not of when it takes effect"
    shown = json.dumps(entries)
    secrets = [*issued["headers"].values(), *issued["extra"].get("oauth", {}).values()]
    assert secrets
    assert not [secret for secret in secrets if secret.removeprefix("Bearer ") in shown]


async def test_what_becomes_of_an_endpoint_is_there(world: World) -> None:
    merchant = await world.merchant()
    path = f"/merchants/{merchant.id}/endpoints"
    made = await operate(world, "POST", path, {"dialect": "txn", "url": "https://shop.example/hook"})
    await operate(world, "PATCH", f"{path}/{made['id']}", {"url": "https://shop.example/other", "enabled": False})
    await operate(world, "POST", f"{path}/{made['id']}/rotate-secret")
    created, changed, rotated = await log_of(world, merchant.id, f"&thing=endpoint&thing_id={made['id']}")
    assert told([created, changed, rotated]) == [
        ("operator", "endpoint", "created"),
        ("operator", "endpoint", "changed"),
        ("operator", "endpoint", "secret_rotated"),
    ]
    assert changed["fields"] == ["url", "enabled"]
    assert rotated["fields"] == ["secret", "previous_secret", "previous_secret_until"]
    assert "shop.example" not in json.dumps([created, changed, rotated])


async def test_pausing_a_dead_endpoint_is_the_systems_doing(world: World) -> None:
    merchant = await world.merchant()
    async with world.services.database.transaction() as tx:
        made = await endpoints.create(
            tx, world.services.vault, merchant_id=merchant.id, dialect="p100", url="https://gone.example", secret="s",
            now=world.now,
        )  # fmt: skip
        await endpoints.note(tx, succeeded=[], failures={made.id: 1}, gone=[made.id], now=world.now)
    paused = (await log_of(world, merchant.id))[-1]
    assert told([paused]) == [("system", "endpoint", "paused")]
    assert paused["fields"] == ["paused_at", "paused_reason"]
    assert paused["author"]["address"] is None


ENDINGS = {
    "bridge": ("POST", "/v2/payment-links/{}/revoke", None, "canceled"),
    "devdraft": ("PUT", "/api/v0/payment-links/{}", {"title": "Another mug"}, "changed"),
    "qonto": ("PATCH", "/v2/payment_links/{}/deactivate", None, "canceled"),
    "txn": ("POST", "/api/public/v1/payment_links/{}/expiration", None, "expired"),
}


@pytest.mark.parametrize("dialect", ENDINGS)
async def test_a_link_changed_by_api_names_the_credential_and_its_dialect(world: World, dialect: str) -> None:
    merchant = await world.merchant(default_beneficiary=BENEFICIARY)
    made = await make(world, merchant, dialect)
    assert await log_of(world, merchant.id, "&thing=link") == [], "a link's creation is its first event"
    method, path, body, action = ENDINGS[dialect]
    response = await world.http.request(method, path.format(made.id), headers=made.headers, json=body)
    assert response.status_code == 200, response.text
    (entry,) = await log_of(world, merchant.id, "&thing=link")
    assert told([entry]) == [("credential", "link", action)]
    known = {each["id"]: each["dialect"] for each in (await operate(world, "GET", _credentials(merchant)))["data"]}
    assert known[entry["author"]["id"]] == dialect == entry["author"]["dialect"] == entry["dialect"]
    assert ("title" if action == "changed" else "status") in entry["fields"]


async def test_a_link_that_the_clock_ends_has_its_event_and_no_entry(world: World) -> None:
    merchant = await world.merchant()
    await make(world, merchant, "p100")
    world.clock.advance_by(days=31)
    await expiry.run(world.services.database, world.now)
    assert await log_of(world, merchant.id, "&thing=link") == []


async def test_a_merchants_own_endpoints_name_its_credential(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "devdraft")
    hooks = "/api/v0/webhooks"
    made = (
        await world.http.post(hooks, headers=headers, json={"name": "Orders", "url": "https://shop.example/a"})
    ).json()
    secret = f"whsec_{uuid4().hex}"
    changed = await world.http.patch(
        f"{hooks}/{made['id']}", headers=headers, json={"signing_secret": secret, "isActive": False}
    )
    assert changed.status_code == 200, changed.text
    assert (await world.http.delete(f"{hooks}/{made['id']}", headers=headers)).status_code == 200
    entries = await log_of(world, merchant.id, "&thing=endpoint")
    assert told(entries) == [
        ("credential", "endpoint", action) for action in ("created", "secret_rotated", "changed", "deleted")
    ]
    assert secret not in json.dumps(entries)


async def test_a_consent_names_the_person_and_its_tokens_the_client(world: World) -> None:
    merchant = await world.merchant()
    app = await register(world.http, merchant.id)
    code = await authorization_code(world, merchant, app)
    answered = await redeem(world, app, code)
    assert answered.status_code == 200
    assert (await redeem(world, app, code)).status_code == 400
    registered, signed_in, consent, *tokens = (await log_of(world, merchant.id))[1:]
    assert told([registered, signed_in, consent, *tokens]) == [
        ("operator", "credential", "created"),
        ("operator", "sign_in_code", "created"),
        ("merchant", "consent", "created"),
        *[("oauth_client", "credential", "created")] * 2,
        *[("oauth_client", "credential", "revoked")] * 2,
    ]
    assert consent["author"]["id"] == signed_in["thing_id"]
    assert {each["author"]["id"] for each in tokens} == {registered["thing_id"]}
    assert consent["author"]["address"] == ADDRESS


async def test_a_connection_names_who_asked_and_who_completed_it(world: World) -> None:
    merchant = await world.merchant(starts_connected=False)
    asked = (await connect(world, merchant, CONNECT)).json()
    await press(world, asked["connection_location"], "enable")
    entries = await log_of(world, merchant.id, "&thing=connection")
    assert told(entries) == [("credential", "connection", "created"), ("merchant", "connection", "changed")]
    assert entries[1]["fields"] == ["status"]


async def test_the_operators_word_on_a_payout_is_there(world: World) -> None:
    merchant, payout = await waiting(world)
    await operate(world, "POST", f"/payouts/{payout.id}/approve")
    entries = await log_of(world, merchant.id, "&thing=payout")
    assert told(entries) == [("operator", "payout", "approved")]
    assert entries[0]["thing_id"] == str(payout.id)


async def test_what_is_provisioned_is_a_commands_doing(world: World) -> None:
    async with world.services.database.transaction() as tx:
        given = await provision(tx, world.services, name="Shop", admin_token="unused")
    entries = await log_of(world, given["merchant_id"])
    assert {entry["author"]["kind"] for entry in entries} == {COMMAND.kind}
    assert {entry["thing"] for entry in entries} == {"merchant", "credential", "endpoint"}


async def test_a_change_that_fails_leaves_no_entry(world: World) -> None:
    merchant = await world.merchant()

    async def half_done(tx: Any) -> None:
        await _note(tx, merchant.id, world.now)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await atomic(world.services.database, half_done)
    assert told(await log_of(world, merchant.id)) == [("system", "merchant", "created")]


async def test_it_is_read_by_pages(world: World) -> None:
    merchant = await world.merchant()
    for number in range(4):
        await operate(world, "PATCH", f"/merchants/{merchant.id}", {"name": f"Name {number}"})
    everything = (await log_of(world, merchant.id))[::-1]
    seen, cursor = [], ""
    while True:
        page = await operate(world, "GET", f"/audit?merchant_id={merchant.id}&limit=2{cursor}")
        seen += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == everything
    assert len(seen) == 5


@pytest.mark.parametrize("query", ["thing=secret", "thing_id=7", "merchant_id=x", "cursor=x", "limit=0"])
async def test_a_filter_that_is_none_is_refused(world: World, query: str) -> None:
    assert (await world.http.get(f"{LOG}?{query}", headers=ADMIN)).status_code == 422


async def test_only_the_operator_reads_it(world: World) -> None:
    assert (await world.http.get(LOG)).status_code == 401


async def test_behind_a_trusted_proxy_the_address_is_the_callers(database_url: str) -> None:
    async with open_world(database_url, trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),)) as world:
        # As `launch.http_settings` has uvicorn wrap the application.
        proxied = ProxyHeadersMiddleware(world.app, trusted_hosts=["127.0.0.0/8"])  # type: ignore[arg-type]
        transport = httpx.ASGITransport(app=proxied)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://payglot.test") as http:
            headers = {**ADMIN, "X-Forwarded-For": "198.51.100.9, 203.0.113.7"}
            made = (await http.post("/admin/v1/merchants", headers=headers, json={"name": "Far away"})).json()
        (entry,) = await log_of(world, made["id"])
        assert entry["author"]["address"] == "203.0.113.7"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET action = 'created' WHERE merchant_id = :merchant",
        "DELETE FROM audit WHERE merchant_id = :merchant",
        "TRUNCATE audit",
    ],
)
async def test_the_database_refuses_to_change_or_lose_an_entry(world: World, statement: str) -> None:
    merchant = await world.merchant()
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.services.database.transaction() as tx:
            await tx.execute(text(statement), {"merchant": merchant.id} if ":" in statement else {})
    assert len(await log_of(world, merchant.id)) == 1


async def test_only_whole_months_can_go_and_only_when_retention_says_so(quiet: World) -> None:
    merchant = await quiet.merchant()
    async with quiet.services.database.transaction() as tx:
        for at in (datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)):
            await _note(tx, merchant.id, at)
        for since in (datetime(2026, 1, 31, 23, 30, tzinfo=UTC), datetime(2026, 2, 20, tzinfo=UTC)):
            assert await stored.forget(tx, since, limit=10) == (since.month == 2)
    kept = await log_of(quiet, merchant.id)
    assert [entry["at"][:7] for entry in kept if entry["action"] == "changed"] == ["2026-02"]

    async def delete_unasked(tx: Any) -> None:
        await tx.execute(text("DELETE FROM audit WHERE at < '2026-03-01'"))

    async def delete_of_this_month(tx: Any) -> None:
        told = {"soon": datetime(2026, 2, 28, tzinfo=UTC).isoformat()}
        await tx.execute(text("SELECT set_config('payglot.audit_kept_since', :soon, true)"), told)
        await delete_unasked(tx)

    for refused in (delete_unasked, delete_of_this_month):
        with pytest.raises(DBAPIError, match="append-only"):
            await atomic(quiet.services.database, refused)


AUDITED = {
    "merchants": {"create", "change"},
    "credentials": {"issue", "revoke", "revoke_grant", "revoke_of_client"},
    "oauth_clients": {"register"},
    "endpoints": {"create", "change", "rotate_secret", "delete"},
    "connections": {"ask"},
    "kept": {"move"},
    "codes": {"issue", "issue_sign_in"},
    "links": {"expire", "cancel", "revise", "cancel_unless_ended"},
    "payouts": {"approve", "reject"},
    "subscriptions": {"cancel", "skip"},
}


def test_every_entrance_says_who_it_is_that_changes_something() -> None:
    """Without an author a change counts as the system's own, which only operations and background work are."""
    root = Path(payglot.__file__).parent
    silent, found = [], 0
    for file in root.rglob("*.py"):
        if file.relative_to(root).parts[0] in ("operations", "domain", "store", "webhooks"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            module = node.func.value
            if isinstance(module, ast.Name) and node.func.attr in AUDITED.get(module.id, ()):
                found += 1
                if not any(keyword.arg == "by" for keyword in node.keywords):
                    silent.append(f"{file.relative_to(root)}:{node.lineno}")
    assert silent == []
    assert found > 25


def _credentials(merchant: Merchant) -> str:
    return f"/merchants/{merchant.id}/credentials"


async def _note(tx: Any, merchant_id: UUID, at: datetime) -> None:
    await audit.note(
        tx, COMMAND, Thing.MERCHANT, merchant_id, Action.CHANGED, at, merchant_id=merchant_id, dialect=None
    )
