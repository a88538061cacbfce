"""Listing links and invoices: pages, order, filters, what is included, and who sees what."""

from datetime import timedelta
from typing import Any

import pytest

from payglot.domain.merchant import Merchant
from tests.dialects.txn.builders import (
    INVOICES,
    LINKS,
    TYPE,
    a_link,
    check_linkage,
    choose,
    get,
    invoice_in,
    millis,
    read,
    send,
)
from tests.world import World


async def pages(world: World, merchant: Merchant, path: str, query: str = "") -> dict[str, Any]:
    answered = await get(world, merchant, f"{path}?{query}")
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == TYPE
    document: dict[str, Any] = answered.json()
    return document


def ids(document: dict[str, Any]) -> list[str]:
    return [each["id"] for each in document["data"]]


async def three(world: World, merchant: Merchant) -> list[str]:
    """Links a minute apart, oldest first, with the references `a`, `b` and `c`."""
    made = []
    for reference in "abc":
        made.append((await a_link(world, merchant, reference=reference))["id"])
        world.clock.advance_by(minutes=1)
    return made


async def three_invoices(world: World, merchant: Merchant) -> list[str]:
    made = []
    for id in await three(world, merchant):
        made.append(str((await choose(world, merchant, id)).id))
        world.clock.advance_by(minutes=1)
    return made


@pytest.mark.parametrize("path", [LINKS, INVOICES])
async def test_of_nothing_there_is_an_empty_page(world: World, path: str) -> None:
    merchant = await world.merchant()
    await three_invoices(world, await world.merchant())
    assert await pages(world, merchant, path) == {
        "data": [],
        "meta": {"page": 1, "per_page": 25, "total": 0},
        "jsonapi": {"version": "1.0"},
    }


async def test_links_without_children_are_listed_as_they_read_and_nothing_is_included(world: World) -> None:
    merchant = await world.merchant()
    made = await three(world, merchant)

    document = await pages(world, merchant, LINKS)

    assert document == {
        "data": [(await read(world, merchant, id))["data"] for id in reversed(made)],
        "meta": {"page": 1, "per_page": 25, "total": 3},
        "jsonapi": {"version": "1.0"},
    }
    assert list(document) == ["data", "meta", "jsonapi"]


async def test_the_children_of_the_listed_links_are_included_each_thing_once(world: World) -> None:
    merchant = await world.merchant()
    made = await three(world, merchant)
    for id in made[:2]:
        await send(world, await choose(world, merchant, id))

    document = await pages(world, merchant, LINKS, "include=target")

    alone = [await read(world, merchant, id) for id in reversed(made)]
    assert document["data"] == [each["data"] for each in alone]
    expected = {(part["type"], part["id"]): part for each in alone for part in each.get("included", [])}
    assert {(part["type"], part["id"]): part for part in document["included"]} == expected
    # Both invoices credit one account.
    assert sorted(part["type"] for part in document["included"]).count("accounts") == 1
    check_linkage(document)
    assert list(document) == ["data", "included", "meta", "jsonapi"]


async def test_invoices_are_listed_as_they_read(world: World) -> None:
    merchant = await world.merchant()
    made = await three_invoices(world, merchant)

    document = await pages(world, merchant, INVOICES)

    alone = [(await get(world, merchant, f"{INVOICES}/{id}")).json() for id in reversed(made)]
    assert document["data"] == [each["data"] for each in alone]
    assert {(part["type"], part["id"]) for part in document["included"]} == {
        (part["type"], part["id"]) for each in alone for part in each["included"]
    }
    assert document["meta"] == {"page": 1, "per_page": 25, "total": 3}
    assert document["jsonapi"] == {"version": "1.0"}
    check_linkage(document)


async def test_a_deposit_is_included_in_the_list_of_invoices(world: World) -> None:
    merchant = await world.merchant()
    payment = await choose(world, merchant, (await a_link(world, merchant))["id"])
    await send(world, payment)

    document = await pages(world, merchant, INVOICES)

    (deposit,) = [part for part in document["included"] if part["type"] == "coinTransactions"]
    assert document["data"][0]["relationships"]["coinDeposits"]["data"] == [
        {"type": "coinTransactions", "id": deposit["id"]}
    ]


