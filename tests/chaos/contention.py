"""What holds when many want one thing at once: keys, places, ends, names, payouts, codes; the model; and money."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from payglot import embedded, schema
from payglot.domain.errors import ChangedMeanwhile, IllegalTransition, LinkNotPayable
from payglot.domain.money import Money
from payglot.domain.payment import Opening
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from payglot.store.database import Database
from payglot.web.atomic import atomic
from tests.chaos import books, machine
from tests.chaos.atonce import Answer, Request, at_once, posting, submitting
from tests.chaos.driver import KEY_HEADER, KEY_LIFE
from tests.chaos.goals import Goal, Measured, Part, Scale
from tests.database import empty
from tests.dialects.qonto import consenting
from tests.dialects.txn.payees import ON_TRON, hidden
from tests.links import CREATE, JSON_API, body_of
from tests.processes import Running, environment, free_port, provision, running
from tests.world import ADMIN_TOKEN

AT_ONCE = 50
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}

I1 = Goal(id="I1", says="50 concurrent posts with one key", figure="1 link, 1 event, 1 body, else 409; 200 rounds")
I4 = Goal(id="I4", says="same key, other body", figure="the dialect's rule, 0 new rows, 0 events")
I5 = Goal(id="I5", says="same key, two merchants or two paths", figure="independent, 0 leaks")
I6 = Goal(id="I6", says="life of a key", figure=">= 24 h (DevDraft), 30 min (Qonto), within 1 %")
I7 = Goal(id="I7", says="after a refused or failed request the key works", figure="100 of 100")
S1 = Goal(id="S1", says="a link limited to N, 50 payers", figure="exactly N paid; N of 1 and 3, 200 rounds each")
S2 = Goal(id="S2", says="pay against expire, revoke, deactivate", figure="one winner, 0 money dropped; 500 rounds")
S3 = Goal(id="S3", says="unique reference or slug", figure="1 success, 49 refusals, 0 x 5xx; 100 rounds")
S4 = Goal(id="S4", says="a payout link claimed 50 times at once", figure="exactly 1 payout; 200 rounds")
S5 = Goal(id="S5", says="one OAuth code exchanged 50 times at once", figure="exactly 1 token; 100 rounds")
S6 = Goal(id="S6", says="deadlocks that reach a client", figure="0 in 10 000 contended requests")
S7 = Goal(id="S7", says="model-based run", figure="0 divergences in >= 2 000 sequences x 50 steps")
M1 = Goal(id="M1", says="received = credited + unattributed + returned", figure="difference 0 per currency")


@dataclass
class Shop:
    """The real server as a process, two merchants on it, and a look into its database. `answers` counts the statuses
    of all that was sent at once. It also stands in for a `World` where only its client and its clock are asked for."""

    process: Running
    database: Database
    http: httpx.AsyncClient
    merchants: Sequence[Mapping[str, Any]]
    answers: Counter[int] = field(default_factory=Counter)
    ahead_seconds: int = 0

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead_seconds)

    def later(self, **parts: float) -> str:
        return f"{self.now + timedelta(**parts):%Y-%m-%dT%H:%M:%S.000}Z"

    def headers(self, dialect: str, merchant: int = 0) -> dict[str, str]:
        given = dict(self.merchants[merchant]["dialects"][dialect]["headers"])
        return given | {"Content-Type": JSON_API if dialect == "txn" else "application/json"}

    def body(self, dialect: str, **changes: Any) -> dict[str, Any]:
        return body_of(self, dialect, **changes)  # type: ignore[arg-type]

    async def create(self, dialect: str, **changes: Any) -> tuple[UUID, str, str]:
        """A link's id, its own spelling of it, and its page."""
        answer = await self.http.post(
            CREATE[dialect], headers=self.headers(dialect), content=json.dumps(self.body(dialect, **changes))
        )
        assert answer.status_code in (200, 201), answer.text
        told = answer.json()
        match dialect:
            case "qonto":
                spelled, url = told["payment_link"]["id"], told["payment_link"]["url"]
            case "txn":
                spelled, url = told["data"]["id"], told["data"]["attributes"]["hostedPageUrl"]
            case _:
                spelled, url = told["id"], told["url"]
        return await self._newest_link(), spelled, url

    async def at_once(self, requests: Sequence[Request]) -> list[Answer]:
        answers = await at_once(self.process.base_url, requests)
        self.answers.update(answer.status for answer in answers)
        return answers

    async def move_clock(self, ahead: timedelta) -> None:
        moved = {"advance_seconds": int(ahead.total_seconds())}
        answer = await self.http.post("/sandbox/v1/clock", headers=ADMIN, json=moved)
        assert answer.status_code == 200, answer.text
        self.ahead_seconds = answer.json()["offset_seconds"]

    async def count(self, sql: str, **values: Any) -> int:
        async with self.database.single() as tx:
            return int((await tx.execute(text(sql), values)).scalar_one())

    async def rows(self) -> tuple[int, int]:
        """How many links and events there are."""
        return await self.count("SELECT count(*) FROM links"), await self.count("SELECT count(*) FROM events")

    async def _newest_link(self) -> UUID:
        async with self.database.single() as tx:
            (link,) = await links.newest(tx, UUID(self.merchants[0]["merchant_id"]), limit=1)
        return link.id


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Shop]:
    variables = environment(folder / "data", port=free_port(), sandbox="true", admin_token=ADMIN_TOKEN)
    with running(["serve"], variables, folder / "server.log") as process:
        await asyncio.to_thread(process.wait_until_ready)
        merchants = [await asyncio.to_thread(provision, variables) for _ in range(2)]
        postgres = embedded.Postgres(folder / "data")
        await asyncio.to_thread(postgres.start)
        database = Database(postgres.url(), size=4)
        try:
            async with httpx.AsyncClient(base_url=process.base_url, timeout=60) as http:
                yield Shop(process=process, database=database, http=http, merchants=merchants)
        finally:
            await database.close()
            await asyncio.to_thread(process.stop)
            await asyncio.to_thread(postgres.stop)


