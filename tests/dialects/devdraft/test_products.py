"""Products: create, list, get, change, delete, as JSON and as forms with pictures."""

from typing import Any
from uuid import uuid4

import pytest

from payglot.dialects.devdraft.products import mapping, schemas
from payglot.domain.merchant import Merchant
from tests.dialects.devdraft.builders import A_PRODUCT, UNKNOWN, bad, failed, make_product, order_of, refusal_of, send
from tests.world import BASE_URL, World

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
JPEG = b"\xff\xd8\xff\xe0" + b"y" * 100
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"z" * 10
NOT_FOUND = failed(404, "Product not found", "Not Found")
NUMBER = "must be a number conforming to the specified constraints"


async def send_form(
    world: World, merchant: Merchant, method: str, path: str, fields: dict[str, str], *files: bytes, **headers: str
) -> Any:
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.http.request(
        method,
        f"/api/v0/{path}",
        headers={**await world.headers(merchant, "devdraft"), **own},
        data=fields,
        files=[("images", (f"{n}.bin", content)) for n, content in enumerate(files)] or [("images[]", (None, ""))],
    )


async def test_a_product_is_answered_with_the_documented_object(world: World) -> None:
    merchant = await world.merchant(name="Atelier Nord")
    body = await make_product(world, merchant)
    expected = {
        "id": body["id"],
        "name": "Mug",
        "description": "Blue",
        "price": 14.5,
        "currency": "EUR",
        "type": None,
        "productType": "PRODUCT",
        "status": "ACTIVE",
        "stockCount": None,
        "quantity": None,
        "weight": None,
        "unit": None,
        "images": [],
        "variations": None,
        "paymentLink": None,
        "walletId": None,
        "dateAdded": body["dateAdded"],
        "dateUpdated": body["dateAdded"],
        "app": {"id": body["app"]["id"], "name": "Atelier Nord"},
        "wallet": None,
        "transactions": [],
        "createdAt": body["dateAdded"],
        "updatedAt": body["dateAdded"],
    }
    assert body == expected
    assert order_of(body) == order_of(expected)
    assert len(body["id"]) == 36
    read = await send(world, merchant, "GET", f"products/{body['id']}")
    assert (read.status_code, read.json()) == (200, body)


async def test_everything_optional_is_kept_to_the_digit(world: World) -> None:
    merchant = await world.merchant()
    optional = {
        "type": "kitchen",
        "weight": 0.35,
        "unit": "kg",
        "quantity": 12,
        "stockCount": 1.5,
        "status": "INACTIVE",
        "productType": "SERVICE",
        "images": ["https://shop.example/mug.png"],
    }
    made = await send(world, merchant, "POST", "products", A_PRODUCT | optional | {"price": 99.90, "mystery": 1})
    assert {name: made.json()[name] for name in optional} == optional
    assert b'"price":99.9,' in made.content
    assert b'"weight":0.35,' in made.content


async def test_what_has_a_default_may_be_missing_or_null(world: World) -> None:
    merchant = await world.merchant()
    nulls = dict.fromkeys(("description", "currency", "type", "weight", "status", "productType", "images"))
    for sent in ({"name": "Mug", "price": 1}, {"name": "Mug", "price": 1, **nulls}):
        body = (await send(world, merchant, "POST", "products", sent)).json()
        assert (body["description"], body["currency"], body["status"], body["images"]) == ("", "USD", "ACTIVE", [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "name should not be empty"),
        ({"name": ""}, "name should not be empty"),
        ({"name": "x" * 201}, "name must be shorter than or equal to 200 characters"),
        ({"name": "a\nb"}, "name must not contain control characters"),
        ({"description": "x" * 2001}, "description must be shorter than or equal to 2000 characters"),
        ({"price": None}, "price should not be empty"),
        ({"price": 0}, "price must not be less than 0.01"),
        ({"price": 1.001}, "price must have at most 2 decimal places"),
        ({"price": 10**12}, "price must be less than 1000000000000"),
        ({"price": "14.50"}, f"price {NUMBER}"),
        ({"currency": "usd"}, "currency must be one of the following values: USD, EUR, GBP, CAD, AUD, JPY, USDC, EURC"),
        ({"weight": -1}, "weight must not be less than 0"),
        ({"quantity": 10**12}, "quantity must be less than 1000000000000"),
        ({"unit": "x" * 101}, "unit must be shorter than or equal to 100 characters"),
        ({"status": "SOLD"}, "status must be one of the following values: ACTIVE, INACTIVE"),
        ({"productType": "GIFT"}, "productType must be one of the following values: PRODUCT, SERVICE"),
        ({"images": "x"}, "images must be an array"),
        ({"images": ["javascript:alert(1)"]}, "images.0 must be a URL address"),
        ({"images": ["https://x.example/1"] * 11}, "images must contain no more than 10 elements"),
    ],
)
def test_each_broken_rule_is_in_the_array_of_messages(changes: dict[str, Any], message: str) -> None:
    assert refusal_of(schemas.CreateProduct, A_PRODUCT | changes) == bad(message)
    if None not in changes.values():
        assert refusal_of(schemas.UpdateProduct, changes, keep=mapping.NULLABLE) == bad(message)


