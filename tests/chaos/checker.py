"""What must hold after any disturbance: the database against the clients' and the receivers' own records."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from payglot.dialects import DIALECTS
from payglot.domain import link as links, payment as payments
from payglot.domain.event import Event
from payglot.store import events
from payglot.store.database import Database
from payglot.webhooks.format import Receiver as Endpoint
from tests.chaos.driver import KEY_LIFE, Create, Driver
from tests.chaos.installation import Installation
from tests.chaos.receiver import Arrival, Receiver

_MARK = re.compile(r"chaos-[0-9a-f]{12}")
PAGE = 2000
ID_HEADERS = {"devdraft": "x-devdraft-delivery", "txn": "svix-id"}
STAMP_HEADERS = ("x-devdraft-timestamp", "svix-timestamp", "x-qonto-signature")


@dataclass
class Findings:
    """What was counted, and what was wrong by goal, each in a sentence."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, goal: str, sentences: Iterable[str]) -> None:
        self.wrong[goal].extend(sentences)

    def number(self, *goals: str) -> int:
        return sum(len(self.wrong.get(goal, ())) for goal in goals)

    def __str__(self) -> str:
        lines = [f"{goal}: {sentence}" for goal, all in sorted(self.wrong.items()) for sentence in all[:5]]
        return "\n".join(lines)


async def check(installation: Installation, driver: Driver, receivers: Sequence[Receiver]) -> Findings:
    """Everything must have come to rest: see `settle`."""
    found = Findings()
    unread = await driver.read_all()
    found.add("D1", (f"{unread} links could not be read" for _ in range(min(unread, 1))))
    found.add("D1", driver.lost_reads + driver.changed_reads)
    async with installation.database() as connection:
        rows = await _rows(connection)
        _creates(found, driver, rows)
        _pays(found, driver, rows)
        _states(found, rows)
        _money(found, rows)
        await _sessions(found, connection)
    told = await _events(installation.url)
    _history(found, rows, told)
    _deliveries(found, rows, told)
    _arrivals(found, rows, [arrival for receiver in receivers for arrival in receiver.arrivals])
    _logs(found, installation)
    return found


async def check_keys(installation: Installation, driver: Driver) -> Findings:
    """Of those not yet forgotten, and so before time passes."""
    found = Findings()
    async with installation.database() as connection:
        judge_keys(found, driver.creates, await _rows(connection))
    return found


@dataclass
class Rows:
    links: dict[UUID, Any]
    marks: dict[str, list[UUID]]
    payments: dict[UUID, Any]
    transfers: list[Any]
    endpoints: list[Any]
    deliveries: list[Any]
    repeated_attempts: int
    keys: list[Any]


async def _rows(connection: Any) -> Rows:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch("SELECT l.*, to_jsonb(l)::text AS whole FROM links l")
        marks: dict[str, list[UUID]] = defaultdict(list)
        for row in rows:
            for mark in set(_MARK.findall(row["whole"])) or {""}:
                marks[mark].append(row["id"])
        return Rows(
            links={row["id"]: row for row in rows},
            marks=marks,
            payments={row["id"]: row for row in await connection.fetch("SELECT * FROM payments")},
            transfers=await connection.fetch("SELECT * FROM transfers"),
            endpoints=await connection.fetch("SELECT * FROM endpoints"),
            deliveries=await connection.fetch(
                "SELECT d.*, d.next_attempt_at > now() + make_interval(secs => i.clock_offset_seconds) AS waits,"
                " d.leased_until < now() AS overdue FROM deliveries d, installation i"
            ),
            repeated_attempts=await connection.fetchval(
                "SELECT count(*) FROM (SELECT 1 FROM attempts GROUP BY delivery_id, number, started_at"
                " HAVING count(*) > 1) AS twice"
            ),
            keys=await connection.fetch("SELECT * FROM idempotency_keys"),
        )


