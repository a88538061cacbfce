"""Payment requests: one per attempt at a bank, in STET's words, as webhook consumers read them again."""

from collections.abc import Awaitable, Callable

import pytest

from payglot.domain.payment import Payment
from payglot.domain.transfer import TransferStatus
from tests.dialects.bridge.builders import (
    REQUESTS,
    UNKNOWN,
    V2,
    V3,
    VERSIONS,
    a_link,
    a_merchant,
    authorize,
    cancel,
    confirm,
    fail,
    get,
    golden,
    post,
    request_of,
    send,
    start,
    start_manual,
    transaction,
    with_names,
)
from tests.lifecycle import let_time_pass
from tests.links import make
from tests.world import World

Life = Callable[[World, Payment], Awaitable[None]]


async def started(world: World, payment: Payment) -> None:
    pass


async def executed(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    await send(world, payment)


async def rejected(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    await fail(world, payment, "AC06")


async def given_up_at_the_bank(world: World, payment: Payment) -> None:
    await authorize(world, payment)
    await cancel(world, payment)


async def expired(world: World, payment: Payment) -> None:
    await let_time_pass(world, days=31)


async def expired_at_the_bank(world: World, payment: Payment) -> None:
    await authorize(world, payment)
    await let_time_pass(world, days=31)


async def confirmed_long_ago(world: World, payment: Payment) -> None:
    await confirm(world, payment)
    await let_time_pass(world, days=31)


async def taken_back(world: World, payment: Payment) -> None:
    await send(world, payment)
    await send(world, payment, status=TransferStatus.REVERSED)


LIVES = [
    (started, "CREA", None),
    (cancel, "CREA", None),
    (expired, "CREA", None),
    (authorize, "ACTC", None),
    (given_up_at_the_bank, "ACTC", None),
    (expired_at_the_bank, "ACTC", None),
    (confirm, "PDNG", None),
    (confirmed_long_ago, "PDNG", None),
    (send, "ACSC", None),
    (executed, "ACSC", None),
    (taken_back, "ACSC", None),
    (fail, "RJCT", "MS03"),
    (rejected, "RJCT", "AC06"),
]


@pytest.mark.parametrize(("live", "word", "reason"), LIVES, ids=[live.__name__ for live, *_ in LIVES])
async def test_every_state_has_its_word_for_the_request_and_its_transactions(
    world: World, live: Life, word: str, reason: str | None
) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, transactions=[transaction(), transaction()])
    payment = await start(world, merchant, id)

    await live(world, payment)

    for version in VERSIONS:
        shown = await request_of(world, merchant, payment, version)
        assert (shown["status"], shown.get("status_reason")) == (word, reason)
        for part in shown["transactions"]:
            assert (part["status"], part.get("status_reason")) == (word, reason)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [("AC01", "AC01"), ("AM18", "AM18"), ("FRAD", "FRAD"), ("rejected", "MS03"), ("UNDERPAID", "MS03"), ("", "MS03")],
)
async def test_a_reason_that_is_no_code_is_told_as_unspecified(world: World, failure: str, reason: str) -> None:
    merchant = await a_merchant(world)
    payment = await start(world, merchant, await a_link(world, merchant))
    await fail(world, payment, failure)
    assert (await request_of(world, merchant, payment))["status_reason"] == reason


async def test_a_rejected_request_has_the_documented_members(world: World) -> None:
    merchant = await a_merchant(world)
    body = golden("create.request") | {"expired_date": world.later(days=30)}
    id = (await post(world, merchant, body)).json()["id"]
    payment = await start(world, merchant, id)
    world.clock.advance_by(seconds=5)
    await fail(world, payment, "AC04")

    shown = await request_of(world, merchant, payment)

    names = {
        shown["transactions"][0]["id"]: "transaction",
        shown["id"]: "request",
        id: "link",
        shown["created_at"]: "created",
        shown["updated_at"]: "updated",
    }
    assert with_names(shown, names) == golden("request.rejected")
    newer = await request_of(world, merchant, payment, V3)
    assert newer.pop("provider_id") == shown.pop("bank_id") == 574
    assert newer == shown


async def test_members_without_a_value_are_left_out(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, client_reference=None, transactions=[transaction(end_to_end_id=None)])
    shown = await request_of(world, merchant, await start(world, merchant, id))
    assert not {"client_reference", "status_reason"} & set(shown)
    assert set(shown["transactions"][0]) == {"id", "status", "amount", "currency", "label"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_links_requests_are_listed_newest_first_without_manual_transfers(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    path = f"{REQUESTS[version]}?payment_link_id={id}"
    assert (await get(world, merchant, path, version)).json() == {"resources": [], "pagination": {}}
    first = await start(world, merchant, id)
    await fail(world, first)
    await cancel(world, await start_manual(world, merchant, id))
    second = await start(world, merchant, id, bank="90003")

    listed = (await get(world, merchant, path, version)).json()

    assert [each["id"] for each in listed["resources"]] == [str(second.id), str(first.id)]
    assert listed["resources"][0] == await request_of(world, merchant, second, version)
    assert listed["pagination"] == {}


async def test_a_manual_transfer_is_no_request(world: World) -> None:
    merchant = await a_merchant(world)
    payment = await start_manual(world, merchant, await a_link(world, merchant))
    assert (await get(world, merchant, f"{REQUESTS[V2]}/{payment.id}")).status_code == 404


@pytest.mark.parametrize("version", VERSIONS)
async def test_another_merchants_requests_are_as_unknown_as_none(world: World, version: str) -> None:
    owner, stranger = await a_merchant(world), await a_merchant(world)
    id = await a_link(world, owner)
    payment = await start(world, owner, id)
    qonto = await make(world, stranger, "qonto")
    answers = [
        await get(world, stranger, path, version)
        for path in (
            f"{REQUESTS[version]}/{payment.id}",
            f"{REQUESTS[version]}/{UNKNOWN}",
            f"{REQUESTS[version]}/{id}",
            f"{REQUESTS[version]}/42",
            f"{REQUESTS[version]}?payment_link_id={id}",
            f"{REQUESTS[version]}?payment_link_id={UNKNOWN}",
            f"{REQUESTS[version]}?payment_link_id={qonto.id}",
            f"{REQUESTS[version]}?payment_link_id=",
        )
    ]
    assert {answered.status_code for answered in answers} == {404}
    assert len({answered.text for answered in answers}) == 1


async def test_a_list_needs_its_link(world: World) -> None:
    answered = await get(world, await a_merchant(world), REQUESTS[V2])
    assert (answered.status_code, answered.json()["type"]) == (400, "invalid_request")