ORDERED = [
    ("", "cba"),
    ("order=created_at", "cba"),
    ("order_type=desc", "cba"),
    ("order_type=asc", "abc"),
    ("order=created_at&order_type=asc", "abc"),
    ("per_page=1", "c"),
    ("per_page=2", "cb"),
    ("per_page=2&page=2", "a"),
    ("per_page=2&page=3", ""),
    ("per_page=1&page=2", "b"),
    ("per_page=1&page=3", "a"),
    ("per_page=1&page=3&order_type=asc", "c"),
    ("per_page=100&page=1", "cba"),
    ("page=1000000000&per_page=100", ""),
    ("reference=b", "b"),
    ("reference=d", ""),
    ("reference=b&page=2", ""),
]


@pytest.mark.parametrize("path", [LINKS, INVOICES])
async def test_pages_and_order(world: World, path: str) -> None:
    merchant = await world.merchant()
    await (three if path == LINKS else three_invoices)(world, merchant)
    for query, expected in ORDERED:
        document = await pages(world, merchant, path, query)
        assert "".join(each["attributes"]["reference"] for each in document["data"]) == expected, query
        assert document["meta"]["total"] == (3 if "reference" not in query else 1 if "=b" in query else 0), query


async def test_the_meta_repeats_the_page_and_its_size_as_numbers(world: World) -> None:
    merchant = await world.merchant()
    await three(world, merchant)
    document = await pages(world, merchant, LINKS, "page=2&per_page=1")
    assert document["meta"] == {"page": 2, "per_page": 1, "total": 3}
    assert all(type(value) is int for value in document["meta"].values())