def _creates(found: Findings, driver: Driver, rows: Rows) -> None:
    known = {create.mark: create for create in driver.creates}
    found.counts["acknowledged"] = len(driver.acknowledged)
    found.counts["links"] = len(rows.links)
    for create in driver.creates:
        made = rows.marks.get(create.mark, [])
        if create.answer is not None and not made:
            found.wrong["D1"].append(f"{create.mark} ({create.dialect}) was acknowledged and is gone")
        if create.answer is not None and made and not _is_spelled(create, made):
            found.wrong["D1"].append(f"{create.mark} ({create.dialect}) is not the link that was acknowledged")
        if len(made) > 1:
            found.wrong["D3"].append(f"{create.mark} ({create.dialect}, {create.outcomes}) exists {len(made)} times")
        if create.other_answers:
            found.wrong["I2"].append(f"{create.mark} ({create.dialect}) was answered with other bytes later")
        if made and not create.may_exist:
            found.wrong["D3"].append(f"{create.mark} ({create.dialect}) was refused and exists")
        if "unknown" in create.outcomes:
            found.counts["indeterminate"] += 1
            if create.repeatable:
                found.counts["indeterminate and repeated"] += 1
                if create.settled and len(made) != 1:
                    found.wrong["D3"].append(
                        f"{create.mark} ({create.outcomes}) was repeated and exists {len(made)} times"
                    )
    found.add("D3", (f"link {ids} was asked for by nobody" for mark, ids in rows.marks.items() if mark not in known))


def _is_spelled(create: Create, made: Sequence[UUID]) -> bool:
    """Whether the acknowledged id is the row's. DevDraft spells ids otherwise, and its read told already."""
    return create.dialect == "devdraft" or UUID(create.id) in made


def _pays(found: Findings, driver: Driver, rows: Rows) -> None:
    for pay in driver.pays:
        if pay.played is None or pay.played["payment_id"] is None:
            continue
        found.counts["acknowledged payments"] += 1
        payment = rows.payments.get(UUID(pay.played["payment_id"]))
        if payment is None:
            found.wrong["D1"].append(f"payment {pay.played['payment_id']} was acknowledged and is gone")
        elif pay.played["status"] == "paid" and payment["status"] not in ("paid", "reversed"):
            found.wrong["D1"].append(f"payment {payment['id']} was paid and is {payment['status']}")


def _states(found: Findings, rows: Rows) -> None:
    paid: Counter[UUID] = Counter()
    for payment in rows.payments.values():
        paid[payment["link_id"]] += payment["quantity"] if payment["status"] in ("paid", "reversed") else 0
    for id, link in rows.links.items():
        if link["max_payments"] is not None and paid[id] > link["max_payments"]:
            found.wrong["§3"].append(f"link {id} was paid {paid[id]} times, and may be {link['max_payments']} times")
    found.counts["payments"] = len(rows.payments)


def _money(found: Findings, rows: Rows) -> None:
    received: Counter[UUID] = Counter()
    references: Counter[tuple[str, str]] = Counter()
    totals: Counter[str] = Counter()
    for transfer in rows.transfers:
        references[transfer["rail"], transfer["reference"]] += 1
        payment = rows.payments.get(transfer["payment_id"])
        if payment is None or payment["link_id"] != transfer["link_id"]:
            found.wrong["§3"].append(f"transfer {transfer['id']} belongs to no payment")
        if transfer["status"] == "confirmed":
            received[transfer["payment_id"]] += transfer["amount_minor"]
            totals[transfer["currency"]] += transfer["amount_minor"]
    for payment in rows.payments.values():
        if payment["received_minor"] != received[payment["id"]]:
            found.wrong["§3"].append(f"payment {payment['id']} counts other money than came")
        totals[payment["due_currency"]] -= payment["received_minor"]
    found.add("§3", (f"{name} differ by {difference}" for name, difference in totals.items() if difference))
    found.add("§3", (f"transfer {reference} counts twice" for reference, count in references.items() if count > 1))


def judge_keys(found: Findings, creates: Iterable[Create], rows: Rows) -> None:
    """Nothing remembered without its effect, and, as long as a key lives, no effect without what is remembered."""
    now = datetime.now(UTC)
    kept = {row["key"]: row for row in rows.keys}
    for create in creates:
        if create.key is None:
            continue
        row, made = kept.pop(create.key, None), rows.marks.get(create.mark, [])
        may_be_forgotten = any(rows.links[id]["created_at"] < now - KEY_LIFE[create.dialect] for id in made)
        if (row is None) != (not made) and not may_be_forgotten:
            found.wrong["§3"].append(f"{create.mark}: key and link have parted")
        elif row is not None and create.answer is not None and row["body"] != create.answer:
            found.wrong["I2"].append(f"{create.mark}: what is remembered is not what was answered")
    found.add("§3", (f"key {key} stands for nothing" for key in kept))


