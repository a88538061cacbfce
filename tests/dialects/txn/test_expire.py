"""Ending a link by hand: `POST /payment_links/:id/expiration`."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from payglot.domain.event import EventKind
from payglot.domain.merchant import Merchant
from payglot.domain.transfer import TransferStatus
from payglot.operations import links
from payglot.store import events
from tests.dialects.txn.builders import (
    LINKS,
    TYPE,
    a_link,
    choose,
    create,
    dossier_of,
    get,
    invoice_in,
    read,
    send,
    words,
)
from tests.world import World

REFUSED = {"errors": [{"status": 422, "title": "Payment link can't be expired", "code": "invalid_status"}]}


async def expire(world: World, merchant: Merchant, id: str, query: str = "", **request: Any) -> httpx.Response:
    headers = {**await world.headers(merchant, "txn"), **request.pop("headers", {})}
    return await world.http.post(f"{LINKS}/{id}/expiration{query}", headers=headers, **request)


async def test_a_link_nobody_used_expires_at_once_and_is_answered_whole(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, reference="order-7731")

    answered = await expire(world, merchant, link["id"])

    assert answered.status_code == 200
    assert answered.headers["content-type"] == TYPE
    assert answered.json() == {
        "data": {**link, "attributes": {**link["attributes"], "status": "expired"}},
        "meta": {},
        "jsonapi": {"version": "1.0"},
    }
    assert await read(world, merchant, link["id"]) == answered.json()


@pytest.mark.parametrize("seen", [False, True])
async def test_a_pending_link_expires_and_its_child_is_left_alone(world: World, seen: bool) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    if seen:
        await send(world, payment, status=TransferStatus.DETECTED)
    before = await read(world, merchant, link["id"])
    assert before["data"]["attributes"]["status"] == "pending"

    document = (await expire(world, merchant, link["id"])).json()

    assert document["data"]["attributes"]["status"] == "expired"
    assert document["data"]["relationships"] == before["data"]["relationships"]
    assert document["included"] == before["included"]


async def test_money_that_comes_afterwards_completes_the_invoice_and_not_the_link(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    payment = await choose(world, merchant, link["id"])
    await expire(world, merchant, link["id"])

    await send(world, payment)

    document = await read(world, merchant, link["id"])
    assert document["data"]["attributes"]["status"] == "expired"
    assert words(invoice_in(document)) == ("completed", "full", "on_time")


async def test_a_completed_link_is_refused(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await send(world, await choose(world, merchant, link["id"]))

    answered = await expire(world, merchant, link["id"])

    assert (answered.status_code, answered.json()) == (422, REFUSED)
    assert answered.headers["content-type"] == TYPE
    assert (await read(world, merchant, link["id"]))["data"]["attributes"]["status"] == "completed"


async def test_an_expired_link_is_refused_whoever_ended_it(world: World) -> None:
    merchant = await world.merchant()
    by_hand, by_clock, by_work = [(await a_link(world, merchant, expires_at=world.later(days=1)))["id"] for _ in "123"]
    assert (await expire(world, merchant, by_hand)).status_code == 200
    world.clock.advance_by(days=2)
    async with world.services.database.transaction() as tx:
        await links.expire_if_due(tx, UUID(by_work), world.now)

    for id in (by_hand, by_clock, by_work):
        answered = await expire(world, merchant, id)
        assert (answered.status_code, answered.json()) == (422, REFUSED)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"content": b""},
        {"headers": {"Content-Type": TYPE}},
        {"headers": {"Content-Type": f"{TYPE}; charset=utf-8"}},
        {"headers": {"Content-Type": "application/json"}, "content": b"{}"},
        {"headers": {"Content-Type": TYPE}, "content": b"not json"},
    ],
)
async def test_neither_a_body_nor_its_type_is_looked_at(world: World, request_: dict[str, Any]) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    assert (await expire(world, merchant, link["id"], **request_)).status_code == 200


async def test_unknown_foreign_and_misspelled_ids_are_answered_alike(world: World) -> None:
    merchant = await world.merchant()
    foreign = (await a_link(world, await world.merchant()))["id"]
    mine = (await a_link(world, merchant))["id"]
    for id in (str(uuid4()), "x", foreign, mine.replace("-", "")):
        answered = await expire(world, merchant, id)
        assert answered.status_code == 404
        assert answered.json()["errors"][0]["code"] == "payment_link_not_found"
    assert (await dossier_of(world, foreign)).link.sequence == 1


async def test_without_a_key_nothing_expires(world: World) -> None:
    link = await a_link(world, await world.merchant())
    answered = await world.http.post(f"{LINKS}/{link['id']}/expiration")
    assert answered.status_code == 401
    assert (await dossier_of(world, link["id"])).link.sequence == 1


@pytest.mark.parametrize(("query", "status"), [("?include=target", 200), ("?include=x", 400), ("?sort=x", 400)])
async def test_parameters_are_held_to_the_rules_of_reading(world: World, query: str, status: int) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    assert (await expire(world, merchant, link["id"], query)).status_code == status


async def test_the_answer_must_be_acceptable(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    refused = await expire(world, merchant, link["id"], headers={"Accept": f"{TYPE}; charset=utf-8"})
    assert refused.status_code == 406
    assert (await dossier_of(world, link["id"])).link.sequence == 1


async def test_it_is_told_once_among_events_and_the_reference_stays_taken(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant, reference="order-1")
    await expire(world, merchant, link["id"])
    await expire(world, merchant, link["id"])
    async with world.services.database.single() as tx:
        kinds = [event.kind for event in await events.of_link(tx, UUID(link["id"]))]
    assert kinds == [EventKind.LINK_CREATED, EventKind.LINK_EXPIRED]
    assert (await create(world, merchant, reference="order-1")).json()["errors"][0]["code"] == "reference_duplicate"


async def test_only_post_is_served(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    answered = await get(world, merchant, f"{LINKS}/{link['id']}/expiration")
    assert (answered.status_code, answered.headers["allow"]) == (405, "POST")
