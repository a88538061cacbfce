"""Clients that write down what they did: ok (with what was answered), refused, unreached (nobody listened), or unknown,
which is never guessed. Each create carries a mark of its own, by which the checker finds its link in the database."""

import asyncio
import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import aiohttp

from tests.chaos.installation import Installation
from tests.links import CREATE, DIALECT_NAMES, JSON_API, READ

Outcome = Literal["ok", "refused", "unreached", "unknown"]
KEY_HEADER = {"devdraft": "idempotency-key", "qonto": "X-Qonto-Idempotency-Key"}
KEY_LIFE = {"devdraft": timedelta(hours=24), "qonto": timedelta(minutes=30)}
P100_FAILED = (b'"P500"', b'"P501"')
"""What P100 says, with 400, where others answer 500 and 503."""
REQUEST_SECONDS = 25
EXPIRES_SOON_SECONDS = 3600


@dataclass
class Entry:
    """A line of the history."""

    at: float
    operation: str
    mark: str
    outcome: str
    status: int | None = None
    hash: str | None = None


@dataclass(eq=False)
class Create:
    """One link that a client wanted, however often it asked. `answer` is the first success; `other_answers` counts
    later successes of other bytes."""

    mark: str
    dialect: str
    merchant: Mapping[str, Any]
    key: str | None
    body: bytes
    expires_soon: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    answer: bytes | None = None
    other_answers: int = 0
    exists_already: bool = False
    """Said of a repetition where references are unique (Txn)."""
    read_hash: str | None = None
    touched: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether asking again cannot make a second link."""
        return self.key is not None or self.dialect == "txn"

    @property
    def settled(self) -> bool:
        return self.answer is not None or self.exists_already or self.outcomes[-1:] == ["refused"]

    @property
    def may_exist(self) -> bool:
        return not {"ok", "unknown"}.isdisjoint(self.outcomes) or self.exists_already

    @property
    def id(self) -> str:
        return id_and_url(self.dialect, self.answer or b"")[0]

    @property
    def url(self) -> str:
        return id_and_url(self.dialect, self.answer or b"")[1]

    @property
    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = dict(self.merchant["dialects"][self.dialect]["headers"])
        return headers

    @property
    def request_headers(self) -> dict[str, str]:
        headers = self.headers | {"Content-Type": JSON_API if self.dialect == "txn" else "application/json"}
        return headers if self.key is None else headers | {KEY_HEADER[self.dialect]: self.key}


@dataclass
class Pay:
    create: Create
    wish: str
    outcome: Outcome
    played: dict[str, Any] | None = None


def id_and_url(dialect: str, answer: bytes) -> tuple[str, str]:
    told = json.loads(answer)
    match dialect:
        case "p100":
            return told["paymentLinkId"], told["url"]
        case "qonto":
            return told["payment_link"]["id"], told["payment_link"]["url"]
        case "txn":
            return told["data"]["id"], told["data"]["attributes"]["hostedPageUrl"]
        case _:
            return told["id"], told["url"]


class Driver:
    """The clients of one installation, and all they have done."""

    def __init__(self, installation: Installation, random: random.Random) -> None:
        self._installation = installation
        self._random = random
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(REQUEST_SECONDS)
        )
        self.creates: list[Create] = []
        self.pays: list[Pay] = []
        self.history: list[Entry] = []
        self.counts: Counter[str] = Counter()
        self.lost_reads: list[str] = []
        self.changed_reads: list[str] = []
        self.errors: list[tuple[float, int | None]] = []
        """Answers of 500 and above and broken connections, by when they came."""
        self.successes: list[float] = []
        self.sent: dict[str, float] = {}
        """When the request that made a link was sent, by mark."""

    async def close(self) -> None:
        await self._http.close()

    def write(self, path: Path) -> None:
        with path.open("w") as file:
            file.writelines(json.dumps(asdict(entry)) + "\n" for entry in self.history)

    @property
    def acknowledged(self) -> list[Create]:
        return [create for create in self.creates if create.answer is not None]

    async def load(
        self,
        *,
        creates_per_second: float,
        until: asyncio.Event,
        only: str | None = None,
        merchants: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Creates at this rate, half as many reads, and the rest of a client's life beside, until told otherwise.
        `only` leaves everything away but creates in that dialect; `merchants` are all unless told."""
        tasks: set[asyncio.Task[Any]] = set()
        began, number = time.monotonic(), 0
        while not until.is_set():
            await asyncio.sleep(max(0.0, began + number / creates_per_second - time.monotonic()))
            number += 1
            merchant = self._random.choice(merchants) if merchants else None
            tasks.add(asyncio.create_task(self.create(dialect=only, merchant=merchant)))
            if only is None:
                for chance, step in ((0.5, self.read), (0.35, self.pay), (0.1, self.repeat)):
                    if self._random.random() < chance:
                        tasks.add(asyncio.create_task(step()))
            done = {task for task in tasks if task.done()}
            for task in done:
                task.result()
            tasks -= done
            if len(tasks) > 400:
                # As many clients as there are: they wait for their answers before they ask again.
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks:
            await asyncio.gather(*tasks)

    def planned(
        self, *, dialect: str | None = None, keyed: bool | None = None, merchant: Mapping[str, Any] | None = None
    ) -> Create:
        """One link that is yet to be asked for."""
        dialect = dialect or self._random.choice(DIALECT_NAMES)
        with_key = dialect in KEY_HEADER and (self._random.random() < 0.6 if keyed is None else keyed)
        create = Create(
            mark=f"chaos-{self._random.getrandbits(48):012x}",
            dialect=dialect,
            merchant=merchant or self._random.choice(self._installation.merchants),
            key=str(UUID(int=self._random.getrandbits(128), version=4)) if with_key else None,
            expires_soon=dialect == "p100" and self._random.random() < 0.2,
            body=b"",
        )
        create.body = json.dumps(_body(create)).encode()
        self.creates.append(create)
        return create

    async def create(
        self,
        *,
        dialect: str | None = None,
        keyed: bool | None = None,
        merchant: Mapping[str, Any] | None = None,
        api: int | None = None,
        repeat: bool = True,
    ) -> Create:
        """One link, asked for again with its key or reference until it is known what became of it."""
        create = self.planned(dialect=dialect, keyed=keyed, merchant=merchant)
        await self.send(create, api=api)
        if repeat and create.repeatable:
            await self.resolve(create)
        return create

    async def resolve(self, create: Create, *, seconds: float = 60) -> None:
        """Repeat it while it is unknown what became of it."""
        deadline = time.monotonic() + seconds
        pause = 0.2
        while not create.settled and time.monotonic() < deadline:
            await asyncio.sleep(pause * (0.5 + self._random.random()))
            # Ever later, so that those who repeat never keep a server down that has just come back.
            pause = min(2 * pause, 5.0)
            await self.send(create)

    async def send(self, create: Create, *, api: int | None = None) -> Outcome:
        self.sent[create.mark] = time.monotonic()
        outcome, status, body = await self._ask(
            "POST", CREATE[create.dialect], create.request_headers, create.body, api=api
        )
        if outcome == "ok" and create.answer is None:
            create.answer = body
        elif outcome == "ok" and create.answer != body:
            create.other_answers += 1
        elif outcome == "refused" and create.may_exist and create.dialect == "txn":
            create.exists_already = True
        create.outcomes.append(outcome)
        self._note("create", create.mark, outcome, status, body)
        return outcome

    async def repeat(self) -> None:
        """What was acknowledged, once more: the same answer, or that it exists."""
        create = self._some(lambda c: c.repeatable)
        if create is not None:
            await self.send(create)
            self.counts["repeated"] += 1

    async def read(self, create: Create | None = None, *, api: int | None = None) -> Outcome:
        create = create or self._some(lambda c: True)
        if create is None:
            return "refused"
        was_touched = create.touched
        path = READ[create.dialect] + create.id
        outcome, status, body = await self._ask("GET", path, create.headers, None, api=api)
        self._note("read", create.mark, outcome, status, body)
        if outcome == "refused":
            self.lost_reads.append(f"{create.mark} was answered {status}")
        if outcome == "ok":
            if create.id.encode() not in body:
                self.changed_reads.append(f"{create.mark} is another link")
            # What was paid or expired meanwhile says so; the rest is the same for ever.
            if not (was_touched or create.touched or create.expires_soon):
                seen = hashlib.sha256(body).hexdigest()
                if create.read_hash not in (None, seen) or _differs(create, body):
                    self.changed_reads.append(f"{create.mark} reads differently")
                create.read_hash = seen
        return outcome

    async def pay(self) -> None:
        """A payer pays at once, in two parts, or not after all."""
        create = self._some(lambda c: not c.touched)
        if create is None:
            return
        create.touched = True
        partial = create.dialect in ("p100", "txn") and self._random.random() < 0.4
        wishes = ["underpaid", "paid"] if partial else [self._random.choice(["paid", "paid", "processing", "failed"])]
        for wish in wishes:
            if await self.play(create, wish) in ("unknown", "unreached"):
                # Nobody knows what was paid; a payer would look first.
                return

    async def play(self, create: Create, wish: str) -> Outcome:
        sent = json.dumps({"url": create.url, "outcome": wish}).encode()
        outcome, status, body = await self._ask("POST", "/sandbox/v1/pay", {"Content-Type": "application/json"}, sent)
        self._note(f"pay {wish}", create.mark, outcome, status, body)
        played = json.loads(body) if outcome == "ok" else None
        self.pays.append(Pay(create=create, wish=wish, outcome=outcome, played=played))
        return outcome

    async def read_all(self, at_once: int = 16) -> int:
        """Every acknowledged link, from both API processes in turn; returns how many could not be read."""
        waiting = list(enumerate(self.acknowledged))
        unread = 0

        async def keep_reading() -> None:
            nonlocal unread
            while waiting:
                number, create = waiting.pop()
                for _ in range(20):
                    if await self.read(create, api=number % 2) not in ("unknown", "unreached"):
                        break
                    await asyncio.sleep(0.5)
                else:
                    unread += 1

        await asyncio.gather(*(keep_reading() for _ in range(at_once)))
        return unread

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, api: int | None = None
    ) -> tuple[Outcome, int | None, bytes]:
        """A connection that was refused never reached anybody; one that broke may have."""
        apis = self._installation.apis
        base_url = apis[self._random.randrange(len(apis)) if api is None else api].base_url
        self.counts["requests"] += 1
        try:
            async with self._http.request(method, base_url + path, headers=headers, data=body) as answer:
                content, status = await answer.read(), answer.status
        except aiohttp.ClientConnectorError:
            self.errors.append((time.monotonic(), None))
            return "unreached", None, b""
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.errors.append((time.monotonic(), None))
            return "unknown", None, b""
        if status >= 500 or any(code in content for code in P100_FAILED):
            self.errors.append((time.monotonic(), status))
            return "unknown", status, content
        if status < 300:
            self.successes.append(time.monotonic())
            return "ok", status, content
        return "refused", status, content

    def _some(self, wanted: Any) -> Create | None:
        """One of those acknowledged, rather one of late."""
        for _ in range(8):
            if not self.creates:
                return None
            back = min(len(self.creates), 1 + int(self._random.expovariate(1 / 200)))
            create = self.creates[-back]
            if create.answer is not None and wanted(create):
                return create
        return None

    def _note(self, operation: str, mark: str, outcome: Outcome, status: int | None, body: bytes) -> None:
        self.counts[f"{operation.split()[0]} {outcome}"] += 1
        told = hashlib.sha256(body).hexdigest()[:16] if outcome == "ok" else None
        self.history.append(Entry(time.monotonic(), operation, mark, outcome, status, told))


