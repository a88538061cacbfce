"""Creating a link in both versions: the seed's example, what is accepted, and what is made of it."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from payglot.domain.link import FailureRule, LinkStatus
from payglot.domain.merchant import Beneficiary, Mode
from payglot.operations import merchants
from tests.dialects.bridge.builders import (
    IBAN,
    LINKS,
    V2,
    V3,
    VERSIONS,
    a_link,
    a_merchant,
    body_of,
    create,
    dossier_of,
    golden,
    headers,
    post,
    read,
    transaction,
    with_names,
)
from tests.world import BASE_URL, World

CONFIGURED = {"iban": "FR76XXXXXXXXXXXXXXXXXXXX486", "company_name": "Atelier Nord"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_seeds_request_is_answered_with_url_and_id_under_200(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    body = golden("create.request") | {"expired_date": world.later(days=30)}

    created = await post(world, merchant, body, version)

    assert created.status_code == 200, created.text
    assert created.headers["content-type"] == "application/json"
    link = (await dossier_of(world, created.json()["id"])).link
    expected = golden("create.response")
    assert with_names(created.json(), {link.token: "token", str(link.id): "link"}) == expected
    assert list(created.json()) == list(expected)


async def test_the_seeds_link_reads_as_documented(world: World) -> None:
    merchant = await a_merchant(world)
    body = golden("create.request") | {"expired_date": world.later(days=30)}
    id = (await post(world, merchant, body)).json()["id"]

    answered = await world.http.get(f"{LINKS[V2]}/{id}", headers=await headers(world, merchant))

    shown = answered.json()
    token = (await dossier_of(world, id)).link.token
    names = {token: "token", id: "link", body["expired_date"]: "expiry", shown["created_at"]: "created"}
    assert with_names(shown, names) == golden("read.valid")
    assert b'"amount":120.98' in answered.content, "a number with just its digits"


async def test_the_address_is_64_hexadecimal_digits_and_not_the_id(world: World) -> None:
    merchant = await a_merchant(world)
    created = (await create(world, merchant)).json()
    token = created["url"].removeprefix(f"{BASE_URL}/pay/")
    assert len(token) == 64
    assert set(token) <= set("0123456789abcdef")
    assert str(UUID(created["id"])) == created["id"]
    assert created["id"].replace("-", "") not in token


async def test_a_link_is_used_once_and_stays_finished_once_it_was_confirmed(world: World) -> None:
    merchant = await a_merchant(world)
    link = (await dossier_of(world, await a_link(world, merchant))).link
    assert (link.max_payments, link.on_failure, link.mode) == (1, FailureRule.KEEP, Mode.TEST)
    assert (link.status, str(link.amount), link.title) == (LinkStatus.OPEN, "120.98", "Refund 123456")


async def test_equal_requests_make_two_links(world: World) -> None:
    merchant = await a_merchant(world)
    body = body_of(world)
    made = [(await post(world, merchant, body)).json() for _ in range(2)]
    assert made[0]["id"] != made[1]["id"]
    assert made[0]["url"] != made[1]["url"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("settings", "minutes"), [({}, 15), ({"default_expiry_seconds": {"bridge": 7200}}, 120)])
async def test_without_a_date_a_link_lives_15_minutes_or_as_the_merchant_set(
    world: World, version: str, settings: dict[str, Any], minutes: int
) -> None:
    merchant = await a_merchant(world, **settings)
    id = await a_link(world, merchant, version, expired_date=None)
    link = (await dossier_of(world, id)).link
    assert link.expires_at is not None
    assert (link.expires_at - link.created_at).total_seconds() == minutes * 60
    world.clock.advance_by(minutes=minutes - 1)
    assert (await read(world, merchant, id))["status"] == "VALID"
    world.clock.advance_by(minutes=2)
    assert (await read(world, merchant, id))["status"] == "EXPIRED"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("T10:15:30.000Z", "T10:15:30.000Z"),
        ("T10:15:30Z", "T10:15:30.000Z"),
        ("T10:15:30+01:00", "T09:15:30.000Z"),
        ("T10:15:30.+0100", "T09:15:30.000Z"),
        ("T10:15:30.123456789Z", "T10:15:30.123Z"),
        ("T10:15:30.5-02:00", "T12:15:30.500Z"),
    ],
)
async def test_dates_that_live_clients_send_come_back_in_utc_with_milliseconds(
    world: World, sent: str, shown: str
) -> None:
    merchant = await a_merchant(world)
    day = world.later(days=20)[:10]
    id = await a_link(world, merchant, expired_date=day + sent)
    assert (await read(world, merchant, id))["expired_at"] == day + shown


@pytest.mark.parametrize(("days", "status"), [(89, 200), (90.0001, 400)])
async def test_a_link_lives_90_days_at_most(world: World, days: float, status: int) -> None:
    merchant = await a_merchant(world)
    assert (await create(world, merchant, expired_date=world.later(days=days))).status_code == status


@pytest.mark.parametrize(
    ("literal", "shown"),
    [
        ("0.01", b"0.01"),
        ("49.9", b"49.9"),
        ("49.90", b"49.9"),
        ("100", b"100"),
        ("100.00", b"100"),
        ("1e2", b"100"),
        ("35000", b"35000"),
        ("35000.00", b"35000"),
        ("1234.5", b"1234.5"),
    ],
)
async def test_an_amount_in_euros_comes_back_as_a_number_with_just_its_digits(
    world: World, literal: str, shown: bytes
) -> None:
    merchant = await a_merchant(world)
    content = json.dumps(body_of(world, transactions=[transaction(amount=424242)])).replace("424242", literal)
    id = (await post(world, merchant, content.encode())).json()["id"]
    answered = await world.http.get(f"{LINKS[V2]}/{id}", headers=await headers(world, merchant))
    assert b'"amount":' + shown + b"," in answered.content


@pytest.mark.parametrize(
    "user",
    [
        {"first_name": "Jean-Luc", "last_name": "O'Neil"},
        {"first_name": "Zoë", "last_name": "d\u2019Ormesson"},
        {"first_name": "Zoe\u0308", "last_name": "Müller"},
        {"company_name": "ZO PROD."},
        {"company_name": "A & B (50 %), 24/7 ; €!?"},
        {"company_name": "x" * 70},
        {"first_name": "Maya", "last_name": "Okafor", "company_name": "Atelier"},
        {"company_name": "A", "external_reference": "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
    ],
)
async def test_payers_with_real_names_come_back_as_they_were_sent(world: World, user: dict[str, str]) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, user=user)
    assert (await read(world, merchant, id))["user"] == user


@pytest.mark.parametrize("label", ["Commande n_7781", "L'été. (2/3)", "e\u0301te\u0301", "50 % à vie", "...", "x" * 50])
async def test_labels_that_banks_take_come_back_as_they_were_sent(world: World, label: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, transactions=[transaction(label=label)])
    assert (await read(world, merchant, id))["transactions"][0]["label"] == label


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (IBAN, "FR05XXXXXXXXXXXXXXXXXXXX505"),
        ("FR05 1899 9042 420A 1B2C 3D4E 505", "FR05XXXXXXXXXXXXXXXXXXXX505"),
        ("fr0518999042420a1b2c3d4e505", "FR05XXXXXXXXXXXXXXXXXXXX505"),
        ("FR05\u00a01899\u00a09042\u00a0420A\u00a01B2C\u00a03D4E\u00a0505", "FR05XXXXXXXXXXXXXXXXXXXX505"),
        ("DE74100200300987654321", "DE74XXXXXXXXXXXXXXX321"),
        ("GB23QZXW99887712345678", "GB23XXXXXXXXXXXXXXX678"),
    ],
)
async def test_an_iban_may_have_spaces_and_small_letters_and_comes_back_masked(
    world: World, sent: str, shown: str
) -> None:
    merchant = await a_merchant(world)
    beneficiary = {"company_name": "Atelier Nord", "iban": sent}
    id = await a_link(world, merchant, transactions=[transaction(beneficiary=beneficiary)])
    expected = {"iban": shown, "company_name": "Atelier Nord"}
    assert (await read(world, merchant, id))["transactions"][0]["beneficiary"] == expected


async def test_the_default_beneficiary_is_shown_masked_and_frozen(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    assert (await read(world, merchant, id))["transactions"][0]["beneficiary"] == CONFIGURED
    async with world.services.database.transaction() as tx:
        other = Beneficiary(name="Other", iban="DE74100200300987654321")
        changed = replace(merchant.settings, default_beneficiary=other)
        await merchants.change(tx, merchant.id, name=merchant.name, settings=changed, now=world.now)
    assert (await read(world, merchant, id))["transactions"][0]["beneficiary"] == CONFIGURED


@pytest.mark.parametrize(
    ("settings", "beneficiary", "shown"),
    [
        ({}, {}, CONFIGURED),
        ({}, {"iban": None, "company_name": None}, CONFIGURED),
        ({"beneficiary_mode": "single"}, {}, CONFIGURED),
        ({}, {"company_name": "Depot Sud"}, CONFIGURED | {"company_name": "Depot Sud"}),
        (
            {},
            {"first_name": "Ana", "last_name": "Sud", "iban": IBAN},
            {"iban": "FR05XXXXXXXXXXXXXXXXXXXX505", "first_name": "Ana", "last_name": "Sud"},
        ),
    ],
)
async def test_v3_takes_the_configured_iban_where_none_is_given(
    world: World, settings: dict[str, Any], beneficiary: dict[str, Any], shown: dict[str, str]
) -> None:
    merchant = await a_merchant(world, **settings)
    id = await a_link(world, merchant, V3, transactions=[transaction(beneficiary=beneficiary)])
    assert (await read(world, merchant, id, V3))["transactions"][0]["beneficiary"] == shown


@pytest.mark.parametrize("version", VERSIONS)
async def test_nulls_count_as_absent_and_unknown_members_are_ignored(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    body: dict[str, Any] = {
        "user": {"company_name": "ZO PROD.", "first_name": None, "last_name": None, "external_reference": None},
        "expired_date": None,
        "client_reference": None,
        "callback_url": None,
        "country": None,
        "bank_id": None,
        "provider_id": None,
        "sender_iban": None,
        "metadata": {"a": [1]},
        "transactions": [transaction() | {"end_to_end_id": None, "execution_date": None, "beneficiary": None, "x": 1}],
    }
    created = await post(world, merchant, body, version)
    assert created.status_code == 200, created.text
    shown = await read(world, merchant, created.json()["id"], version)
    assert set(shown) == {"id", "status", "user", "link", "transactions", "expired_at", "created_at", "updated_at"}
    assert shown["user"] == {"company_name": "ZO PROD."}
    assert set(shown["transactions"][0]) == {"amount", "currency", "label", "beneficiary"}


@pytest.mark.parametrize("reference", ["x" * 100, "réf 7781 / №1", "ABCDE_FG-HI_12345"])
async def test_a_reference_comes_back_as_it_was_sent(world: World, reference: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, client_reference=reference)
    assert (await read(world, merchant, id))["client_reference"] == reference


async def test_an_empty_reference_is_none(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, client_reference="", transactions=[transaction(client_reference="")])
    shown = await read(world, merchant, id)
    assert "client_reference" not in shown
    assert "client_reference" not in shown["transactions"][0]


async def test_what_a_transaction_may_have_besides_comes_back(world: World) -> None:
    merchant = await a_merchant(world)
    day = world.later(days=3)[:10]
    sent = transaction(client_reference="LINE-1", execution_date=f"{day}T12:00:00+01:00")
    shown = (await read(world, merchant, await a_link(world, merchant, transactions=[sent])))["transactions"][0]
    assert (shown["client_reference"], shown["execution_date"]) == ("LINE-1", f"{day}T11:00:00.000Z")


async def test_a_transfer_may_be_wanted_today(world: World) -> None:
    merchant = await a_merchant(world)
    today = f"{world.now:%Y-%m-%d}T00:00:00Z"
    assert (await create(world, merchant, transactions=[transaction(execution_date=today)])).status_code == 200


async def test_a_bulk_link_asks_for_the_sum_and_shows_its_parts(world: World) -> None:
    merchant = await a_merchant(world)
    parts = [transaction(amount=35000), transaction(amount=0.5, label="Two")]
    id = await a_link(world, merchant, transactions=parts)
    assert str((await dossier_of(world, id)).link.amount) == "35000.50"
    assert [part["amount"] for part in (await read(world, merchant, id))["transactions"]] == [35000, 0.5]


async def test_a_label_is_optional_in_v3_only(world: World) -> None:
    merchant = await a_merchant(world)
    unlabelled = [transaction(label=None)]
    assert (await create(world, merchant, V2, transactions=unlabelled)).status_code == 400
    id = await a_link(world, merchant, V3, transactions=unlabelled)
    assert (await read(world, merchant, id, V3))["transactions"][0]["label"] == f"Bridge Payment {world.now:%d-%m}"


@pytest.mark.parametrize(
    ("version", "sent", "kept"),
    [
        (V2, {"bank_id": 574}, 574),
        (V3, {"provider_id": 574}, 574),
        (V2, {"bank_id": 12}, 12),
        (V2, {"provider_id": 574}, None),
        (V3, {"bank_id": 574}, None),
        (V2, {"provider_id": "any", "sender_iban": 5}, None),
        (V3, {"bank_id": "any"}, None),
    ],
)
async def test_each_version_has_its_own_name_for_the_bank_and_ignores_the_others(
    world: World, version: str, sent: dict[str, Any], kept: int | None
) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, version, **sent)
    assert (await dossier_of(world, id)).link.extras.get("bank") == kept


async def test_the_account_to_be_debited_is_kept_and_not_shown(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, V3, sender_iban="de74 1002 0030 0987 6543 21")
    assert (await dossier_of(world, id)).link.extras["sender_iban"] == "DE74100200300987654321"
    assert "DE74" not in json.dumps(await read(world, merchant, id, V3))


@pytest.mark.parametrize("country", ["fr", "es", "de", "gb", "FR"])
async def test_a_country_steers_the_list_of_banks(world: World, country: str) -> None:
    merchant = await a_merchant(world)
    link = (await dossier_of(world, await a_link(world, merchant, country=country))).link
    assert link.extras["country"] == country.lower()


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/return?order=7781#end", "http://shop.example", "https://a.pay.example:8443/x?y=%20"],
)
async def test_a_callback_on_a_whitelisted_domain_is_kept_byte_for_byte(world: World, url: str) -> None:
    merchant = await a_merchant(world, redirect_domains=("shop.example", "*.pay.example"))
    link = (await dossier_of(world, await a_link(world, merchant, callback_url=url))).link
    assert link.extras["callback_url"] == url


async def test_the_content_type_may_have_parameters(world: World) -> None:
    merchant = await a_merchant(world)
    answered = await post(world, merchant, body_of(world), Content_Type="application/json; charset=utf-8")
    assert answered.status_code == 200
