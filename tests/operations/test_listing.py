"""A merchant's list of links: what a plain sort and filter of everything would give, page by page."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from payglot.domain import link as link_machine
from payglot.domain.link import Link, LinkStatus
from payglot.operations import links
from payglot.operations.links import Order, Where
from payglot.store import links as stored
from tests.domain.build import NOW, a_link, euros
from tests.lifecycle import play
from tests.links import make
from tests.world import World

HOUR = timedelta(hours=1)
DIALECT = "qonto"
EVERYTHING = Where()


async def some_links(world: World, count: int = 60) -> list[Link]:
    """Of one merchant, in every status, many created or ending at the same instant, some overdue at NOW."""
    merchant = await world.merchant()
    random = Random(7)
    made = [
        a_link(
            merchant_id=merchant.id,
            dialect=DIALECT,
            status=random.choice(list(LinkStatus)),
            amount=euros(random.randint(1, 9)),
            reference=f"number {number}",
            created_at=NOW - HOUR * random.randint(1, 12),
            expires_at=random.choice([None, NOW - HOUR, NOW, NOW + HOUR, NOW + 2 * HOUR]),
        )
        for number in range(count)
    ]
    async with world.services.database.transaction() as tx:
        for link in made:
            await stored.create(tx, link_machine.birth(link), unique_reference=True)
            await stored.create(tx, link_machine.birth(twin_of(link)))
    return made


def twin_of(link: Link) -> Link:
    """The same link of the same merchant in another dialect: never to be seen in this one."""
    other = a_link()
    return replace(link, id=other.id, token=other.token, dialect="p100")


FILTERS: list[tuple[Where, Callable[[Link], bool]]] = [
    (EVERYTHING, lambda link: True),
    *[
        (Where(statuses=frozenset({status})), lambda link, status=status: link.status is status)
        for status in LinkStatus
    ],
    (
        Where(statuses=frozenset({LinkStatus.OPEN, LinkStatus.EXPIRED, LinkStatus.PAID})),
        lambda link: link.status in (LinkStatus.OPEN, LinkStatus.EXPIRED, LinkStatus.PAID),
    ),
    (Where(statuses=frozenset()), lambda link: False),
    (Where(reference="number 3"), lambda link: link.reference == "number 3"),
    (
        Where(created_from=NOW - 8 * HOUR, created_until=NOW - 4 * HOUR),
        lambda link: NOW - 8 * HOUR <= link.created_at < NOW - 4 * HOUR,
    ),
    (
        Where(statuses=frozenset({LinkStatus.EXPIRED}), created_from=NOW - 6 * HOUR),
        lambda link: link.status is LinkStatus.EXPIRED and link.created_at >= NOW - 6 * HOUR,
    ),
    (
        Where(expires_from=NOW, expires_until=NOW + 2 * HOUR),
        lambda link: link.expires_at is not None and NOW <= link.expires_at < NOW + 2 * HOUR,
    ),
]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(("where", "lets_through"), FILTERS)
async def test_pages_by_cursor_are_the_whole_list_in_order(
    world: World, where: Where, lets_through: Callable[[Link], bool], descending: bool
) -> None:
    made = await some_links(world)
    seen: list[Link] = []
    after: tuple[datetime, UUID] | None = None
    async with world.services.database.single() as tx:
        while page := await links.page(
            tx,
            made[0].merchant_id,
            DIALECT,
            NOW,
            where=where,
            order=Order(descending=descending),
            after=after,
            limit=7,
        ):
            seen += [dossier.link for dossier in page]
            after = (seen[-1].created_at, seen[-1].id)
        count = await links.count(tx, made[0].merchant_id, DIALECT, NOW, where=where)
    expected = [link for link in (each.seen_at(NOW) for each in made) if lets_through(link)]
    assert seen == sorted(expected, key=lambda link: (link.created_at, link.id), reverse=descending)
    assert count == len(expected)


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("by", ["created_at", "amount"])
@pytest.mark.parametrize("statuses", [None, frozenset({LinkStatus.OPEN, LinkStatus.EXPIRED})])
async def test_pages_by_number_are_the_same_from_either_end(
    world: World, statuses: frozenset[LinkStatus] | None, by: str, descending: bool
) -> None:
    made = await some_links(world)
    where, order = Where(statuses=statuses), Order(by=by, descending=descending)  # type: ignore[arg-type]
    async with world.services.database.single() as tx:
        total = await links.count(tx, made[0].merchant_id, DIALECT, NOW, where=where)
        for known in (None, total):
            pages = [
                await links.page(
                    tx, made[0].merchant_id, DIALECT, NOW, where=where, order=order, offset=offset, total=known, limit=7
                )
                for offset in range(0, total + 14, 7)
            ]
            seen = [dossier.link for page in pages for dossier in page]
            keys = [((link.created_at if by == "created_at" else link.amount.minor), link.id) for link in seen]  # type: ignore[union-attr]
            assert keys == sorted(keys, reverse=descending)
            assert len({link.id for link in seen}) == len(seen) == total
            assert pages[-2:] == [[], []]


async def test_links_without_an_expiry_stay_together_in_the_order_of_expiry(world: World) -> None:
    made = await some_links(world)
    async with world.services.database.single() as tx:
        page = await links.page(
            tx, made[0].merchant_id, DIALECT, NOW, order=Order(by="expires_at", descending=False), limit=100
        )
    ends = [dossier.link.expires_at for dossier in page]
    known = [end for end in ends if end is not None]
    assert known == sorted(known)
    assert ends == known + [None] * (len(ends) - len(known))


async def test_a_list_shows_each_link_as_reading_it_does(world: World) -> None:
    merchant = await world.merchant()
    paid, untouched = [await make(world, merchant, "p100") for _ in range(2)]
    await play(world, paid, "paid")
    short = await make(world, merchant, "p100")
    await play(world, short, "underpaid")
    async with world.services.database.single() as tx:
        page = await links.page(tx, merchant.id, "p100", world.now, limit=10)
        one_by_one = [
            await links.get(tx, merchant.id, "p100", UUID(made.id), world.now) for made in (short, untouched, paid)
        ]
    assert page == one_by_one
    assert [len(dossier.payments) for dossier in page] == [1, 0, 1]
    assert all(dossier.transfers_of(dossier.payments[0]) for dossier in (page[0], page[2]))


async def test_another_merchants_links_are_not_listed(world: World) -> None:
    await make(world, await world.merchant(), "p100")
    other = await world.merchant()
    async with world.services.database.single() as tx:
        assert await links.page(tx, other.id, "p100", world.now, limit=10) == []
        assert await links.count(tx, other.id, "p100", world.now) == 0
