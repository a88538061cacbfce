"""Bridge's links in both versions: the seed's example, every rule, every refusal."""

from typing import Any
from uuid import UUID

import pytest

from payglot.domain.merchant import Merchant
from tests.links import BENEFICIARY, body_of, make
from tests.world import BASE_URL, World

V2, V3 = "/v2/payment-links", "/v3/payment/payment-links"
VERSIONS = {V2: "2021-06-01", V3: "2025-01-15"}
DOCUMENTATION = "https://docs.bridgeapi.io/"


async def a_merchant(world: World, **settings: Any) -> Merchant:
    return await world.merchant(**({"default_beneficiary": BENEFICIARY} | settings))


async def post(world: World, body: Any, path: str = V2, **settings: Any) -> Any:
    headers = await world.headers(await a_merchant(world, **settings), "bridge")
    return await world.http.post(path, headers=headers | {"Bridge-Version": VERSIONS[path]}, json=body)


def transaction(**changes: Any) -> dict[str, Any]:
    known = {"amount": 120.98, "currency": "EUR", "label": "Refund 123456", "end_to_end_id": "E2E_ID-1234"}
    return {name: value for name, value in (known | changes).items() if value is not None}


async def test_the_seeds_request_gives_url_and_id_under_200(world: World) -> None:
    merchant = await a_merchant(world)
    headers = await world.headers(merchant, "bridge")
    body = {
        "user": {"first_name": "Thomas", "last_name": "Pichet", "external_reference": "REF-USER-1234_AZ"},
        "expired_date": world.later(days=30),
        "client_reference": "ABCDE_FG-HI_12345",
        "transactions": [
            {
                "amount": 120.98,
                "currency": "EUR",
                "label": "Refund 123456",
                "beneficiary": {
                    "first_name": "Test",
                    "last_name": "Merchant",
                    "iban": "FR05 1899 9042 420A 1B2C 3D4E 505",
                },
                "end_to_end_id": "E2E_ID-1234",
            }
        ],
    }
    created = await world.http.post(V2, headers=headers, json=body)
    assert created.status_code == 200
    assert list(created.json()) == ["url", "id"]
    id, url = str(UUID(created.json()["id"])), created.json()["url"]
    token = url.removeprefix(f"{BASE_URL}/pay/")
    assert len(token) == 64
    assert set(token) <= set("0123456789abcdef")
    assert id.replace("-", "") not in token

    read = await world.http.get(f"{V2}/{id}", headers=headers)
    shown = read.json()
    assert shown == {
        "id": id,
        "status": "VALID",
        "user": body["user"],
        "link": url,
        "client_reference": "ABCDE_FG-HI_12345",
        "transactions": [
            {
                "amount": 120.98,
                "currency": "EUR",
                "label": "Refund 123456",
                "end_to_end_id": "E2E_ID-1234",
                "beneficiary": {"iban": "FR05XXXXXXXXXXXXXXXXXXXX505", "first_name": "Test", "last_name": "Merchant"},
            }
        ],
        "expired_at": body["expired_date"],
        "created_at": shown["created_at"],
        "updated_at": shown["created_at"],
    }
    assert b"120.98" in read.content, "a JSON number with just its digits"


async def test_v3_spells_the_status_in_lower_case(world: World) -> None:
    merchant = await a_merchant(world)
    made = await make(world, merchant, "bridge")
    headers = made.headers | {"Bridge-Version": VERSIONS[V3]}
    shown = (await world.http.get(f"{V3}/{made.id}", headers=headers)).json()
    assert shown["status"] == "valid"
    assert "payment_status" not in shown


@pytest.mark.parametrize("path", [V2, V3])
@pytest.mark.parametrize("version", [None, "", "2019-02-18", "latest", "other family"])
async def test_a_version_header_that_is_not_the_paths_own_is_refused(
    world: World, path: str, version: str | None
) -> None:
    headers = await world.headers(await a_merchant(world), "bridge")
    headers = {name: value for name, value in headers.items() if name != "Bridge-Version"}
    if version is not None:
        headers["Bridge-Version"] = VERSIONS[V3 if path == V2 else V2] if version == "other family" else version
    response = await world.http.post(path, headers=headers, json=body_of(world, "bridge"))
    assert response.status_code == 400
    message = "API version Bridge-Version is invalid"
    if path == V2:
        expected = {"type": "invalid_version_header", "message": message, "documentation_url": DOCUMENTATION}
        assert response.json() == expected
    else:
        assert response.json() == {"code": "invalid_version_header", "message": message}