async def _sessions(found: Findings, connection: Any) -> None:
    idle = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        " AND state_change < now() - interval '1 s'"
    )
    waiting = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
    found.counts["sessions"] = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'payglot'"
    )
    if idle or waiting:
        found.wrong["§3"].append(f"{idle} sessions idle in transaction, {waiting} locks waited for")


async def _events(url: str) -> list[Event]:
    database = Database(url, size=2)
    told: list[Event] = []
    try:
        while True:
            async with database.single() as tx:
                page = await events.newest(tx, None, before=told[-1].id if told else None, limit=PAGE)
            told += page
            if len(page) < PAGE:
                return told
    finally:
        await database.close()


def _history(found: Findings, rows: Rows, told: Sequence[Event]) -> None:
    """Row and event never part, and every state was reached as the transition tables allow."""
    by_link: dict[UUID, list[Event]] = defaultdict(list)
    for event in told:
        by_link[event.link.id].append(event)
    found.counts["events"] = len(told)
    for id, link in rows.links.items():
        history = sorted(by_link.pop(id, []), key=lambda event: event.sequence)
        if [event.sequence for event in history] != list(range(1, link["sequence"] + 1)):
            found.wrong["D6"].append(f"link {id} has {link['sequence']} changes and {len(history)} events")
            continue
        if history[-1].link.status != link["status"]:
            found.wrong["D6"].append(f"link {id} is {link['status']}, its last event says {history[-1].link.status}")
        standing: dict[UUID, Any] = {}
        for earlier, later in itertools.pairwise(history):
            before, after = earlier.link.status, later.link.status
            if before != after and after not in links.TRANSITIONS[before]:
                found.wrong["§3"].append(f"link {id} went from {before} to {after}")
        for event in history:
            if event.payment is not None:
                was = standing.get(event.payment.id, event.payment.status)
                if was != event.payment.status and event.payment.status not in payments.TRANSITIONS[was]:
                    found.wrong["§3"].append(f"payment {event.payment.id} went from {was} to {event.payment.status}")
                standing[event.payment.id] = event.payment.status
        for payment_id, status in standing.items():
            row = rows.payments.get(payment_id)
            if row is None or row["status"] != status:
                found.wrong["D6"].append(f"payment {payment_id} is not {status}, as its last event says")
    found.add("D6", (f"events of link {id}, which is none" for id in by_link))
    told_of = {event.payment.id for event in told if event.payment is not None}
    found.add("D6", (f"payment {id} has no event" for id in rows.payments if id not in told_of))


