"""Listing links: newest first, a page at a time, filtered, in both versions."""

import base64
import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from payglot.domain.merchant import Merchant
from tests.dialects.bridge.builders import (
    LINKS,
    REQUESTS,
    UNKNOWN,
    V2,
    V3,
    VERSIONS,
    a_link,
    a_merchant,
    confirm,
    dossier_of,
    fail,
    get,
    golden,
    headers,
    post,
    read,
    request_of,
    revoke,
    send,
    start,
    start_manual,
    transaction,
    with_names,
)
from tests.lifecycle import let_time_pass
from tests.links import make
from tests.world import World


async def some_links(world: World, merchant: Merchant, number: int) -> list[str]:
    """Their ids, newest first, made a minute apart."""
    made = []
    for _ in range(number):
        made.append(await a_link(world, merchant))
        world.clock.advance_by(minutes=1)
    return made[::-1]


async def ask(world: World, merchant: Merchant, query: str = "", version: str = V2) -> httpx.Response:
    return await get(world, merchant, f"{LINKS[version]}{query}", version)


async def listed(world: World, merchant: Merchant, query: str = "", version: str = V2) -> list[str]:
    answered = await ask(world, merchant, query, version)
    assert answered.status_code == 200, answered.text
    return [each["id"] for each in answered.json()["resources"]]


async def walked(world: World, merchant: Merchant, query: str, version: str = V2) -> list[list[str]]:
    """The ids of every page, each but the first found at the `next_uri` before."""
    pages, uri = [], f"{LINKS[version]}{query}"
    while uri:
        answered = await get(world, merchant, uri, version)
        assert answered.status_code == 200, answered.text
        body = answered.json()
        pages.append([each["id"] for each in body["resources"]])
        uri = body["pagination"].get("next_uri")
    return pages


@pytest.mark.parametrize("version", VERSIONS)
async def test_without_links_a_list_is_empty_and_has_one_page(world: World, version: str) -> None:
    answered = await ask(world, await a_merchant(world), version=version)
    assert (answered.status_code, answered.json()) == (200, {"resources": [], "pagination": {}})