async def requests(scale: Scale, folder: Path) -> Sequence[Measured]:
    """Everything that is asked of a server over its sockets."""
    parts: Sequence[Callable[[Shop, Scale], Awaitable[Measured]]] = (
        one_key, other_body, two_owners, refused_before, one_slug, places, ends, claims, codes, life_of_a_key,
    )  # fmt: skip
    async with shop(folder) as opened:
        before = await _deadlocks(opened)
        measured = [await part(opened, scale) for part in parts]
        return [*measured, await _undisturbed(opened, before)]


async def one_key(shop: Shop, scale: Scale) -> Measured:
    rounds, bad, others = scale.of(200, 4), 0, 0
    for number in range(rounds):
        dialect = ("devdraft", "qonto")[number % 2]
        before = await shop.rows()
        headers = shop.headers(dialect) | {KEY_HEADER[dialect]: str(uuid4())}
        asked = posting(CREATE[dialect], headers, shop.body(dialect))
        answers = await shop.at_once([asked] * AT_ONCE)
        after = await shop.rows()
        bodies = {answer.body for answer in answers if answer.status == 201}
        others += sum(answer.status == 409 for answer in answers)
        right = {answer.status for answer in answers} <= {201, 409}
        bad += not (right and len(bodies) == 1 and _added(before, after) == (1, 1))
    value = f"{bad} bad of {rounds} rounds, {rounds * AT_ONCE} posts, {others} of them answered 409"
    return Measured(goal=I1, value=value, holds=bad == 0)