def _deliveries(found: Findings, rows: Rows, told: Sequence[Event]) -> None:
    """Each event has its deliveries to each endpoint, as its dialect words them, and there are no others."""
    by_event = {(row["event_id"], row["endpoint_id"], row["part"]): row for row in rows.deliveries if row["event_id"]}
    hearing: dict[tuple[UUID, str], list[Any]] = defaultdict(list)
    for row in rows.endpoints:
        hearing[row["merchant_id"], row["dialect"]].append(row)
    base_url = ""
    for event in told:
        for row in hearing[event.link.merchant_id, event.link.dialect]:
            endpoint = Endpoint(
                id=row["id"],
                merchant_id=row["merchant_id"],
                created_at=row["created_at"],
                details=_json(row["details"]),
            )
            form = DIALECTS[event.link.dialect].webhooks
            for part, message in enumerate(form.messages(event, endpoint, base_url)):
                delivery = by_event.pop((event.id, row["id"], part), None)
                if delivery is None:
                    found.wrong["W1"].append(f"event {event.id} ({event.kind}) has no delivery to {row['url']}")
                elif delivery["name"] != message.name:
                    found.wrong["W1"].append(f"delivery {delivery['id']} says {delivery['name']}, not {message.name}")
    found.add("W1", (f"delivery {row['id']} of no event" for row in by_event.values()))
    statuses = Counter(row["status"] for row in rows.deliveries)
    found.counts["deliveries"] = len(rows.deliveries)
    found.counts["delivered"], found.counts["exhausted"] = statuses["delivered"], statuses["exhausted"]
    first_waiting: dict[tuple[UUID, UUID], int] = {}
    for row in rows.deliveries:
        if row["status"] == "pending":
            place = row["link_id"], row["endpoint_id"]
            first_waiting[place] = min(row["sequence"], first_waiting.get(place, row["sequence"]))
    for row in rows.deliveries:
        if row["last_error"] == "not rendered":
            found.wrong["W1"].append(f"delivery {row['id']} was not rendered")
        is_held = (
            row["next_attempt_at"] is None
            and first_waiting.get((row["link_id"], row["endpoint_id"])) != row["sequence"]
        )
        if row["status"] == "pending" and not row["waits"] and not is_held:
            found.wrong["W1"].append(
                f"delivery {row['id']} ({row['dialect']} {row['name']}, {row['attempts']} attempts) is stuck: "
                f"next {row['next_attempt_at']}, leased until {row['leased_until']}"
            )
        if row["status"] == "canceled":
            found.wrong["W1"].append(f"delivery {row['id']} was canceled")
    found.counts["attempts noted twice"] = rows.repeated_attempts


def _arrivals(found: Findings, rows: Rows, arrivals: Sequence[Arrival]) -> None:
    """What the receivers saw, against what the database says was sent to them."""
    where = {row["id"]: row["url"].partition("//")[2].partition("/")[2] for row in rows.endpoints}
    sent: dict[tuple[str, bytes], Any] = {}
    for row in rows.deliveries:
        sent[f"/{where[row['endpoint_id']]}{row['path']}", row["body"]] = row
    copies: dict[UUID, list[Arrival]] = defaultdict(list)
    for arrival in sorted(arrivals, key=lambda each: each.at):
        row = sent.get((arrival.path, arrival.body))
        if row is None:
            found.wrong["W1"].append(f"invented: {arrival.path} {arrival.body[:120]!r}")
            continue
        copies[row["id"]].append(arrival)
        if (header := ID_HEADERS.get(row["dialect"])) and UUID(
            arrival.headers.get(header, "").removeprefix("msg_") or str(UUID(int=0))
        ) != row["id"]:
            found.wrong["W2"].append(f"a copy of delivery {row['id']} says it is {arrival.headers.get(header)}")
    found.counts["arrivals"] = len(arrivals)
    by_link: dict[tuple[UUID, UUID], list[tuple[float, int]]] = defaultdict(list)
    for row in rows.deliveries:
        seen = copies.get(row["id"], [])
        if row["status"] == "delivered" and not any(arrival.answered == 200 for arrival in seen):
            found.wrong["W1"].append(f"delivery {row['id']} is called delivered and never was")
        if seen and row["link_id"]:
            by_link[row["link_id"], row["endpoint_id"]].append((seen[0].at, row["sequence"]))
        taken = [arrival for arrival in seen if arrival.answered == 200]
        found.counts["doubled"] += max(0, len(taken) - 1)
        for earlier, later in itertools.pairwise(taken):
            stamps = [(earlier.headers.get(name), later.headers.get(name)) for name in STAMP_HEADERS]
            if later.at - earlier.at > 1.5 and any(one is not None and one == other for one, other in stamps):
                found.wrong["W2"].append(f"delivery {row['id']} was repeated under an old signature")
    for (link_id, _), firsts in by_link.items():
        order = [sequence for _, sequence in sorted(firsts)]
        if order != sorted(order):
            found.wrong["W1"].append(f"link {link_id} was told of in the order {order}")


def _logs(found: Findings, installation: Installation) -> None:
    canaries = [secret.encode() for secret in installation.canaries]
    for log in installation.folder.glob("*.log"):
        said = log.read_bytes()
        if any(secret in said for secret in canaries):
            found.wrong["§3"].append(f"{log.name} shows a secret")
        found.counts["tracebacks"] += said.count(b"Traceback")


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, (str, bytes)) else value