@pytest.mark.parametrize("path", [V2, V3])
@pytest.mark.parametrize(
    "changes", [{"Client-Id": "x"}, {"Client-Secret": "x"}, {"Client-Id": ""}, {"Client-Secret": ""}]
)
async def test_bad_credentials_are_refused_alike(world: World, path: str, changes: dict[str, str]) -> None:
    headers = await world.headers(await a_merchant(world), "bridge") | {"Bridge-Version": VERSIONS[path]} | changes
    response = await world.http.post(path, headers=headers, json=body_of(world, "bridge"))
    assert response.status_code == 401
    kind = {"message": "client_id and client_secret are invalid"}
    if path == V2:
        assert response.json() == {"type": "invalid_client_credentials", **kind, "documentation_url": DOCUMENTATION}
    else:
        assert response.json() == {"code": "invalid_client_credentials", **kind}


@pytest.mark.parametrize(
    "body",
    [{}, {"user": {}}, {"user": {"first_name": "A", "last_name": "B"}}, {"user": [], "transactions": []}, [], 5,
     {"user": {"first_name": "A", "last_name": "B"}, "transactions": []},
     {"user": {"first_name": 5, "last_name": "B"}, "transactions": [{"amount": 1}]},
     {"user": {"first_name": "A", "last_name": "B"}, "transactions": [{"amount": "1"}]}],
)  # fmt: skip
async def test_a_missing_or_wrongly_typed_part_names_no_field(world: World, body: Any) -> None:
    response = await post(world, body)
    assert response.status_code == 400
    assert response.json() == {"type": "invalid_request", "message": "Invalid body content", "documentation_url": None}
    third = await post(world, body, V3)
    assert third.json() == {"code": "invalid_request", "message": "Invalid body content"}


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"amount": None}, "amount_missing", "amount"),
        ({"amount": 1.001}, "amount_too_many_decimals", "amount"),
        ({"amount": 35000.01}, "max_amount", "amount"),
        ({"amount": 0}, "amount_invalid", "amount"),
        ({"amount": -5}, "amount_invalid", "amount"),
        ({"currency": None}, "currency_missing", "currency"),
        ({"currency": "GBP"}, "currency_invalid", "currency"),
        ({"currency": "eur"}, "currency_invalid", "currency"),
        ({"label": None}, "label_missing", "label"),
        ({"label": "  "}, "label_missing", "label"),
        ({"label": "x" * 51}, "label_too_long", "label"),
        ({"label": "Refund: 12"}, "characters_not_allowed", "label"),
        ({"label": "Refund\t12"}, "characters_not_allowed", "label"),
        ({"end_to_end_id": "x" * 36}, "end_to_end_id_invalid", "end_to_end_id"),
        ({"execution_date": "soon"}, "execution_date_invalid", "execution_date"),
        ({"beneficiary": {"iban": "FR0518999042420A1B2C3D4E505"}}, "beneficiary.name_missing", "beneficiary"),
        (
            {"beneficiary": {"company_name": "A", "iban": "FR0618999042420A1B2C3D4E505"}},
            "beneficiary.iban_invalid",
            "beneficiary.iban",
        ),
        ({"beneficiary": {"company_name": "A"}}, "beneficiary.iban_missing", "beneficiary.iban"),
        (
            {"beneficiary": {"company_name": "A" * 36, "iban": "FR0518999042420A1B2C3D4E505"}},
            "beneficiary.name_too_long",
            "beneficiary.company_name",
        ),
    ],
)
async def test_each_unacceptable_value_is_listed_with_its_place(
    world: World, changes: dict[str, Any], code: str, place: str
) -> None:
    response = await post(world, body_of(world, "bridge", transactions=[transaction(), transaction(**changes)]))
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert (error["code"], error["property"]) == (f"payment.transaction.{code}", f"transactions[1].{place}")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"user": {"first_name": "Only"}}, "payment.user.name_missing"),
        ({"user": {"company_name": "x" * 71}}, "payment.user.name_too_long"),
        ({"user": {"company_name": "A", "external_reference": "x y"}}, "payment.user.external_reference_invalid"),
        ({"expired_date": "2020-01-01T00:00:00Z"}, "payment.expired_date_invalid"),
        ({"expired_date": "2031-01-01T00:00:00"}, "payment.expired_date_invalid"),
        ({"callback_url": "https://evil.example/"}, "payment.invalid_callback_url"),
        ({"callback_url": "javascript:alert(1)"}, "payment.invalid_callback_url"),
        ({"callback_url": "https://shop.example@evil.example/"}, "payment.invalid_callback_url"),
        ({"client_reference": "x" * 101}, "payment.client_reference_invalid"),
        ({"country": "it"}, "payment.country_invalid"),
    ],
)
async def test_each_unacceptable_member_of_the_link_is_listed(world: World, changes: dict[str, Any], code: str) -> None:
    body = body_of(world, "bridge", **changes)
    response = await post(world, body, redirect_domains=("shop.example", "*.pay.example"))
    assert response.status_code == 400
    assert [error["code"] for error in response.json()["errors"]] == [code]