async def other_body(shop: Shop, scale: Scale) -> Measured:
    keys, wrong = scale.of(100, 4), 0
    added = (0, 0)
    for number in range(keys):
        dialect = ("devdraft", "qonto")[number % 2]
        headers = shop.headers(dialect) | {KEY_HEADER[dialect]: str(uuid4())}
        title = {"title": "Other"} if dialect == "devdraft" else {"reusable": True}
        first = await shop.http.post(CREATE[dialect], headers=headers, json=shop.body(dialect))
        before = await shop.rows()
        again = posting(CREATE[dialect], headers, shop.body(dialect, **title))
        answers = await shop.at_once([again] * 5)
        for answer in answers:
            # DevDraft refuses it; Qonto answers as before, whatever the body says.
            expected = answer.status == 409 if dialect == "devdraft" else answer.body == first.content
            wrong += not expected
        grown = _added(before, await shop.rows())
        added = added[0] + grown[0], added[1] + grown[1]
    value = f"{wrong} wrong of {keys * 5} answers, {added[0]} rows, {added[1]} events"
    return Measured(goal=I4, value=value, holds=(wrong, added) == (0, (0, 0)))


async def two_owners(shop: Shop, scale: Scale) -> Measured:
    keys, leaks = scale.of(100, 4), 0
    customer = {"first_name": "Jane", "last_name": "Roe", "phone_number": "+14155550123"}
    for _ in range(keys):
        key = {KEY_HEADER["devdraft"]: str(uuid4())}
        mine, theirs = (shop.headers("devdraft", merchant) | key for merchant in (0, 1))
        asked = [
            posting(CREATE["devdraft"], mine, shop.body("devdraft", title="Mine")),
            posting(CREATE["devdraft"], theirs, shop.body("devdraft", title="Theirs")),
            posting("/api/v0/customers", mine, customer | {"email": f"{uuid4().hex}@shop.example"}),
        ]
        answers = await shop.at_once(asked)
        told = [answer.json() for answer in answers]
        ids = {each.get("id") for each in told}
        titles = [each.get("title") for each in told[:2]]
        independent = [a.status for a in answers] == [201] * 3 and len(ids) == 3 and titles == ["Mine", "Theirs"]
        leaks += not independent
    return Measured(goal=I5, value=f"{leaks} leaks of {keys} keys, 3 uses each", holds=leaks == 0)


async def refused_before(shop: Shop, scale: Scale) -> Measured:
    keys, good = scale.of(100, 9), 0
    taken = shop.body("devdraft")
    await shop.http.post(CREATE["devdraft"], headers=shop.headers("devdraft"), json=taken)
    for number in range(keys):
        headers = shop.headers("devdraft") | {KEY_HEADER["devdraft"]: str(uuid4())}
        match number % 3:
            case 0:
                refused = (await shop.at_once([posting(CREATE["devdraft"], headers, {})] * 3))[0].status == 400
            case 1:
                refused = (await shop.at_once([posting(CREATE["devdraft"], headers, taken)] * 3))[0].status == 409
            case _:
                refused = await _broken_off(shop, posting(CREATE["devdraft"], headers, shop.body("devdraft")))
        asked = posting(CREATE["devdraft"], headers, shop.body("devdraft"))
        (answer,) = await shop.at_once([asked])
        good += refused and answer.status == 201
    return Measured(goal=I7, value=f"{good} of {keys} keys", holds=good == keys)


async def one_slug(shop: Shop, scale: Scale) -> Measured:
    rounds, bad = scale.of(100, 4), 0
    for number in range(rounds):
        if number % 2:
            body, dialect, refusal = shop.body("txn", reference=uuid4().hex), "txn", 422
        else:
            body, dialect, refusal = shop.body("devdraft", url=uuid4().hex), "devdraft", 409
        answers = await shop.at_once([posting(CREATE[dialect], shop.headers(dialect), body)] * AT_ONCE)
        bad += Counter(answer.status for answer in answers) != {201: 1, refusal: AT_ONCE - 1}
    return Measured(goal=S3, value=f"{bad} bad of {rounds} rounds", holds=bad == 0)


