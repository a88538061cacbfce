"""A Bridge link's life: three machines, two versions' words, both kinds of webhook."""

from uuid import UUID, uuid4

import pytest

from payglot.dialects import DIALECTS
from payglot.webhooks.format import Receiver
from tests.dialects.bridge.test_api import V2, V3, VERSIONS, a_merchant, transaction
from tests.lifecycle import bodies, dossier_of, let_time_pass, play, told
from tests.links import make, read
from tests.world import World

WEBHOOKS = DIALECTS["bridge"].webhooks
BODY = (
    b'{"content":{"payment_link_id":"0b8f4a52-6f0e-4c57-9a7d-1d2c3b4a5e6f","payment_link_status":"COMPLETED",'
    b'"payment_link_client_reference":"ORDER-7781"},"timestamp":1760000000123,"type":"payment.link.updated"}'
)
A = "D5DB400A7C73DAC8A9E2EA1A45FE2F15DF5199237BD3584ACC3708BD732DEA0C"
B = "02096672F12AA686E5AEAFD8E9116B3B88CB485C78CA33FAFD4AF2FB074011E9"


@pytest.mark.parametrize(
    ("secrets", "header"),
    [
        (("whk_example_secret_A",), f"v1={A}"),
        (("whk_example_secret_B", "whk_example_secret_A"), f"v1={B},v1={A}"),
    ],
)
def test_the_signature_is_the_protocols_vector(world: World, secrets: tuple[str, ...], header: str) -> None:
    headers = WEBHOOKS.headers(delivery_id=uuid4(), name="x", body=BODY, secrets=secrets, sent_at=world.now)
    assert headers["BridgeApi-Signature"] == header