async def test_who_breaks_rules_changes_nothing(world: World) -> None:
    merchant = await world.merchant()
    known = await make_product(world, merchant)
    refused = bad("name should not be empty", "price must not be less than 0.01")
    for method, path in (("POST", "products"), ("PUT", f"products/{known['id']}")):
        response = await send(world, merchant, method, path, A_PRODUCT | {"name": "", "price": 0})
        assert (response.status_code, response.json()) == (400, refused)
    assert (await send(world, merchant, "GET", "products")).json()["data"] == [known]


async def test_a_form_is_read_like_json(world: World) -> None:
    merchant = await world.merchant()
    fields = {"name": "Mug", "description": "Blue", "price": "99.99", "stockCount": "3", "unit": "", "status": "ACTIVE"}
    made = await send_form(world, merchant, "POST", "products", fields)
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["price"], body["stockCount"], body["unit"]) == (99.99, 3, None)
    refused = await send_form(world, merchant, "POST", "products", {"name": "", "price": "cheap"})
    assert refused.json() == bad("name should not be empty", f"price {NUMBER}")


async def test_pictures_are_kept_and_shown_to_everybody(world: World) -> None:
    merchant = await world.merchant()
    fields = {"name": "Mug", "price": "1"}
    made = (await send_form(world, merchant, "POST", "products", fields, PNG, JPEG)).json()
    assert len(made["images"]) == 2
    for url, content, media_type in zip(made["images"], (PNG, JPEG), ("image/png", "image/jpeg"), strict=True):
        assert url.startswith(f"{BASE_URL}/api/v0/products/{made['id']}/images/")
        shown = await world.http.get(url)
        assert (shown.status_code, shown.content) == (200, content)
        assert shown.headers["content-type"] == media_type
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]

    added = await send_form(world, merchant, "POST", f"products/{made['id']}/images", {}, WEBP)
    assert added.status_code == 201, added.text
    assert added.json()["images"][:2] == made["images"]
    assert len(added.json()["images"]) == 3

    replaced = await send_form(world, merchant, "PUT", f"products/{made['id']}", {"name": "Cup"}, JPEG)
    assert (replaced.json()["name"], len(replaced.json()["images"])) == ("Cup", 1)
    assert (await world.http.get(made["images"][0])).json() == failed(404, "Image not found", "Not Found")


async def test_pictures_have_bounds(world: World) -> None:
    merchant = await world.merchant()
    made = await make_product(world, merchant, images=["https://x.example/1"] * 9)
    path = f"products/{made['id']}/images"
    over = await send_form(world, merchant, "POST", path, {}, PNG, PNG)
    assert over.json() == failed(400, "A product can have at most 10 images", "Bad Request")
    strange = await send_form(world, merchant, "POST", path, {}, b"<svg onload=alert(1)>")
    assert strange.json() == bad("images must be JPEG, PNG or WebP files")
    nothing = await send_form(world, merchant, "POST", path, {"x": "y"})
    assert nothing.status_code == 400
    as_json = await send(world, merchant, "POST", path, {"images": []})
    assert as_json.json() == failed(400, "Content-Type must be multipart/form-data", "Bad Request")
    assert (await send(world, merchant, "GET", f"products/{made['id']}")).json() == made


async def test_a_picture_may_have_five_megabytes_and_nothing_else(world: World) -> None:
    merchant = await world.merchant()
    largest = PNG.ljust(5 * 2**20, b"x")
    too_large = failed(413, "The request body is too large", "Payload Too Large")
    made = (await send_form(world, merchant, "POST", "products", {"name": "Mug", "price": "1"}, largest)).json()
    assert (await world.http.get(made["images"][0])).content == largest
    path = f"products/{made['id']}/images"
    for files in ([largest + b"x"], [largest, PNG.ljust(2**20, b"x")]):
        assert (await send_form(world, merchant, "POST", path, {}, *files)).json() == too_large
    described = await send(world, merchant, "POST", "products", {"name": "Mug", "price": 1, "x": "x" * 2**20})
    assert (described.status_code, described.json()) == (413, too_large)
    unknown = await world.http.post("/api/v0/products", files=[("images", ("1.png", largest))])
    assert unknown.status_code == 401
    assert (await send(world, merchant, "GET", f"products/{made['id']}")).json() == made