async def places(shop: Shop, scale: Scale) -> Measured:
    rounds, over, under = scale.of(200, 2), 0, 0
    for cap in (1, 3):
        for _ in range(rounds):
            id, _, url = await shop.create("devdraft", limitPayments=True, maxPayments=cap)
            asked = posting("/sandbox/v1/pay", {}, {"url": url, "outcome": "paid"})
            answers = await shop.at_once([asked] * AT_ONCE)
            paid = await shop.count("SELECT count(*) FROM payments WHERE link_id = :id AND status = 'paid'", id=id)
            told = sum(answer.status == 200 for answer in answers)
            over += max(paid, told) > cap
            under += min(paid, told) < cap
    value = f"{over} overpaid, {under} underpaid of 2 x {rounds} links, {AT_ONCE} payers each"
    return Measured(goal=S1, value=value, holds=over == under == 0)


_ENDS: Mapping[str, tuple[str, str, Any]] = {
    "bridge": ("POST", "/v2/payment-links/{}/revoke", {}),
    "devdraft": ("PUT", "/api/v0/payment-links/{}", {"status": "INACTIVE"}),
    "qonto": ("PATCH", "/v2/payment_links/{}/deactivate", {}),
    "txn": ("POST", "/api/public/v1/payment_links/{}/expiration", {}),
}
_ENDINGS = "SELECT count(*) FROM events WHERE link_id = :id AND kind IN ('link.paid', 'link.expired', 'link.canceled')"