async def test_a_validity_beyond_90_days_is_refused(world: World) -> None:
    assert (await post(world, body_of(world, "bridge", expired_date=world.later(days=89)))).status_code == 200
    assert (await post(world, body_of(world, "bridge", expired_date=world.later(days=91)))).status_code == 400


async def test_a_link_without_a_date_lives_15_minutes(world: World) -> None:
    merchant = await a_merchant(world)
    made = await make(world, merchant, "bridge", expired_date=None)
    world.clock.advance_by(minutes=14)
    read = f"{V2}/{made.id}"
    assert (await world.http.get(read, headers=made.headers)).json()["status"] == "VALID"
    world.clock.advance_by(minutes=2)
    assert (await world.http.get(read, headers=made.headers)).json()["status"] == "EXPIRED"


@pytest.mark.parametrize(
    "sent", ["2026-12-05T10:15:30.+0100", "2026-12-05T09:15:30.123456789Z", "2026-12-05T10:15:30+01:00"]
)
async def test_dates_that_live_clients_send_are_read(world: World, sent: str) -> None:
    assert (await post(world, body_of(world, "bridge", expired_date=sent))).status_code == 200


async def test_nulls_count_as_absent_and_unknown_members_are_ignored(world: World) -> None:
    body = body_of(world, "bridge", callback_url=None, metadata={"a": 1})
    body["user"] = {"company_name": "ZO PROD.", "first_name": None, "last_name": None}
    body["transactions"][0]["beneficiary"] = None
    assert (await post(world, body)).status_code == 200


async def test_the_default_beneficiary_is_shown_masked_and_frozen(world: World) -> None:
    made = await make(world, await a_merchant(world), "bridge")
    shown = (await world.http.get(f"{V2}/{made.id}", headers=made.headers)).json()
    assert shown["transactions"][0]["beneficiary"] == {
        "iban": "FR76XXXXXXXXXXXXXXXXXXXX486",
        "company_name": "Atelier Nord",
    }


@pytest.mark.parametrize(
    ("settings", "beneficiary", "code"),
    [
        ({"default_beneficiary": None}, None, "payment.transaction.beneficiary_missing"),
        (
            {"beneficiary_mode": "single"},
            {"company_name": "A", "iban": "FR0518999042420A1B2C3D4E505"},
            "payment.transaction.beneficiary.not_allowed",
        ),
    ],
)
async def test_a_beneficiary_that_cannot_be_is_refused_rather_than_replaced(
    world: World, settings: dict[str, Any], beneficiary: Any, code: str
) -> None:
    body = body_of(world, "bridge", transactions=[transaction(beneficiary=beneficiary)])
    response = await post(world, body, **settings)
    assert [error["code"] for error in response.json()["errors"]] == [code]


async def test_a_label_is_optional_in_v3_only(world: World) -> None:
    merchant = await a_merchant(world)
    headers = await world.headers(merchant, "bridge") | {"Bridge-Version": VERSIONS[V3]}
    body = body_of(world, "bridge", transactions=[transaction(label=None)], provider_id=574)
    created = await world.http.post(V3, headers=headers, json=body)
    shown = (await world.http.get(f"{V3}/{created.json()['id']}", headers=headers)).json()
    assert shown["transactions"][0]["label"] == f"Bridge Payment {world.now:%d-%m}"


@pytest.mark.parametrize("id", ["0b8f4a52-6f0e-4c57-9a7d-1d2c3b4a5e6f", "42", "%20"])
async def test_unknown_links_and_requests_are_404(world: World, id: str) -> None:
    headers = await world.headers(await a_merchant(world), "bridge")
    for path in (f"{V2}/{id}", f"/v2/payment-requests/{id}", f"/v2/payment-requests?payment_link_id={id}"):
        response = await world.http.get(path, headers=headers)
        assert response.status_code == 404
        assert response.json() == {
            "type": "not_found",
            "message": "The requested resource doesn't exist",
            "documentation_url": DOCUMENTATION,
        }


@pytest.mark.parametrize(("content", "type", "status"), [(b"{", "application/json", 422), (b"{}", "text/plain", 415)])
async def test_unreadable_bodies_have_their_documented_status(
    world: World, content: bytes, type: str, status: int
) -> None:
    headers = await world.headers(await a_merchant(world), "bridge") | {"Content-Type": type}
    assert (await world.http.post(V2, headers=headers, content=content)).status_code == status


async def test_an_address_that_is_not_on_the_list_is_forbidden(world: World) -> None:
    response = await post(world, body_of(world, "bridge"), allowed_ips=("203.0.113.0/24",))
    assert response.status_code == 403