@pytest.mark.parametrize("content", [b"", b"--x", b"--y\r\n\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n1"])
async def test_a_form_that_is_none_is_refused(world: World, content: bytes) -> None:
    merchant = await world.merchant()
    for media_type in ("multipart/form-data; boundary=x", "multipart/form-data"):
        response = await send(world, merchant, "POST", "products", content, Content_Type=media_type)
        assert response.status_code == 400
        assert response.json()["error"] == "Bad Request"


async def test_a_change_moves_what_is_given_and_null_clears(world: World) -> None:
    merchant = await world.merchant()
    made = await make_product(world, merchant, unit="kg", weight=2, images=["https://x.example/1"])
    world.clock.advance_by(seconds=5)
    body = {"price": 15, "unit": None, "weight": 3, "status": "INACTIVE", "name": None}
    changed = await send(world, merchant, "PUT", f"products/{made['id']}", body)
    assert changed.status_code == 200
    now = changed.json()["dateUpdated"]
    expected = made | {"price": 15, "unit": None, "weight": 3, "status": "INACTIVE"}
    assert changed.json() == expected | {"dateUpdated": now, "updatedAt": now}
    assert now > made["dateUpdated"]
    assert (await send(world, merchant, "GET", f"products/{made['id']}")).json() == changed.json()


async def test_a_deleted_product_is_answered_once_more_and_then_unknown(world: World) -> None:
    merchant = await world.merchant()
    made = (await send_form(world, merchant, "POST", "products", {"name": "Mug", "price": "1"}, PNG)).json()
    deleted = await send(world, merchant, "DELETE", f"products/{made['id']}")
    assert (deleted.status_code, deleted.json()) == (200, made)
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", ""), ("POST", "/images")):
        body: Any = {} if method == "PUT" else None
        gone = await send(world, merchant, method, f"products/{made['id']}{path}", body)
        assert gone.status_code in (400, 404)
    assert (await send(world, merchant, "GET", f"products/{made['id']}")).json() == NOT_FOUND
    assert (await world.http.get(made["images"][0])).status_code == 404


async def test_a_list_is_newest_first_in_pages_with_a_total(world: World) -> None:
    merchant = await world.merchant()
    made = [await make_product(world, merchant, name=f"Mug {n}") for n in range(3)]
    await make_product(world, await world.merchant())
    whole = (await send(world, merchant, "GET", "products")).json()
    assert whole == {"data": made[::-1], "total": 3, "skip": 0, "take": 10}
    part = (await send(world, merchant, "GET", "products?skip=1&take=1")).json()
    assert part == {"data": [made[1]], "total": 3, "skip": 1, "take": 1}
    assert (await send(world, merchant, "GET", "products?skip=9")).json()["data"] == []


async def test_another_merchants_product_is_unknown(world: World) -> None:
    made = await make_product(world, await world.merchant())
    stranger = await world.merchant()
    for method, body in (("GET", None), ("PUT", {"name": "Mine"}), ("DELETE", None)):
        response = await send(world, stranger, method, f"products/{made['id']}", body)
        assert (response.status_code, response.json()) == (404, NOT_FOUND)
    for id in ("x", UNKNOWN.replace("-", ""), UNKNOWN, "%00"):
        assert (await send(world, stranger, "GET", f"products/{id}")).json() == NOT_FOUND


async def test_a_key_makes_one_product_whatever_the_form_of_the_request(world: World) -> None:
    merchant = await world.merchant()
    key = str(uuid4())
    first = await send(world, merchant, "POST", "products", A_PRODUCT, x_idempotency_key=key)
    again = await send(world, merchant, "POST", "products", A_PRODUCT, x_idempotency_key=key)
    assert (first.status_code, again.content) == (201, first.content)
    form = {"name": "Mug", "price": "1"}
    key = str(uuid4())
    first = await send_form(world, merchant, "POST", "products", form, PNG, idempotency_key=key)
    again = await send_form(world, merchant, "POST", "products", form, PNG, idempotency_key=key)
    assert (first.status_code, again.content) == (201, first.content)
    other = await send_form(world, merchant, "POST", "products", form, JPEG, idempotency_key=key)
    assert other.status_code == 409
    assert (await send(world, merchant, "GET", "products")).json()["total"] == 2