async def test_a_payment_is_told_transaction_by_transaction_and_the_link_once(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    played = await play(world, made, "paid")
    messages = bodies(await told(world, "bridge", UUID(made.id)))
    names = [(m["type"], m["content"].get("status") or m["content"].get("payment_link_status")) for m in messages]
    assert names == [
        ("payment.transaction.created", None),
        ("payment.transaction.updated", "ACTC"),
        ("payment.transaction.updated", "PDNG"),
        ("payment.link.updated", "COMPLETED"),
        ("payment.transaction.updated", "ACSC"),
    ]
    content = messages[-1]["content"]
    assert content == {
        "payment_transaction_id": content["payment_transaction_id"],
        "payment_request_id": played["payment_id"],
        "payment_link_id": made.id,
        "client_reference": "ORDER-7781",
        "end_to_end_id": "E2E-7781",
        "status": "ACSC",
    }
    assert len({m["content"]["payment_transaction_id"] for m in messages if "transaction" in m["type"]}) == 1
    assert messages[3]["content"] == {
        "payment_link_id": made.id,
        "payment_link_status": "COMPLETED",
        "payment_link_client_reference": "ORDER-7781",
    }


async def test_a_completed_link_stays_completed_when_the_bank_rejects_the_payment(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    await play(world, made, "processing")
    assert (await read(world, made))["status"] == "COMPLETED"
    played = await play(world, made, "failed")
    assert (await read(world, made))["status"] == "COMPLETED"
    request = (await world.http.get(f"/v2/payment-requests/{played['payment_id']}", headers=made.headers)).json()
    assert (request["status"], request["status_reason"]) == ("RJCT", "MS03")
    assert request["transactions"][0]["status"] == "RJCT"
    last = bodies(await told(world, "bridge", UUID(made.id)))[-1]
    assert (last["content"]["status"], last["content"]["status_reason"]) == ("RJCT", "MS03")
    again = await world.http.post("/sandbox/v1/pay", json={"url": made.url, "outcome": "paid"})
    assert again.status_code == 409


async def test_a_rejection_before_confirmation_leaves_the_link_valid_for_another_attempt(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    await play(world, made, "failed")
    assert (await read(world, made))["status"] == "VALID"
    await play(world, made, "paid")
    listed = (await world.http.get(f"/v2/payment-requests?payment_link_id={made.id}", headers=made.headers)).json()
    assert [each["status"] for each in listed["resources"]] == ["ACSC", "RJCT"]
    assert listed["pagination"] == {}
    assert listed["resources"][0]["bank_id"] == 574


@pytest.mark.parametrize(
    ("outcome", "status", "amount"),
    [("paid", "PAID", 120.98), ("underpaid", "UNDERPAID", 96.78), ("overpaid", "OVERPAID", 145.17)],
)
async def test_a_manual_transfer_makes_no_request_and_shows_what_arrived(
    world: World, outcome: str, status: str, amount: float
) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    await play(world, made, "manual_transfer")
    waiting = await read(world, made)
    assert (waiting["status"], waiting["fund_information"]["status"]) == ("COMPLETED", "UNPAID")
    await play(world, made, outcome)
    shown = await read(world, made)
    assert shown["fund_information"]["status"] == status
    assert [each["amount"] for each in shown["fund_information"]["payment_account_transactions"]] == [amount]
    listed = (await world.http.get(f"/v2/payment-requests?payment_link_id={made.id}", headers=made.headers)).json()
    assert listed["resources"] == []
    messages = bodies(await told(world, "bridge", UUID(made.id)))
    assert {m["type"] for m in messages} == {"payment.link.updated"}
    assert [m["content"].get("payment_link_fund_status") for m in messages] == [None, status]


@pytest.mark.parametrize(("value", "status"), [("paid", "PAID"), ("underpaid", "UNDERPAID"), ("overpaid", "OVERPAID")])
async def test_the_sandboxs_magic_references_decide_what_arrives(world: World, value: str, status: str) -> None:
    made = await make(world, await a_merchant(world), "bridge", transactions=[transaction(end_to_end_id=value)])
    await play(world, made, "manual_transfer")
    assert (await read(world, made))["fund_information"]["status"] == status


async def test_an_expired_link_is_told_once(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge", expired_date=world.later(minutes=5))
    await let_time_pass(world, minutes=6)
    assert (await read(world, made))["status"] == "EXPIRED"
    messages = bodies(await told(world, "bridge", UUID(made.id)))
    assert [m["content"]["payment_link_status"] for m in messages] == ["EXPIRED"]


async def test_v3_words_are_lower_case_and_tell_of_the_initiation(world: World) -> None:
    merchant = await a_merchant(world)
    headers = await world.headers(merchant, "bridge") | {"Bridge-Version": VERSIONS[V3]}
    body = {"user": {"company_name": "A"}, "transactions": [transaction()]}
    created = (await world.http.post(V3, headers=headers, json=body)).json()
    await world.http.post("/sandbox/v1/pay", json={"url": created["url"], "outcome": "paid"})
    shown = (await world.http.get(f"{V3}/{created['id']}", headers=headers)).json()
    assert (shown["status"], shown["payment_status"]) == ("completed", "initiated_in_success")
    content = bodies(await told(world, "bridge", UUID(created["id"])))[3]["content"]
    assert content == {
        "payment_link_id": created["id"],
        "payment_link_status": "completed",
        "payment_status": "initiated_in_success",
    }
    older = (await world.http.get(f"{V2}/{created['id']}", headers=headers | {"Bridge-Version": VERSIONS[V2]})).json()
    assert older["status"] == "COMPLETED"


async def test_a_bulk_link_has_a_transaction_for_each_of_its_parts(world: World) -> None:
    parts = [transaction(amount=100.5, label="One"), transaction(amount=20, label="Two", client_reference="MINE")]
    made = await make(world, await a_merchant(world), "bridge", transactions=parts)
    played = await play(world, made, "paid")
    assert played["amount"] == "120.50"
    created = bodies(await told(world, "bridge", UUID(made.id)))[:2]
    assert [m["type"] for m in created] == ["payment.transaction.created"] * 2
    assert [m["content"]["client_reference"] for m in created] == ["ORDER-7781", "MINE"]
    assert len({m["content"]["payment_transaction_id"] for m in created}) == 2


async def test_the_page_names_the_beneficiary_and_hides_the_full_iban_of_others(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    dossier = await dossier_of(world, await play(world, made, "manual_transfer"))
    payment = dossier.payments[-1]
    assert payment.destination is not None
    assert payment.destination.startswith("FR")
    assert payment.destination != "FR7618888007770001122334486", "a virtual account of its own for every link"


def test_a_test_event_has_the_documented_form(world: World) -> None:
    receiver = Receiver(id=uuid4(), merchant_id=uuid4(), created_at=world.now, details={})
    (body,) = bodies([WEBHOOKS.test_message(receiver, world.now)])
    assert set(body) == {"content", "timestamp", "type"}
    assert body["type"] == "TEST_EVENT"
    assert len(str(body["timestamp"])) == 10, "in seconds, for this event only"
