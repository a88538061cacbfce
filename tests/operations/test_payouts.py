"""Payouts on the real store: claimed once however many claim, and sent once whatever happens between two commits."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payglot.domain.errors import IllegalTransition, LinkNotPayable, NotFound
from payglot.domain.link import LinkStatus
from payglot.domain.merchant import Mode
from payglot.domain.payout import Payout, PayoutStatus
from payglot.operations import links, payouts, sending
from payglot.rails.payouts import Fate, Order, Refused, SandboxPayoutRail
from payglot.store import events
from payglot.web.atomic import atomic
from tests.dialects.txn.payees import a_payout_link, claim, stored
from tests.world import World

PAYEES = 50
S = PayoutStatus


@dataclass
class Chain:
    """A rail that is real in all but the chain: it keeps its orders by key, and fails as it is told."""

    name: str = "chain"
    mode: Mode = Mode.TEST
    told: list[UUID] = field(default_factory=list)
    sent: dict[UUID, str] = field(default_factory=dict)
    refusal: str | None = None
    silent: bool = False
    """It sends, but its answer never comes."""
    fate: Fate = Fate.PENDING

    async def send(self, order: Order) -> str:
        await asyncio.sleep(0)
        self.told.append(order.key)
        if self.refusal is not None:
            raise Refused(self.refusal)
        self.sent.setdefault(order.key, f"0x{order.key.hex}")
        if self.silent:
            raise TimeoutError
        return self.sent[order.key]

    async def look(self, reference: str) -> Fate:
        return self.fate


async def only(world: World, payout: Payout) -> None:
    """Nothing else is due: the database is shared with other tests."""
    async with world.services.database.transaction() as tx:
        statement = "UPDATE payouts SET due_at = 'infinity' WHERE due_at IS NOT NULL AND id <> :id"
        await tx.execute(text(statement), {"id": payout.id})


async def run(world: World, rail: Chain, at: datetime | None = None) -> int:
    return await sending.run(world.services.database, rail, at or world.now)


async def a_claim(world: World, **settings: Any) -> Payout:
    merchant = await world.merchant(**settings)
    link = await a_payout_link(world, merchant)
    payout = await claim(world, merchant, link["id"])
    await only(world, payout)
    return payout


async def test_of_fifty_claims_one_is_taken(world: World) -> None:
    merchant = await world.merchant()
    link = await a_payout_link(world, merchant)

    async def one() -> UUID | None:
        try:
            return (await claim(world, merchant, link["id"])).id
        except LinkNotPayable:
            return None

    taken = Counter(id is not None for id in await asyncio.gather(*(one() for _ in range(PAYEES))))

    assert taken == {True: 1, False: PAYEES - 1}
    async with world.services.database.single() as tx:
        dossier = await links.get_any(tx, UUID(link["id"]), world.now)
        told = await events.of_link(tx, dossier.link.id)
    assert (dossier.link.status, dossier.link.taken) == (LinkStatus.PROCESSING, 1)
    assert [event.kind for event in told] == ["link.created", "payout.created", "link.processing"]
    assert [event.sequence for event in told] == [1, 2, 3]


async def test_the_database_refuses_a_second_payout_of_a_link(world: World) -> None:
    payout = await a_claim(world)
    copied = "INSERT INTO payouts SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid()))).* "
    with pytest.raises(Exception, match="payouts_link_id_key"):
        async with world.services.database.transaction() as tx:
            await tx.execute(text(copied + "FROM payouts p WHERE id = :id"), {"id": payout.id})


async def test_what_is_reserved_is_sent_looked_at_and_completed(world: World) -> None:
    payout, rail = await a_claim(world), Chain()

    assert await run(world, rail) == 1
    sent = await stored(world, payout.id)
    assert (sent.status, sent.rail, sent.reference) == (S.SENT, "chain", f"0x{payout.id.hex}")
    assert await run(world, rail) == 0, "it is looked at later"

    later = world.now + sending.LOOK
    assert await run(world, rail, later) == 0, "the chain has not confirmed it"
    rail.fate = Fate.FINAL
    assert await run(world, rail, later) == 0, "it was looked at a moment ago"
    assert await run(world, rail, later + sending.LOOK) == 1

    done = await stored(world, payout.id)
    assert (done.status, done.due_at) == (S.COMPLETED, None)
    assert rail.told == [payout.id]


@pytest.mark.parametrize("fails_at", ["sending", "chain"])
async def test_what_the_rail_refuses_or_the_chain_fails_has_failed(world: World, fails_at: str) -> None:
    payout = await a_claim(world)
    rail = Chain(refusal="no_funds" if fails_at == "sending" else None, fate=Fate.FAILED)
    await run(world, rail)
    await run(world, rail, world.now + sending.LOOK)
    failed = await stored(world, payout.id)
    assert (failed.status, failed.due_at) == (S.FAILED, None)
    assert failed.failure == ("no_funds" if fails_at == "sending" else "transaction_failed")


async def test_without_an_answer_the_rail_is_told_again_and_sends_once(world: World) -> None:
    payout, rail = await a_claim(world), Chain(silent=True)

    assert await run(world, rail) == 0
    assert (await stored(world, payout.id)).status is S.SENDING, "nobody knows whether it was sent"
    assert await run(world, rail) == 0
    assert rail.told == [payout.id], "not before the rail has had its time"

    rail.silent = False
    assert await run(world, rail, world.now + sending.LEASE) == 1
    assert (await stored(world, payout.id)).status is S.SENT
    assert rail.told == [payout.id] * 2
    assert len(rail.sent) == 1


async def test_a_server_that_died_between_its_two_commits_is_stood_in_for(world: World) -> None:
    payout, rail = await a_claim(world), Chain()
    async with world.services.database.transaction() as tx:
        await payouts.hand_over(tx, payout.id, world.now, rail=rail.name, until=world.now + sending.LEASE)
    assert await run(world, rail) == 0
    assert await run(world, rail, world.now + sending.LEASE + timedelta(seconds=1)) == 1
    assert (await stored(world, payout.id)).status is S.SENT


async def test_several_workers_tell_the_rail_once(world: World) -> None:
    payout, rail = await a_claim(world), Chain()
    moved = await asyncio.gather(*(run(world, rail) for _ in range(5)))
    assert sum(moved) == 1
    assert rail.told == [payout.id]
    again = world.now + sending.LEASE
    rail.fate = Fate.FINAL
    assert sum(await asyncio.gather(*(run(world, rail, again) for _ in range(5)))) == 1


async def test_what_waits_for_approval_reaches_no_rail(world: World) -> None:
    payout, rail = await a_claim(world, payout_approval="manual"), Chain()
    assert await run(world, rail, world.now + timedelta(days=30)) == 0
    async with world.services.database.transaction() as tx:
        await payouts.approve(tx, payout.id, world.now)
    assert await run(world, rail) == 1
    assert rail.told == [payout.id]


async def test_a_rejection_and_the_work_at_once_leave_one_winner(world: World) -> None:
    for _ in range(10):
        payout, rail = await a_claim(world), Chain()

        async def reject(id: UUID = payout.id) -> bool:
            try:
                await atomic(world.services.database, lambda tx: payouts.reject(tx, id, world.now))
            except IllegalTransition:
                return False
            return True

        rejected, moved = await asyncio.gather(reject(), run(world, rail))

        after = await stored(world, payout.id)
        assert after.status is (S.REJECTED if rejected else S.SENT)
        assert (moved, len(rail.told)) == ((0, 0) if rejected else (1, 1))


async def test_a_rail_never_sees_payouts_of_the_other_mode(world: World) -> None:
    """A sandbox that took a live merchant's payout would call it sent."""
    merchant = await world.merchant(mode=Mode.LIVE)
    link = await a_payout_link(world, merchant)
    payout = await claim(world, merchant, link["id"], network="trx:usdt")
    await only(world, payout)
    await sending.run(world.services.database, SandboxPayoutRail(), world.now)
    assert (await stored(world, payout.id)).status is S.RESERVED


