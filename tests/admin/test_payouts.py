"""The operator reads payouts, and says which may leave."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from payglot.domain.merchant import Merchant
from payglot.domain.payout import Payout
from tests.dialects.txn.payees import TRON, a_payout_link, claim, play
from tests.world import ADMIN_TOKEN, World

PAYOUTS = "/admin/v1/payouts"


async def get(world: World, path: str) -> httpx.Response:
    return await world.http.get(path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})


async def post(world: World, path: str, body: Any = None) -> httpx.Response:
    return await world.http.post(path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}, json=body)


async def waiting(world: World) -> tuple[Merchant, Payout]:
    merchant = await world.merchant(payout_approval="manual")
    link = await a_payout_link(world, merchant, amount="150")
    return merchant, await claim(world, merchant, link["id"])


async def test_a_payout_is_read_with_all_of_its_sums(world: World) -> None:
    merchant, payout = await waiting(world)
    answered = await get(world, f"{PAYOUTS}/{payout.id}")
    assert answered.status_code == 200
    body = answered.json()
    expected = {
        "merchant_id": str(merchant.id),
        "link_id": str(payout.link_id),
        "dialect": "txn",
        "mode": "test",
        "status": "awaiting_approval",
        "approval": "pending",
        "amount": "150.00",
        "currency": "EUR",
        "pays": "163.043478",
        "pays_currency": "USDT",
        "charged": "150.00",
        "charged_currency": "EUR",
        "network": "ttrx:usdt",
        "destination": TRON,
        "tag": None,
        "reference": None,
    }
    assert {name: body[name] for name in expected} == expected


async def test_payouts_are_listed_by_merchant_and_status(world: World) -> None:
    merchant, made = await world.merchant(payout_approval="manual"), []
    for _ in range(3):
        link = await a_payout_link(world, merchant)
        made.append(str((await claim(world, merchant, link["id"])).id))
    await post(world, f"{PAYOUTS}/{made[0]}/approve")
    mine = f"{PAYOUTS}?merchant_id={merchant.id}"

    assert [each["id"] for each in (await get(world, mine)).json()["data"]] == made[::-1]
    first = (await get(world, f"{mine}&limit=2")).json()
    assert [each["id"] for each in first["data"]] == made[:0:-1]
    rest = (await get(world, f"{mine}&limit=2&cursor={first['next_cursor']}")).json()
    assert ([each["id"] for each in rest["data"]], rest["next_cursor"]) == (made[:1], None)
    pending = (await get(world, f"{mine}&status=awaiting_approval")).json()["data"]
    assert [each["id"] for each in pending] == made[:0:-1]
    assert (await get(world, f"{mine}&status=gone")).status_code == 422


async def test_an_approval_lets_it_go_and_a_second_one_is_refused(world: World) -> None:
    _, payout = await waiting(world)
    approved = await post(world, f"{PAYOUTS}/{payout.id}/approve")
    assert (approved.status_code, approved.json()["status"], approved.json()["approval"]) == (
        200,
        "reserved",
        "approved",
    )
    assert approved.json()["decided_at"] is not None
    assert (await post(world, f"{PAYOUTS}/{payout.id}/approve")).status_code == 409


@pytest.mark.parametrize(("body", "failure"), [({}, "rejected"), ({"reason": "not our payee"}, "not our payee")])
async def test_a_rejection_ends_it(world: World, body: dict[str, str], failure: str) -> None:
    _, payout = await waiting(world)
    rejected = await post(world, f"{PAYOUTS}/{payout.id}/reject", body)
    assert rejected.status_code == 200
    assert (rejected.json()["status"], rejected.json()["approval"]) == ("rejected", "rejected")
    assert rejected.json()["failure"] == failure
    for verb in ("approve", "reject"):
        assert (await post(world, f"{PAYOUTS}/{payout.id}/{verb}", {})).status_code == 409


async def test_what_was_sent_can_be_neither_approved_nor_rejected(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)
    played = await play(world, link["attributes"]["hostedPageUrl"], "processing")
    for verb in ("approve", "reject"):
        answered = await post(world, f"{PAYOUTS}/{played.json()['payout_id']}/{verb}", {})
        assert answered.status_code == 409


@pytest.mark.parametrize("body", [{"reason": ""}, {"reason": "x" * 201}, {"reason": 1}, {"why": "x"}, []])
async def test_a_rejection_that_is_not_understood_changes_nothing(world: World, body: Any) -> None:
    _, payout = await waiting(world)
    assert (await post(world, f"{PAYOUTS}/{payout.id}/reject", body)).status_code == 422
    assert (await get(world, f"{PAYOUTS}/{payout.id}")).json()["status"] == "awaiting_approval"


async def test_an_unknown_payout_is_not_found(world: World) -> None:
    for id in (uuid4(), "x"):
        assert (await get(world, f"{PAYOUTS}/{id}")).status_code == 404
        assert (await post(world, f"{PAYOUTS}/{id}/approve")).status_code == 404
        assert (await post(world, f"{PAYOUTS}/{id}/reject", {})).status_code == 404


async def test_nobody_decides_without_the_admin_token(world: World) -> None:
    _, payout = await waiting(world)
    for verb in ("approve", "reject"):
        assert (await world.http.post(f"{PAYOUTS}/{payout.id}/{verb}", json={})).status_code == 401
    assert (await world.http.get(PAYOUTS)).status_code == 401
    assert (await get(world, f"{PAYOUTS}/{payout.id}")).json()["status"] == "awaiting_approval"


async def test_a_links_history_names_its_payout(world: World) -> None:
    _, payout = await waiting(world)
    told = (await get(world, f"/admin/v1/links/{payout.link_id}/events")).json()["data"]
    assert [(each["kind"], each["payout_id"], each["payout_status"]) for each in told[:2]] == [
        ("link.created", None, None),
        ("payout.created", str(payout.id), "awaiting_approval"),
    ]
    assert (await get(world, f"/admin/v1/links/{payout.link_id}")).json()["direction"] == "out"


async def test_the_rules_are_set_per_merchant(world: World) -> None:
    merchant = await world.merchant()
    rules = {
        "payout_approval": "by_limit",
        "payout_approval_limits": {"EUR": "50", "USDC": "10.5"},
        "refund_overpaid": "return_rest",
        "refund_underpaid": "return_all",
        "refund_late": "return_all",
    }
    path, headers = f"/admin/v1/merchants/{merchant.id}", {"Authorization": f"Bearer {ADMIN_TOKEN}"}

    changed = await world.http.patch(path, headers=headers, json={"settings": rules})

    assert changed.status_code == 200, changed.text
    expected = rules | {"payout_approval_limits": {"EUR": "50.00", "USDC": "10.500000"}}
    assert {name: changed.json()["settings"][name] for name in rules} == expected
    link = await a_payout_link(world, merchant, amount="50")
    played = await play(world, link["attributes"]["hostedPageUrl"], "processing")
    assert played.json()["status"] == "sent"
    for wrong in (
        {"payout_approval": "never"},
        {"payout_approval_limits": {"EUR": "1.001"}},
        {"payout_approval_limits": {"XXX": "1"}},
        {"payout_approval_limits": {"EUR": "-1"}},
        {"refund_late": "return_rest"},
    ):
        assert (await world.http.patch(path, headers=headers, json={"settings": wrong})).status_code == 422
