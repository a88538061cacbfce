"""The Demo Bank's logins: each leads a test payment to its documented end, some of them an hour later."""

import asyncio
from typing import Any

import httpx
import pytest

from payglot.dialects.bridge import DIALECT
from payglot.domain.merchant import Merchant, Mode
from payglot.operations import expiry, payments
from payglot.web.flow import Choice
from tests.dialects.bridge.builders import (
    REQUESTS,
    V2,
    a_link,
    a_merchant,
    dossier_of,
    get,
    in_words,
    read,
    revoke,
    transaction,
    webhooks,
)
from tests.lifecycle import let_time_pass
from tests.world import World


async def play(world: World, id: str, outcome: str, **wish: Any) -> httpx.Response:
    url = f"http://payglot.test/pay/{(await dossier_of(world, id)).link.token}"
    return await world.http.post("/sandbox/v1/pay", json={"url": url, "outcome": outcome, **wish})


async def words(world: World, merchant: Merchant, id: str) -> list[tuple[str, str | None]]:
    """Each attempt's status and reason, oldest first."""
    listed = (await get(world, merchant, f"{REQUESTS[V2]}?payment_link_id={id}")).json()["resources"]
    return [(each["status"], each.get("status_reason")) for each in reversed(listed)]


async def test_a_payment_that_is_executed_on_its_confirmation_is_never_pending(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    assert (await play(world, id, "paid", method="id_acsc")).json()["link_status"] == "paid"
    assert in_words(await webhooks(world, id)) == ["created", "ACTC", "ACSC", "link COMPLETED"]


async def test_nor_is_it_executed_where_the_link_takes_no_payment_any_more(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    opened = Choice(values={"bank": "574", "login": "id_acsc"})
    dossier = await dossier_of(world, id)
    opening = DIALECT.flow.open(merchant, dossier, opened, world.services.rail, world.now)
    async with world.services.database.transaction() as tx:
        begun = (await payments.start(tx, dossier.link.id, opening, world.now)).payments[-1]
    await revoke(world, id)
    assert (await play(world, id, "paid", payment_id=str(begun.id))).status_code == 409
    assert (await read(world, merchant, id))["status"] == "REVOKED"


@pytest.mark.parametrize("name", ["id_pdng_acsc", "id-pdng-acsc"])
async def test_a_pending_payment_is_executed_an_hour_later(world: World, name: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, transactions=[transaction(), transaction()])
    assert (await play(world, id, "processing", method=name)).status_code == 200
    await let_time_pass(world, minutes=59)
    assert await words(world, merchant, id) == [("PDNG", None)]
    await let_time_pass(world, minutes=2)
    assert await words(world, merchant, id) == [("ACSC", None)]
    assert in_words(await webhooks(world, id))[-2:] == ["ACSC", "ACSC"]
    assert (await read(world, merchant, id))["status"] == "COMPLETED"


async def test_a_pending_payment_is_rejected_an_hour_later(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await play(world, id, "processing", method="id_pdng_rjct")
    await let_time_pass(world, minutes=61)
    assert await words(world, merchant, id) == [("RJCT", "MS03")]
    assert (await read(world, merchant, id))["status"] == "COMPLETED", "that is final"
    assert in_words(await webhooks(world, id)) == ["created", "ACTC", "PDNG", "link COMPLETED", "RJCT MS03"]


async def test_a_planned_end_comes_also_after_the_links_expiry_and_once(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, expired_date=None)
    await play(world, id, "processing", method="id_pdng_acsc")
    world.clock.advance_by(days=1)
    # As two workers do.
    await asyncio.gather(*(expiry.run(world.services.database, world.now) for _ in range(2)))
    dossier = await dossier_of(world, id)
    assert await words(world, merchant, id) == [("ACSC", None)]
    assert len(dossier.transfers_of(dossier.payments[0])) == 1


async def test_a_deferred_payment_is_executed_on_its_date(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, transactions=[transaction(execution_date=world.later(days=3))])
    await play(world, id, "processing", method="id_pdng_acsc")
    await let_time_pass(world, days=2, hours=23)
    assert await words(world, merchant, id) == [("PDNG", None)]
    await let_time_pass(world, hours=2)
    assert await words(world, merchant, id) == [("ACSC", None)]


@pytest.mark.parametrize(("outcome", "word"), [("paid", ("ACSC", None)), ("failed", ("RJCT", "MS03"))])
async def test_a_tester_may_end_it_sooner_and_the_plan_is_dropped(
    world: World, outcome: str, word: tuple[str, str | None]
) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await play(world, id, "processing", method="id_pdng_acsc")
    assert (await play(world, id, outcome)).status_code == 200
    told = await webhooks(world, id)
    await let_time_pass(world, minutes=61)
    assert await words(world, merchant, id) == [word]
    assert await webhooks(world, id) == told


async def test_without_a_login_a_pending_payment_waits_for_the_tester(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    await play(world, id, "processing")
    await let_time_pass(world, days=40)
    assert await words(world, merchant, id) == [("PDNG", None)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("id_rjct_ac01", "AC01"), ("id_rjct_ac04", "AC04"), ("id-rjct-ac06", "AC06"), ("id_rjct_frad", "FRAD")],
)
async def test_a_payment_is_rejected_at_once_with_the_logins_reason(world: World, name: str, reason: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    assert (await play(world, id, "failed", method=name)).status_code == 200
    assert await words(world, merchant, id) == [("RJCT", reason)]
    assert (await read(world, merchant, id))["status"] == "VALID", "it can be tried again"
    await play(world, id, "paid", method="id_acsc")
    assert await words(world, merchant, id) == [("RJCT", reason), ("ACSC", None)]


@pytest.mark.parametrize(
    ("outcome", "method"),
    [
        ("paid", "id_pdng_acsc"),
        ("processing", "id_acsc"),
        ("paid", "id_rjct_ac01"),
        ("manual_transfer", "id_acsc"),
        ("underpaid", "id_acsc"),
        ("paid", "id_rjct_"),
        ("failed", "id_rjct_12ab"),
        ("failed", "id_rjct_ac011"),
        ("failed", "ID_RJCT_AC01"),
        ("paid", "id_xxxx"),
    ],
)
async def test_a_login_leads_to_its_own_outcome_only(world: World, outcome: str, method: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    assert (await play(world, id, outcome, method=method)).status_code == 409
    assert await words(world, merchant, id) == []


async def test_a_login_names_its_bank_whatever_was_preselected(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant, bank_id=90003)
    await play(world, id, "processing", method="id_pdng_acsc")
    assert (await dossier_of(world, id)).payments[0].extras["bank"] == 574


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        (Mode.TEST, {"bank": "574"}),
        (Mode.TEST, {"bank": "90003", "login": "id_pdng_acsc"}),
        (Mode.TEST, {"bank": "574", "login": "somebody"}),
        (Mode.LIVE, {"bank": "574", "login": "id_pdng_acsc"}),
    ],
)
async def test_nothing_is_planned_for_other_banks_other_logins_and_live_merchants(
    world: World, mode: Mode, values: dict[str, str]
) -> None:
    merchant = await a_merchant(world, mode=mode)
    dossier = await dossier_of(world, await a_link(world, merchant))
    opening = DIALECT.flow.open(merchant, dossier, Choice(values=values), world.services.rail, world.now)
    assert not [name for name in opening.extras if name.startswith("sandbox")]