def _differs(create: Create, read: bytes) -> bool:
    """Whether an untouched link reads otherwise than its creation was answered, field by field."""
    made, told = json.loads(create.answer or b"{}"), json.loads(read)
    if create.dialect in ("devdraft", "txn"):
        return create.answer != read
    if create.dialect == "qonto":
        return bool(told["payment_link"] != made["payment_link"])
    return any(
        told.get({"bridge": {"url": "link"}}.get(create.dialect, {}).get(name, name)) != value
        for name, value in made.items()
    )


def _body(create: Create) -> dict[str, Any]:
    mark = create.mark
    later = datetime.now(UTC) + (timedelta(seconds=EXPIRES_SOON_SECONDS) if create.expires_soon else timedelta(days=25))
    expires_at = f"{later:%Y-%m-%dT%H:%M:%S.000}Z"
    match create.dialect:
        case "p100":
            return {"amount": "123.45", "expiresAt": expires_at, "reference": mark}
        case "bridge":
            transaction = {"amount": 120.98, "currency": "EUR", "label": "Order 7781", "end_to_end_id": "E2E-7781"}
            return {
                "user": {"first_name": "Thomas", "last_name": "Pichet"},
                "expired_date": expires_at,
                "client_reference": mark,
                "transactions": [transaction],
            }
        case "devdraft":
            body = {"title": "Enamel mug", "url": mark, "linkType": "PRODUCT", "amount": 29.99}
            return body | {"expiration_date": expires_at}
        case "qonto":
            price = {"value": "10.99", "currency": "EUR"}
            item = {"title": mark, "quantity": 1, "unit_price": price, "vat_rate": "21.0"}
            return {"payment_link": {"potential_payment_methods": ["credit_card"], "reusable": False, "items": [item]}}
        case _:
            attributes = {
                "amount": "100", "currency": "EUR", "accountCurrency": "EUR", "reference": mark,
                "expires_at": expires_at, "paymentType": "Invoice", "paymentMethods": ["on_chain"],
                "payCurrencies": ["USDC"],
            }  # fmt: skip
            return {"data": {"type": "payment_links", "attributes": attributes}}


async def give_up(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
