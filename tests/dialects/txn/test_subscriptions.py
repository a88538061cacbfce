"""Which endpoints are told of a link: those that its key and its child's type are subscribed at."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from payglot.dialects.txn import DIALECT
from payglot.store import events
from payglot.webhooks.format import Receiver
from tests.dialects.txn.builders import a_link, choose, dossier_of
from tests.world import BASE_URL, World

OTHER = str(uuid4())


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        (None, True),
        ({}, True),
        ({"api_keys": ["mine"]}, True),
        ({"api_keys": [OTHER, "mine"]}, True),
        ({"api_keys": [OTHER]}, False),
        ({"types": ["invoices"]}, True),
        ({"types": ["invoices", "payouts"]}, True),
        ({"types": ["payouts"]}, False),
        ({"api_keys": ["mine"], "types": ["payouts"]}, False),
        ({"api_keys": [OTHER], "types": ["invoices"]}, False),
    ],
)
async def test_an_invoice_is_told_where_its_key_and_type_are_subscribed(
    world: World, choices: dict[str, list[str]] | None, told: bool
) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await choose(world, merchant, link["id"])
    author = (await dossier_of(world, link["id"])).link.extras["author_id"]
    chosen = {name: [author if each == "mine" else each for each in ids] for name, ids in (choices or {}).items()}
    details = {} if choices is None else {"choices": DIALECT.endpoint_choices(chosen)}
    receiver = Receiver(id=uuid4(), merchant_id=merchant.id, created_at=world.now, details=details)
    async with world.services.database.single() as tx:
        history = await events.of_link(tx, UUID(link["id"]))

    messages = [each for event in history for each in DIALECT.webhooks.messages(event, receiver, BASE_URL)]

    assert [each.name for each in messages] == (["invoice.pending"] if told else [])


async def test_a_link_whose_author_nobody_noted_is_told_everywhere(world: World) -> None:
    merchant = await world.merchant()
    link = await a_link(world, merchant)
    await choose(world, merchant, link["id"])
    details = {"choices": {"api_keys": [OTHER]}}
    receiver = Receiver(id=uuid4(), merchant_id=merchant.id, created_at=world.now, details=details)
    async with world.services.database.single() as tx:
        (event,) = [each for each in await events.of_link(tx, UUID(link["id"])) if each.payment]
    older = replace(event.link, extras={k: v for k, v in event.link.extras.items() if k != "author_id"})
    assert len(DIALECT.webhooks.messages(replace(event, link=older), receiver, BASE_URL)) == 1


@pytest.mark.parametrize(
    "chosen",
    [
        {"api_keys": []},
        {"api_keys": "x"},
        {"api_keys": ["x"]},
        {"types": []},
        {"types": ["paymentLinks"]},
        {"types": "invoices"},
        {"urls": []},
    ],
)
def test_a_choice_that_means_nothing_is_refused(chosen: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="api_keys must be"):
        DIALECT.endpoint_choices(chosen)


def test_null_restricts_nothing() -> None:
    assert DIALECT.endpoint_choices({"api_keys": None, "types": None}) == {}