@pytest.mark.parametrize("path", [LINKS, INVOICES])
async def test_both_bounds_on_the_creation_belong_to_the_range(world: World, path: str) -> None:
    merchant = await world.merchant()
    made = await (three if path == LINKS else three_invoices)(world, merchant)
    everything = await pages(world, merchant, path, "order_type=asc")
    first, second, third = (each["attributes"]["createdAt"] for each in everything["data"])

    async def between(**bounds: str) -> list[str]:
        query = "&".join(f"{name}={at.replace('+', '%2B')}" for name, at in bounds.items())
        return ids(await pages(world, merchant, path, f"order_type=asc&{query}"))

    assert await between(created_at_from=second) == made[1:]
    assert await between(created_at_to=second) == made[:2]
    assert await between(created_at_from=second, created_at_to=second) == [made[1]]
    assert await between(created_at_from=first, created_at_to=third) == made
    assert await between(created_at_from=third, created_at_to=first) == []
    elsewhere = (world.now - timedelta(hours=1) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")
    assert await between(created_at_from=elsewhere) == made
    assert await between(created_at_to=millis(world.now - timedelta(hours=1))) == []


async def test_the_total_counts_what_the_filter_lets_through(world: World) -> None:
    merchant = await world.merchant()
    await three(world, merchant)
    oldest = (await pages(world, merchant, LINKS, "order_type=asc&per_page=1"))["data"][0]["attributes"]["createdAt"]
    document = await pages(world, merchant, LINKS, f"created_at_to={oldest}&per_page=1&page=2")
    assert (document["data"], document["meta"]["total"]) == ([], 1)


async def test_a_reference_is_matched_whole_and_as_it_is(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, reference="Zoë & 50%_")
    await a_link(world, merchant, reference="Zoë & 50%_ more")
    found = await pages(world, merchant, LINKS, "reference=Zo%C3%AB%20%26%2050%25_")
    assert ids(found) == [link["id"]]
    assert ids(await pages(world, merchant, LINKS, "reference=zo%C3%AB%20%26%2050%25_")) == []


@pytest.mark.parametrize("path", [LINKS, INVOICES])
async def test_nobody_sees_anothers(world: World, path: str) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    await three_invoices(world, other)
    mine = await three_invoices(world, merchant)
    links = ids(await pages(world, merchant, LINKS, "order_type=asc"))
    document = await pages(world, merchant, path, "order_type=asc&reference=b")
    assert ids(document) == [(links if path == LINKS else mine)[1]]
    assert document["meta"]["total"] == 1


async def test_links_of_other_dialects_are_not_listed(world: World) -> None:
    merchant = await world.merchant()
    made = await world.http.post(
        "/v1/payment-link",
        headers=await world.headers(merchant, "p100"),
        json={"amount": "50.00", "expiresAt": world.later(days=1)},
    )
    assert made.status_code == 200
    assert (await pages(world, merchant, LINKS))["meta"]["total"] == 0


async def test_a_listed_link_past_its_expiry_is_expired(world: World) -> None:
    merchant = await world.merchant()
    await a_link(world, merchant, expires_at=world.later(minutes=5))
    world.clock.advance_by(minutes=6)
    (link,) = (await pages(world, merchant, LINKS))["data"]
    assert link["attributes"]["status"] == "expired"


async def test_the_pages_of_a_longer_list_hold_everything_once(world: World) -> None:
    """The later half is counted from the end, which must not show."""
    merchant = await world.merchant()
    made = [(await a_link(world, merchant))["id"] for _ in range(7)]
    invoices = [str((await choose(world, merchant, id)).id) for id in made]
    for path, expected in ((LINKS, made), (INVOICES, invoices)):
        for order, whole in (("asc", expected), ("desc", expected[::-1])):
            seen = [
                ids(await pages(world, merchant, path, f"order_type={order}&per_page=2&page={page}"))
                for page in range(1, 6)
            ]
            assert seen == [whole[0:2], whole[2:4], whole[4:6], whole[6:], []]


BAD = [
    ("page=0", "page", "invalid_page"),
    ("page=-1", "page", "invalid_page"),
    ("page=", "page", "invalid_page"),
    ("page=1.0", "page", "invalid_page"),
    ("page=x", "page", "invalid_page"),
    ("page=%D9%A3", "page", "invalid_page"),
    ("page=1000000001", "page", "invalid_page"),
    ("page=" + "9" * 5000, "page", "invalid_page"),
    ("per_page=0", "per_page", "invalid_per_page"),
    ("per_page=101", "per_page", "invalid_per_page"),
    ("per_page=ten", "per_page", "invalid_per_page"),
    ("order=amount", "order", "invalid_order"),
    ("order=", "order", "invalid_order"),
    ("order=createdAt", "order", "invalid_order"),
    ("order_type=ASC", "order_type", "invalid_order_type"),
    ("order_type=up", "order_type", "invalid_order_type"),
    ("reference=", "reference", "invalid_reference"),
    ("reference=%00", "reference", "invalid_reference"),
    ("reference=" + "a" * 301, "reference", "invalid_reference"),
    ("created_at_from=yesterday", "created_at_from", "invalid_created_at_from"),
    ("created_at_from=2030-01-05", "created_at_from", "invalid_created_at_from"),
    ("created_at_from=2030-01-05T00:00:00", "created_at_from", "invalid_created_at_from"),
    ("created_at_to=2030-02-30T00:00:00Z", "created_at_to", "invalid_created_at_to"),
    ("created_at_to=", "created_at_to", "invalid_created_at_to"),
    ("page[number]=2", "page", "unsupported_parameter"),
    ("page%5Bsize%5D=2&page%5Bnumber%5D=2", "page", "unsupported_parameter"),
    ("filter[reference]=b", "filter", "unsupported_parameter"),
    ("sort=-created_at", "sort", "invalid_sort"),
    ("include=x", "include", "invalid_include"),
]


@pytest.mark.parametrize("path", [LINKS, INVOICES])
async def test_a_parameter_that_breaks_a_rule_is_named(world: World, path: str) -> None:
    merchant = await world.merchant()
    for query, parameter, code in BAD:
        answered = await get(world, merchant, f"{path}?{query}")
        assert answered.status_code == 400, query
        (error,) = answered.json()["errors"]
        assert list(error) == ["status", "title", "code", "detail", "source"], query
        assert (error["status"], error["code"], error["detail"]) == (400, code, ""), query
        assert error["source"] == {"parameter": parameter}, query


async def test_all_bad_parameters_are_named_at_once_and_none_is_echoed(world: World) -> None:
    answered = await get(world, await world.merchant(), f"{LINKS}?page=zq7&per_page=zq7&order=zq7&created_at_to=zq7")
    assert answered.status_code == 400
    assert {error["source"]["parameter"] for error in answered.json()["errors"]} == {
        "page",
        "per_page",
        "order",
        "created_at_to",
    }
    assert "zq7" not in answered.text


async def test_parameters_that_nobody_knows_are_passed_over(world: World) -> None:
    merchant = await world.merchant()
    made = await three(world, merchant)
    assert ids(await pages(world, merchant, LINKS, "_=1&status=expired&fields[paymentLinks]=amount")) == made[::-1]


async def test_the_invoice_of_a_listed_link_is_the_one_listed_among_invoices(world: World) -> None:
    merchant = await world.merchant()
    await choose(world, merchant, (await a_link(world, merchant))["id"])
    (invoice,) = (await pages(world, merchant, INVOICES))["data"]
    assert invoice_in(await pages(world, merchant, LINKS)) == invoice
