"""Listing links: pages, the documented filters in every spelling, the documented orders, other merchants' links."""

from payglot.domain.merchant import Merchant
from tests.dialects.qonto.builders import PATH, a_link, basket, choose, confirm, priced, send
from tests.lifecycle import let_time_pass
from tests.shapes import check
from tests.world import World

META = ("current_page", "next_page", "prev_page", "total_pages", "total_count", "per_page")


async def five(world: World) -> tuple[Merchant, dict[str, str]]:
    """One link in each state; the answer names them by id. In the order of their creation: expired, canceled, paid,
    processing, open, worth 9.00, 10.00, 5.00, 100.00 and 1.00."""
    merchant = await world.merchant()
    named: dict[str, str] = {}
    prices = {"expired": "9", "canceled": "10", "paid": "5", "processing": "100", "open": "1"}
    for name, price in prices.items():
        link = await a_link(world, merchant, basket(priced(price) | {"vat_rate": "0"}))
        named[link["id"]] = name
        match name:
            case "expired":
                await let_time_pass(world, days=366)
            case "canceled":
                path = f"{PATH}/{link['id']}/deactivate"
                await world.http.patch(path, headers=await world.headers(merchant, "qonto"))
            case "paid" | "processing":
                payment = await choose(world, merchant, link["id"])
                await confirm(world, payment)
                if name == "paid":
                    await send(world, payment)
            case _:
                pass
        world.clock.advance_by(minutes=1)
    return merchant, named


PAGES: tuple[tuple[str, str, tuple[int | None, ...]], ...] = (
    ("", "open processing paid canceled expired", (1, None, None, 1, 5, 100)),
    ("?per_page=2", "open processing", (1, 2, None, 3, 5, 2)),
    ("?per_page=2&page=2", "paid canceled", (2, 3, 1, 3, 5, 2)),
    ("?per_page=2&page=3", "expired", (3, None, 2, 3, 5, 2)),
    ("?page=9", "", (9, None, 8, 1, 5, 100)),
    ("?status[]=open&status[]=paid", "open paid", (1, None, None, 1, 2, 100)),
    ("?status=open", "open", (1, None, None, 1, 1, 100)),
    ("?status[]=open,paid", "open paid", (1, None, None, 1, 2, 100)),
    ("?status[]=expired", "expired", (1, None, None, 1, 1, 100)),
    ("?status[]=canceled", "canceled", (1, None, None, 1, 1, 100)),
    ("?status[]=processing", "processing", (1, None, None, 1, 1, 100)),
    ("?sort_by=amount:asc", "open paid expired canceled processing", (1, None, None, 1, 5, 100)),
    ("?sort_by=amount:desc", "processing canceled expired paid open", (1, None, None, 1, 5, 100)),
    ("?sort_by=expiration_date:asc", "expired canceled paid processing open", (1, None, None, 1, 5, 100)),
    ("?sort_by=expiration_date:desc", "open processing paid canceled expired", (1, None, None, 1, 5, 100)),
    ("?sort_by=amount:desc&status=paid,open&per_page=1&page=2", "open", (2, None, 1, 2, 2, 1)),
)


async def test_links_are_paged_filtered_and_ordered(world: World) -> None:
    merchant, named = await five(world)
    headers = await world.headers(merchant, "qonto")
    for query, shown, meta in PAGES:
        body = (await world.http.get(f"{PATH}{query}", headers=headers)).json()

        assert [named[each["id"]] for each in body["payment_links"]] == shown.split(), query
        assert [each["status"] for each in body["payment_links"]] == shown.split(), query
        assert body["meta"] == dict(zip(META, meta, strict=True)), query


async def test_entries_are_whole_links(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    response = await world.http.get(PATH, headers=await world.headers(merchant, "qonto"))
    assert response.json()["payment_links"] == [link]
    document = (await world.http.get("/openapi/qonto.json")).json()
    check(document, ("get", PATH), 200, response.json())


async def test_a_link_past_its_expiry_is_listed_as_expired_at_once(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    world.clock.advance_by(days=366)
    headers = await world.headers(merchant, "qonto")
    found = (await world.http.get(f"{PATH}?status[]=expired", headers=headers)).json()["payment_links"]
    assert [(each["id"], each["status"]) for each in found] == [(link["id"], "expired")]
    assert (await world.http.get(f"{PATH}?status[]=open", headers=headers)).json()["payment_links"] == []


async def test_another_merchants_links_are_not_listed(world: World) -> None:
    await a_link(world, await world.merchant())
    body = (await world.http.get(PATH, headers=await world.headers(await world.merchant(), "qonto"))).json()
    assert body == {"payment_links": [], "meta": dict(zip(META, (1, None, None, 0, 0, 100), strict=True))}


OUT_OF_RANGE: tuple[tuple[str, str], ...] = (
    ("per_page=0", "invalid"),
    ("per_page=101", "invalid"),
    ("per_page=x", "invalid"),
    ("page=0", "invalid"),
    ("page=1000001", "invalid"),
    ("status=lost", "not_in_list"),
    ("status=pending", "not_in_list"),
    ("sort_by=creation_date:asc", "not_in_list"),
    ("sort_by=", "not_in_list"),
)


async def test_parameters_out_of_range_are_refused(world: World) -> None:
    headers = await world.headers(await world.merchant(), "qonto")
    for query, code in OUT_OF_RANGE:
        response = await world.http.get(f"{PATH}?{query}", headers=headers)
        assert response.status_code == 400, query
        (error,) = response.json()["errors"]
        assert (error["code"], error["source"]) == (code, {"parameter": query.split("=")[0]}), query