@pytest.mark.parametrize("version", VERSIONS)
async def test_links_are_listed_newest_first_each_as_it_is_read(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    ids = [
        await a_link(world, merchant, V2, client_reference=None),
        await a_link(world, merchant, V3, transactions=[transaction(label=None), transaction(amount=1)]),
        await a_link(world, merchant, V2),
        await a_link(world, merchant, V3),
        await a_link(world, merchant, V2),
    ]
    await send(world, await start(world, merchant, ids[1]))
    await send(world, await start_manual(world, merchant, ids[2]), 50)
    await fail(world, await start(world, merchant, ids[3]))
    await revoke(world, ids[4])

    answered = (await ask(world, merchant, version=version)).json()

    assert list(answered) == ["resources", "pagination"]
    assert answered["resources"] == [await read(world, merchant, id, version) for id in ids[::-1]]
    assert answered["pagination"] == {}
    assert {"fund_information", "payment_status"} & {name for each in answered["resources"] for name in each} == (
        {"fund_information"} if version == V2 else {"fund_information", "payment_status"}
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("limit", "sizes"), [(2, [2, 2, 1]), (5, [5]), (1, [1] * 5), (4, [4, 1]), (500, [5])])
async def test_pages_follow_each_other_to_the_last(world: World, version: str, limit: int, sizes: list[int]) -> None:
    merchant = await a_merchant(world)
    ids = await some_links(world, merchant, 5)
    pages = await walked(world, merchant, f"?limit={limit}", version)
    assert [len(page) for page in pages] == sizes
    assert list(itertools.chain(*pages)) == ids


async def test_a_page_of_the_seeds_links_reads_as_documented(world: World) -> None:
    merchant = await a_merchant(world)
    body = golden("create.request") | {"expired_date": world.later(days=30)}
    ids = [(await post(world, merchant, body)).json()["id"] for _ in range(2)]

    answered = (await ask(world, merchant, "?limit=1")).json()

    shown, link = answered["resources"][0], (await dossier_of(world, ids[1])).link
    cursor = answered["pagination"]["next_uri"].partition("after=")[2].partition("&")[0]
    names = {link.token: "token", ids[1]: "link", body["expired_date"]: "expiry", shown["created_at"]: "created"}
    assert with_names(answered, names | {cursor: "cursor"}) == golden("list.first")


async def test_links_made_at_one_instant_are_each_listed_once(world: World) -> None:
    merchant = await a_merchant(world)
    made = {await a_link(world, merchant) for _ in range(5)}
    pages = await walked(world, merchant, "?limit=2")
    assert len(list(itertools.chain(*pages))) == 5
    assert set(itertools.chain(*pages)) == made


async def test_what_is_made_meanwhile_moves_no_later_page(world: World) -> None:
    merchant = await a_merchant(world)
    ids = await some_links(world, merchant, 4)
    first = (await ask(world, merchant, "?limit=2")).json()
    await some_links(world, merchant, 3)
    second = (await get(world, merchant, first["pagination"]["next_uri"])).json()
    assert [each["id"] for each in first["resources"] + second["resources"]] == ids


async def test_a_page_holds_50_unless_something_else_is_asked_for(world: World) -> None:
    merchant = await a_merchant(world)
    ids = [await a_link(world, merchant) for _ in range(51)][::-1]
    answered = (await ask(world, merchant)).json()
    assert len(answered["resources"]) == 50
    assert "limit=50" in answered["pagination"]["next_uri"]
    assert await listed(world, merchant, "?limit=51") == ids


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_next_address_is_relative_and_holds_all_that_the_next_page_takes(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    await some_links(world, merchant, 3)
    # To the microsecond: a later page must not take in what the first one kept out.
    since, until = f"{world.now - timedelta(days=1):%Y-%m-%dT%H:%M:%S}.123456Z", world.later(days=1)
    status = "VALID" if version == V2 else "valid"

    query = f"?status={status}&limit=1&since={since}&until={quote(until)}&unknown=x"
    uri = (await ask(world, merchant, query, version)).json()["pagination"]["next_uri"]

    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", LINKS[version])
    given = parse_qs(parts.query, strict_parsing=True)
    assert list(given) == ["after", "limit", "since", "until", "status"]
    cursor = given.pop("after")
    assert given == {"limit": ["1"], "since": [since], "until": [until], "status": [status]}
    assert cursor[0].isascii()
    assert "=" not in cursor[0], "some clients do not escape what they send again"
    # As one client follows it: what is behind the question mark, sent again as the query.
    behind = httpx.QueryParams(uri.partition("?")[2])
    assert len(await listed(world, merchant, f"?{behind}", version)) == 1


@pytest.mark.parametrize("version", VERSIONS)
async def test_only_links_between_two_instants_are_listed(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    newest, middle, oldest = await some_links(world, merchant, 3)
    at = (await read(world, merchant, middle))["created_at"]
    later = (await read(world, merchant, newest))["created_at"]
    assert await listed(world, merchant, f"?since={at}", version) == [newest, middle]
    assert await listed(world, merchant, f"?until={at}", version) == [oldest]
    assert await listed(world, merchant, f"?since={at}&until={later}", version) == [middle]
    assert await listed(world, merchant, f"?since={later}&until={at}", version) == []
    assert await listed(world, merchant, "?since=2000-01-01T00:00:00Z&until=8000-01-01T00:00:00Z", version) == [
        newest,
        middle,
        oldest,
    ]
    hours_ahead = f"{at.removesuffix('Z')}000000%2B14:00"
    assert await listed(world, merchant, f"?since={hours_ahead}", version) == [newest, middle, oldest]


async def in_each_state(world: World, merchant: Merchant) -> dict[str, list[str]]:
    """Ids by v2's word, newest first."""
    overdue, expired = [await a_link(world, merchant, expired_date=world.later(days=days)) for days in (2, 1)]
    await let_time_pass(world, days=1, minutes=1)
    world.clock.advance_by(days=1)
    valid = await a_link(world, merchant)
    tried = await a_link(world, merchant)
    await fail(world, await start(world, merchant, tried))
    confirmed, executed, rejected, transferred = [await a_link(world, merchant) for _ in range(4)]
    await confirm(world, await start(world, merchant, confirmed))
    await send(world, await start(world, merchant, executed))
    payment = await start(world, merchant, rejected)
    await confirm(world, payment)
    await fail(world, payment)
    await confirm(world, await start_manual(world, merchant, transferred))
    revoked = await a_link(world, merchant)
    await revoke(world, revoked)
    return {
        "VALID": [tried, valid],
        "COMPLETED": [transferred, rejected, executed, confirmed],
        "EXPIRED": [expired, overdue],
        "REVOKED": [revoked],
    }


async def test_only_links_of_a_status_are_listed_in_the_versions_own_spelling(world: World) -> None:
    merchant = await a_merchant(world)
    expected = await in_each_state(world, merchant)
    for word, ids in expected.items():
        for version, spelling in ((V2, word), (V3, word.lower()), (V3, word)):
            answered = (await ask(world, merchant, f"?status={spelling}", version)).json()["resources"]
            assert [each["id"] for each in answered] == ids
            assert {each["status"] for each in answered} == {word if version == V2 else word.lower()}
        pages = await walked(world, merchant, f"?status={word}&limit=1")
        assert [ids for ids in pages if ids] == [[id] for id in ids]
    assert sorted(await listed(world, merchant)) == sorted(itertools.chain(*expected.values()))


async def test_a_link_is_in_the_list_of_its_new_status_at_once(world: World) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    assert await listed(world, merchant, "?status=VALID") == [id]
    world.clock.advance_by(days=31)
    assert await listed(world, merchant, "?status=VALID") == []
    assert await listed(world, merchant, "?status=EXPIRED") == [id]


def unacceptable(version: str) -> Sequence[str]:
    other = ("PAID", "Valid", "OPEN", "", "VALID,EXPIRED", "%00", "expıred", *(("valid",) if version == V2 else ()))
    instants = (
        "",
        "yesterday",
        "2026-12-01",
        "2026-12-01T10:00:00",
        "1767225600",
        "2026-02-30T00:00:00Z",
        "%F0%9F%92%A9",
    )
    cursors = (
        "x", "%%%", "NDc2", "é", "A" * 5000,
        *(
            base64.urlsafe_b64encode(text.encode()).decode()
            for text in ("1:", f"x:{UNKNOWN}", f"{'9' * 30}:{UNKNOWN}")
        ),
    )  # fmt: skip
    return (
        *(f"limit={text}" for text in ("", "0", "501", "-1", "1.5", "ten", "1e2", "%2B5", "٥", "9" * 5000, "null")),
        *(f"status={text}" for text in other),
        *(f"since={text}" for text in instants),
        *(f"until={text}" for text in instants),
        *(f"after={text}" for text in cursors),
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_parameter_that_is_not_what_it_may_be_is_refused_without_being_repeated(
    world: World, version: str
) -> None:
    merchant = await a_merchant(world)
    expected: dict[str, Any] = {"code": "invalid_request", "message": "Invalid query parameters"}
    if version == V2:
        expected = {"type": "invalid_request", "message": "Invalid query parameters", "documentation_url": None}
    for query in unacceptable(version):
        answered = await ask(world, merchant, f"?{query}", version)
        assert (answered.status_code, answered.json()) == (400, expected), query


@pytest.mark.parametrize(
    "query", ["?limit=500", "?limit=1", "?after=", "?limit=007", "?unknown=x", "?", "?client_reference=x"]
)
async def test_what_is_within_bounds_or_unknown_is_taken(world: World, query: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    assert await listed(world, merchant, query) == [id]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_list_holds_the_merchants_own_links_of_this_dialect_alone(world: World, version: str) -> None:
    merchant, stranger = await a_merchant(world), await a_merchant(world)
    await make(world, merchant, "qonto")
    await make(world, merchant, "p100")
    await some_links(world, stranger, 3)
    own = await some_links(world, merchant, 1)
    assert await listed(world, merchant, version=version) == own
    theirs = (await ask(world, stranger, "?limit=1", version)).json()["pagination"]["next_uri"]
    followed = (await get(world, merchant, theirs, version)).json()
    assert followed["resources"] == [], "theirs are older than the one of ours"


@pytest.mark.parametrize("type", ["application/json", "text/plain", ""])
async def test_a_content_type_does_not_matter_where_there_is_no_body(world: World, type: str) -> None:
    merchant = await a_merchant(world)
    sent = {**await headers(world, merchant), "Content-Type": type}
    assert (await world.http.get(LINKS[V2], headers=sent)).status_code == 200


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_links_attempts_come_in_pages_too(world: World, version: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    attempts = []
    for _ in range(3):
        attempts.append(await start(world, merchant, id))
        await fail(world, attempts[-1])
    uri, pages = f"{REQUESTS[version]}?payment_link_id={id}&limit=2", []
    while uri:
        body = (await get(world, merchant, uri, version)).json()
        pages.append(body["resources"])
        uri = body["pagination"].get("next_uri")
        if uri:
            assert uri.startswith(f"{REQUESTS[version]}?after=")
            assert f"payment_link_id={id}" in uri
    assert pages == [
        [
            await request_of(world, merchant, attempts[2], version),
            await request_of(world, merchant, attempts[1], version),
        ],
        [await request_of(world, merchant, attempts[0], version)],
    ]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "after=x"])
async def test_a_page_of_attempts_takes_the_same_bounds(world: World, query: str) -> None:
    merchant = await a_merchant(world)
    id = await a_link(world, merchant)
    answered = await get(world, merchant, f"{REQUESTS[V2]}?payment_link_id={id}&{query}")
    assert (answered.status_code, answered.json()["type"]) == (400, "invalid_request")