async def test_the_same_word_of_a_rail_again_changes_nothing(world: World) -> None:
    payout, rail = await a_claim(world), Chain()
    await run(world, rail)
    for _ in range(2):
        async with world.services.database.transaction() as tx:
            await payouts.sent(tx, payout.id, world.now, reference=f"0x{payout.id.hex}", look_at=world.now)
    for _ in range(2):
        async with world.services.database.transaction() as tx:
            await payouts.complete(tx, payout.id, world.now)
    async with world.services.database.single() as tx:
        told = await events.of_link(tx, payout.link_id)
    assert [event.kind for event in told if event.kind.startswith("payout")] == [
        "payout.created",
        "payout.sending",
        "payout.sent",
        "payout.completed",
    ]


async def test_an_unknown_payout_is_not_found(world: World) -> None:
    async with world.services.database.transaction() as tx:
        with pytest.raises(NotFound):
            await payouts.approve(tx, UUID(int=1), world.now)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("status = 'gone', due_at = NULL", "status_check"),
        ("status = 'sent'", "reference_check"),
        ("status = 'completed', reference = 'x', due_at = NULL", "completed_at_check"),
        ("approval = 'pending'", "awaiting_check"),
        ("approval = 'rejected'", "rejected_check"),
        ("due_at = NULL", "due_at_check"),
        ("pays_minor = 0", "amounts_check"),
        ("mode = 'x'", "mode_check"),
    ],
)
async def test_a_wrong_state_is_impossible(world: World, statement: str, constraint: str) -> None:
    payout = await a_claim(world)
    with pytest.raises(Exception, match=constraint):
        async with world.services.database.transaction() as tx:
            await tx.execute(text(f"UPDATE payouts SET {statement} WHERE id = :id"), {"id": payout.id})
