"""Reading a Qonto link and its payments: every status word of both, pages, filters, order."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from payglot.domain.payment import Payment
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments as paying
from tests.dialects.qonto.builders import (
    a_link,
    basket,
    cancel,
    choose,
    confirm,
    dossier_of,
    fail,
    get,
    golden,
    payments_of,
    send,
    status_of,
    with_names,
)
from tests.lifecycle import let_time_pass
from tests.world import World


async def nothing(world: World, payment: Payment) -> None:
    pass


async def authorize(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await paying.authorize(tx, payment.link_id, payment.id, world.now)


async def pay(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    await send(world, payment)


async def confirm_and_fail(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    await fail(world, payment)


async def lapse(world: World, payment: Payment) -> None:
    await let_time_pass(world, days=367)


async def pay_and_lapse(world: World, payment: Payment) -> None:
    await pay(world, payment)
    await lapse(world, payment)


async def take_back(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    reference = await send(world, payment)
    await send(world, payment, TransferStatus.REVERSED, reference)


async def revoke(world: World, payment: Payment) -> None:
    async with world.services.database.transaction() as tx:
        await links.cancel(tx, payment.link_id, world.now)


Life = Callable[[World, Payment], Awaitable[None]]


@pytest.mark.parametrize(
    ("life", "payment_word", "link_word"),
    [
        (nothing, "open", "open"),
        (authorize, "open", "open"),
        (confirm, "pending", "processing"),
        (pay, "paid", "paid"),
        (fail, "failed", "open"),
        (confirm_and_fail, "failed", "open"),
        (cancel, "canceled", "open"),
        (lapse, "expired", "expired"),
        (pay_and_lapse, "paid", "paid"),
        (take_back, "failed", "paid"),
        (revoke, "open", "canceled"),
    ],
)
async def test_each_state_reads_in_the_providers_word(
    world: World, life: Life, payment_word: str, link_word: str
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await life(world, await choose(world, merchant, link["id"]))

    (payment,) = await payments_of(world, merchant, link["id"])

    assert (payment["status"], await status_of(world, merchant, link["id"])) == (payment_word, link_word)
    assert (payment["paid_at"] is None) == (life not in (pay, pay_and_lapse, take_back))


async def test_a_reusable_link_stays_open_and_its_list_grows(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, basket(reusable=True))
    for _ in range(2):
        await pay(world, await choose(world, merchant, link["id"]))
    assert await status_of(world, merchant, link["id"]) == "open"
    assert [each["status"] for each in await payments_of(world, merchant, link["id"])] == ["paid", "paid"]


async def test_reading_gives_the_bare_link_and_once_more_under_its_name(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, golden("invoice.request"))
    response = await get(world, merchant, link["id"])
    body = response.json()
    assert list(body) == [*golden("invoice.response")["payment_link"], "payment_link"]
    assert body.pop("payment_link") == body == link


async def test_an_id_may_be_written_in_capitals(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    assert (await get(world, merchant, link["id"].upper())).json()["id"] == link["id"]


async def test_a_link_nobody_tried_to_pay_has_an_empty_page(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    assert (await get(world, merchant, f"{link['id']}/payments")).json() == {
        "payments": [],
        "meta": {
            "current_page": 1,
            "next_page": None,
            "prev_page": None,
            "total_pages": 0,
            "total_count": 0,
            "per_page": 100,
        },
    }


async def test_payments_are_listed_as_documented(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    await pay(world, payment)

    body = (await get(world, merchant, f"{link['id']}/payments")).json()

    shown, expected = body["payments"][0], golden("payments.response")
    names = {shown["id"]: "payment", shown["created_at"]: "now", shown["paid_at"]: "now"}
    assert with_names(body, names) == expected
    assert list(shown) == list(expected["payments"][0])
    assert UUID(shown["id"]) == payment.id


PAGES: tuple[tuple[str, list[int], tuple[int | None, ...]], ...] = (
    ("", [3, 2, 1], (1, None, None, 1, 3, 100)),
    ("?sort_by=creation_date:desc", [3, 2, 1], (1, None, None, 1, 3, 100)),
    ("?sort_by=creation_date:asc", [1, 2, 3], (1, None, None, 1, 3, 100)),
    ("?per_page=2", [3, 2], (1, 2, None, 2, 3, 2)),
    ("?per_page=2&page=2", [1], (2, None, 1, 2, 3, 2)),
    ("?per_page=1&page=2", [2], (2, 3, 1, 3, 3, 1)),
    ("?page=9", [], (9, None, 8, 1, 3, 100)),
    ("?status[]=failed", [2, 1], (1, None, None, 1, 2, 100)),
    ("?status[]=failed&status[]=paid", [3, 2, 1], (1, None, None, 1, 3, 100)),
    ("?status=paid", [3], (1, None, None, 1, 1, 100)),
    ("?status[]=paid,open", [3], (1, None, None, 1, 1, 100)),
    ("?status[]=authorized", [], (1, None, None, 0, 0, 100)),
    ("?status[]=failed&per_page=1&sort_by=creation_date:asc", [1], (1, 2, None, 2, 2, 1)),
)


async def test_payments_are_paged_filtered_and_ordered(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    for life in (fail, fail, pay):
        await life(world, await choose(world, merchant, link["id"]))
    numbers = {str(payment.id): payment.number for payment in (await dossier_of(world, link["id"])).payments}
    names = ("current_page", "next_page", "prev_page", "total_pages", "total_count", "per_page")
    for query, shown, meta in PAGES:
        body = (await get(world, merchant, f"{link['id']}/payments{query}")).json()

        assert [numbers[each["id"]] for each in body["payments"]] == shown, query
        assert body["meta"] == dict(zip(names, meta, strict=True)), query


OUT_OF_RANGE: tuple[tuple[str, str], ...] = (
    ("per_page=0", "invalid"),
    ("per_page=101", "invalid"),
    ("per_page=", "invalid"),
    ("page=0", "invalid"),
    ("page=-1", "invalid"),
    ("page=x", "invalid"),
    ("page=1.5", "invalid"),
    ("page=99999999", "invalid"),
    ("page=%D9%A1", "invalid"),
    ("status=lost", "not_in_list"),
    ("status=processing", "not_in_list"),
    ("sort_by=created_at:asc", "not_in_list"),
    ("sort_by=creation_date", "not_in_list"),
)


async def test_parameters_out_of_range_are_refused(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    for query, code in OUT_OF_RANGE:
        response = await get(world, merchant, f"{link['id']}/payments?{query}")
        assert response.status_code == 400, query
        (error,) = response.json()["errors"]
        assert (error["code"], error["source"]) == (code, {"parameter": query.split("=")[0]}), query


async def test_every_bad_parameter_is_named(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    response = await get(world, merchant, f"{link['id']}/payments?page=0&per_page=0&status[]=x&sort_by=y")
    named = {error["source"]["parameter"] for error in response.json()["errors"]}
    assert named == {"page", "per_page", "status", "sort_by"}


async def test_another_merchants_payments_are_as_unknown_as_none(world: World) -> None:
    link = await a_link(world, await world.merchant())
    stranger = await world.merchant()
    for path in (link["id"], f"{link['id']}/payments"):
        response = await get(world, stranger, path)
        assert response.status_code == 404
        trace = response.headers["X-Tyk-Trace-Id"]
        assert with_names(response.json(), {trace: "trace"}) == golden("error.not_found")