async def ends(shop: Shop, scale: Scale) -> Measured:
    """Half of the rounds by the dialects' own requests, half with attempts under way whose money comes meanwhile."""
    rounds, bad, won = scale.of(500, 10), 0, Counter[str]()
    late = dropped = 0
    chance = scale.random("ends")
    for number in range(rounds // 2):
        dialect = list(_ENDS)[number % len(_ENDS)]
        single = {"limitPayments": True, "maxPayments": 1} if dialect == "devdraft" else {}
        id, spelled, url = await shop.create(dialect, **single)
        pay = posting("/sandbox/v1/pay", {}, {"url": url, "outcome": "paid"})
        method, path, body = _ENDS[dialect]
        end = posting(path.format(spelled), shop.headers(dialect), body, method=method)
        # The end is sent between the payers, so that either may come first.
        place = chance.randrange(6)
        answers = await shop.at_once([*[pay] * place, end, *[pay] * (5 - place)])
        paid = sum(answer.status == 200 for each, answer in enumerate(answers) if each != place)
        async with shop.database.single() as tx:
            link = (await links.get_any(tx, id, shop.now)).link
        one_ending = await shop.count(_ENDINGS, id=id) == 1
        agree = (link.status == "paid", link.paid) == (paid == 1, paid) and link.status != "open"
        bad += not (agree and one_ending and paid <= 1)
        won["paid" if paid else "ended"] += 1
    for number in range(rounds - rounds // 2):
        good, came_late, lost = await _money_meets_the_end(shop, by_clock=number % 2 == 0)
        bad, late, dropped = bad + (not good), late + came_late, dropped + lost
    value = (
        f"{bad} bad of {rounds} rounds (payers won {won['paid']}, the end {won['ended']}), "
        f"{late} transfers late, {dropped} dropped"
    )
    return Measured(goal=S2, value=value, holds=(bad, dropped) == (0, 0))


async def claims(shop: Shop, scale: Scale) -> Measured:
    rounds, bad, answered = scale.of(200, 2), 0, Counter[int]()
    for _ in range(rounds):
        id, _, url = await shop.create("txn", paymentType="Payout", payCurrencies=["USDT"])
        path = "/" + url.split("?")[0].split("/", 3)[3]
        forms = []
        for _ in range(5):
            first = await shop.http.get(path)
            asks = await shop.http.post(path, data=hidden(first.text) | {"action": "pay"} | ON_TRON)
            forms.append(submitting(path, hidden(asks.text) | {"action": "claim"}))
        answers = await shop.at_once(forms * (AT_ONCE // len(forms)))
        answered.update(answer.status for answer in answers)
        made = await shop.count("SELECT count(*) FROM payouts WHERE link_id = :id", id=id)
        told = await shop.count("SELECT count(*) FROM events WHERE link_id = :id AND kind = 'payout.created'", id=id)
        bad += (made, told) != (1, 1) or any(answer.status >= 500 for answer in answers)
    return Measured(goal=S4, value=f"{bad} bad of {rounds} rounds, answers {dict(answered)}", holds=bad == 0)


async def codes(shop: Shop, scale: Scale) -> Measured:
    rounds, bad = scale.of(100, 2), 0
    merchant_id = shop.merchants[0]["merchant_id"]
    app = await consenting.register(shop.http, merchant_id)
    for _ in range(rounds):
        signed_in = await consenting.sign_in_code(shop.http, merchant_id)
        decided = await consenting.decide(shop, consenting.query(app), signed_in)  # type: ignore[arg-type]
        form = {
            "grant_type": "authorization_code",
            "redirect_uri": consenting.CALLBACK,
            "code": consenting.sent_back(decided)["code"],
            **app.credentials,
        }
        answers = await shop.at_once([submitting(consenting.TOKEN, form)] * AT_ONCE)
        bad += Counter(answer.status for answer in answers) != {200: 1, 400: AT_ONCE - 1}
    return Measured(goal=S5, value=f"{bad} bad of {rounds} codes", holds=bad == 0)


async def life_of_a_key(shop: Shop, scale: Scale) -> Measured:
    """The last of all: it moves the clock far."""
    keys, wrong = scale.of(20, 2), 0
    for dialect, kept_for in (
        ("qonto", KEY_LIFE["qonto"] * 0.99),
        ("devdraft", KEY_LIFE["devdraft"] - timedelta(minutes=1)),
    ):
        made = []
        for _ in range(keys):
            headers = shop.headers(dialect) | {KEY_HEADER[dialect]: str(uuid4())}
            body = shop.body(dialect)
            made.append((headers, body, await shop.http.post(CREATE[dialect], headers=headers, json=body)))
        await shop.move_clock(kept_for)
        for headers, body, first in made:
            again = await shop.http.post(CREATE[dialect], headers=headers, json=body)
            wrong += (again.status_code, again.content) != (201, first.content)
        await shop.move_clock(KEY_LIFE[dialect] * 1.01 - kept_for)
        for headers, body, first in made:
            fresh = body | {"url": uuid4().hex} if dialect == "devdraft" else body
            anew = await shop.http.post(CREATE[dialect], headers=headers, json=fresh)
            wrong += anew.status_code != 201 or anew.content == first.content
    value = f"{wrong} wrong of {4 * keys} uses: kept at 24 h - 60 s and 99 % of 30 min, free at 101 % of each"
    return Measured(goal=I6, value=value, holds=wrong == 0)


async def model(scale: Scale, folder: Path) -> Sequence[Measured]:
    """Random sequences of verbs against a model, and the money they moved: by a process for each of two cores, with a
    database of its own, as what is overdue anywhere in one is everybody's work."""
    postgres = embedded.Postgres(folder)
    await asyncio.to_thread(postgres.start)
    seeds = [scale.random(f"model {n}").getrandbits(32) for n in range(scale.of(2, 1))]
    sequences, steps = scale.of(2_000, 50) // len(seeds), scale.of(50, 30)
    try:
        urls = [await asyncio.to_thread(empty, postgres, f"model_{n}") for n in range(len(seeds))]
        for url in urls:
            await schema.migrate(url)
        with ProcessPoolExecutor(len(seeds), mp_context=get_context("spawn")) as side_by_side:
            explore = partial(machine.explore, sequences=sequences, steps=steps)
            exploring = [
                asyncio.get_running_loop().run_in_executor(side_by_side, partial(explore, url, seed=seed))
                for url, seed in zip(urls, seeds, strict=True)
            ]
            explored = machine.together(await asyncio.gather(*exploring))
    except AssertionError as diverged:
        (folder / "divergence.txt").write_text(f"{diverged}\n" + "\n".join(getattr(diverged, "__notes__", [])))
        value = f"1 divergence, see {folder / 'divergence.txt'}"
        return [Measured(goal=goal, value=value, holds=False) for goal in (S7, M1)]
    finally:
        await asyncio.to_thread(postgres.stop)
    value = f"0 divergences in {explored.sequences:,} sequences, {explored.steps:,} steps, {explored.refused:,} refused"
    apart = sum(abs(told - received) for told, received in explored.books.values())
    summed = ", ".join(f"{received:,} {unit}" for unit, (_, received) in sorted(explored.books.items()))
    return [
        Measured(goal=S7, value=value, holds=True),
        Measured(goal=M1, value=f"difference {apart} after every step, {summed} received", holds=apart == 0),
    ]


PARTS: Mapping[str, Part] = {"requests": requests, "model": model, "money": books.measured}


async def _money_meets_the_end(shop: Shop, *, by_clock: bool) -> tuple[bool, int, int]:
    """Five attempts, five transfers, and the link's end, all at once on the store: whether one won, how many transfers
    came late, and how many were dropped."""
    id, *_ = await shop.create("devdraft", limitPayments=True, maxPayments=1, expiration_date=shop.later(minutes=10))
    async with shop.database.single() as tx:
        amount = (await links.get_any(tx, id, shop.now)).link.amount
    assert amount is not None
    now, later = shop.now, shop.now + timedelta(minutes=11)
    opening = Opening(method="wallet", amount=amount, due=amount)
    for _ in range(5):
        started = await atomic(shop.database, lambda tx: payments.start(tx, id, opening, now))
    results = await asyncio.gather(
        *(_receive(shop.database, id, payment.id, amount, now) for payment in started.payments[:2]),
        _end(shop.database, id, later if by_clock else None, now),
        *(_receive(shop.database, id, payment.id, amount, now) for payment in started.payments[2:]),
        return_exceptions=True,
    )
    async with shop.database.single() as tx:
        dossier = await links.get_any(tx, id, now)
    received = sum(payment.received.minor for payment in dossier.payments)
    late = sum(payment.settlement == "late" for payment in dossier.payments)
    good = (
        not any(isinstance(result, BaseException) for result in results)
        and dossier.link.paid == 1
        and late == 4
        and dossier.link.status != "open"
        and await shop.count(_ENDINGS, id=id) == 1
    )
    return good, late, 5 - received // amount.minor


async def _receive(database: Database, link_id: UUID, payment_id: UUID, amount: Money, now: datetime) -> None:
    receipt = Receipt(rail="chaos", reference=uuid4().hex, amount=amount, status=TransferStatus.CONFIRMED)
    await atomic(database, lambda tx: payments.receive(tx, link_id, payment_id, receipt, now))


async def _end(database: Database, link_id: UUID, later: datetime | None, now: datetime) -> None:
    """By the clock, or by the merchant's hand, which a payment may have forestalled."""
    try:
        if later is not None:
            await atomic(database, lambda tx: links.expire_if_due(tx, link_id, later))
        else:
            await atomic(database, lambda tx: links.cancel(tx, link_id, now))
    except (IllegalTransition, LinkNotPayable, ChangedMeanwhile):
        return


async def _broken_off(shop: Shop, request: Request) -> bool:
    """All but the last byte, and then the connection is gone."""
    host, port = shop.process.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.spelled(host)[:-1])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    return True


def _added(before: tuple[int, int], after: tuple[int, int]) -> tuple[int, int]:
    return after[0] - before[0], after[1] - before[1]


async def _deadlocks(shop: Shop) -> int:
    return await shop.count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


async def _undisturbed(shop: Shop, deadlocks_before: int) -> Measured:
    sent, broken = shop.answers.total(), sum(n for status, n in shop.answers.items() if status >= 500)
    logged = len(re.findall(r"deadlock detected|could not serialize", shop.process.output))
    happened = await _deadlocks(shop) - deadlocks_before
    value = f"{broken} x 5xx of {sent:,} contended requests, {happened} deadlocks in the database, {logged} in the log"
    return Measured(goal=S6, value=value, holds=broken == logged == 0)
