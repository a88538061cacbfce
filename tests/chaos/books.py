"""Money by itself: texts in and out, the code it runs through, and what six kinds of transfer do in four dialects."""

import ast
import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from payglot import embedded, schema
from payglot.dialects import DIALECTS
from payglot.domain import money
from payglot.domain.errors import AmountInvalid, AmountTooPrecise
from payglot.domain.money import Currency, Money
from payglot.domain.transfer import TransferStatus
from payglot.operations import expiry, links, payments
from payglot.operations.payments import Receipt
from payglot.web import json
from payglot.web.atomic import atomic
from payglot.web.flow import Choice
from tests.chaos.goals import Goal, Measured, Scale
from tests.links import BENEFICIARY, make
from tests.world import World, open_world

M2 = Goal(id="M2", says="amount text is echoed exactly or refused", figure="0 changed of 1 000 000 texts")
M3 = Goal(id="M3", says="binary floating point on a money path", figure="0 occurrences")
M4 = Goal(id="M4", says="under, exact, over, late, split, dust", figure="24 rows, all as documented")


async def measured(scale: Scale, folder: Path) -> Sequence[Measured]:
    texts = scale.of(1_000_000, 20_000)
    changed, refused = await asyncio.to_thread(echo, texts, scale.random("amounts"))
    found = floats()
    wrong = await table(folder)
    return [
        Measured(goal=M2, value=f"{changed} changed of {texts:,} texts, {refused:,} refused", holds=changed == 0),
        Measured(goal=M3, value=f"{len(found)} occurrences{''.join(f'; {each}' for each in found)}", holds=not found),
        Measured(goal=M4, value=f"{len(ROWS) - len(wrong)} of {len(ROWS)} rows {wrong or ''}".strip(), holds=not wrong),
    ]


def echo(count: int, chance: random.Random) -> tuple[int, int]:
    """(changed, refused) of so many texts: whatever is taken must be worth the same, digit for digit, when it is told
    again, as text and as a JSON number."""
    units, changed, refused = list(Currency), 0, 0
    for _ in range(count):
        text, unit = _text(chance), chance.choice(units)
        try:
            taken = money.parse(text, unit)
        except (AmountInvalid, AmountTooPrecise):
            refused += 1
            continue
        changed += not _is_echoed(text, taken)
    return changed, refused


def _is_echoed(text: str, taken: Money) -> bool:
    told = str(taken)
    if Decimal(told) != Decimal(text) or money.parse(told, taken.currency) != taken:
        return False
    # As a JSON number: read by its literal and written with its digits.
    literal = text.lstrip("0") or "0"
    body = f'{{"amount":{"0" + literal if literal.startswith(".") else literal}}}'.encode()
    read = money.read(json.loads(body)["amount"], taken.currency)
    return read == taken and json.loads(json.dumps({"amount": taken.decimal}))["amount"] == Decimal(text)


def _text(chance: random.Random) -> str:
    """Mostly amounts, of any size and with any number of decimals; some that only look like one."""
    whole = str(chance.getrandbits(chance.randint(0, 70)))
    decimals = chance.choice((0, 0, 1, 2, 2, 2, 3, 6, 8, 9, 18))
    text = whole if not decimals else f"{whole}.{chance.randrange(10**decimals):0{decimals}d}"
    match chance.randint(0, 19):
        case 0:
            place = chance.randint(0, len(text))
            return text[:place] + chance.choice(" ,-+eE_.'\u0661\u00a0\n") + text[place:]
        case 1:
            return "0" * chance.randint(1, 3) + text
        case 2:
            return text + ("0" * chance.randint(1, 12) if "." in text else ".0")
        case _:
            return text


SOURCES = Path(money.__file__).parents[1]
MONEY_FOLDERS = ("domain", "operations", "store", "rails", "dialects")
DIVISIONS = frozenset(
    {
        "EUR_PER_UNIT[paid] / EUR_PER_UNIT[base]",
        "amount.decimal / exchange_rate",
        "amount.decimal / rate",
        "link.amount.decimal / rate",
        "payout_fee.decimal / charge_rate",
        "subtotal.decimal * tax.percentage / 100",
        "Decimal(inferred.MAX_MINOR) / 100",
        "unit_price.decimal * quantity * (Decimal(100) + percent) / Decimal(100)",
    }
)
"""Divisions of decimals, each looked at. One of integers would make a binary number."""


NOT_OF_MONEY = frozenset(
    {
        ("operations/clock.py", "round"),  # seconds
        ("operations/clock.py", "float"),  # seconds
        ("operations/clock.py", "the division (answered_at - asked_at) / 2"),  # of a duration
        ("store/database.py", "the literal 0.0"),  # seconds
        ("dialects/devdraft/revision.py", "the literal 0.001"),  # seconds
        ("dialects/devdraft/form.py", "float"),  # a label that JSON made of a number
        # Documents and examples of requests, which no amount is ever reckoned from.
        ("dialects/bridge/__init__.py", "the literal 120.98"),
        ("dialects/bridge/schemas.py", "the literal 249.9"),
        ("dialects/devdraft/__init__.py", "the literal 29.99"),
        ("dialects/devdraft/products/schemas.py", "the literal 0.01"),
        ("dialects/devdraft/schemas.py", "the literal 0.01"),
        ("dialects/p100/schemas.py", "the literal 0.01"),
        ("dialects/p100/schemas.py", "float"),
    }
)


def floats() -> list[str]:
    """Where money's code has a binary number, or something that makes one."""
    return [
        f"{name}:{line} {what}"
        for folder in MONEY_FOLDERS
        for file in sorted((SOURCES / folder).rglob("*.py"))
        for line, what in floats_in(file.read_text())
        if ((name := file.relative_to(SOURCES).as_posix()), what) not in NOT_OF_MONEY
    ]


def floats_in(source: str) -> Iterator[tuple[int, str]]:
    """What is written of times and of paths is let pass."""
    tree = ast.parse(source)
    passed = {id(inner) for node in _of_time(tree) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in passed:
            continue
        match node:
            case ast.Constant(value=float(number)):
                yield node.lineno, f"the literal {number}"
            case ast.Name(id="float" | "round" as name):
                yield node.lineno, name
            case ast.BinOp(op=ast.Div()) if not _is_path(node) and ast.unparse(node) not in DIVISIONS:
                yield node.lineno, f"the division {ast.unparse(node)}"
            case ast.Import(names=[ast.alias(name="math" | "statistics" as name), *_]):
                yield node.lineno, f"import {name}"
            case _:
                pass


def _of_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Whatever says by its name that it is about time."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=str(name)) | ast.arg(arg=name) if _tells_of_time(name):
                yield node
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                if _tells_of_time(name):
                    yield node
            case ast.arguments(kwonlyargs=named, kw_defaults=defaults):
                yield from (d for each, d in zip(named, defaults, strict=True) if d and _tells_of_time(each.arg))
            case _:
                pass


def _tells_of_time(name: str) -> bool:
    return name.lower().endswith(("seconds", "delays", "jitter", "days", "hours"))


def _is_path(node: ast.BinOp) -> bool:
    return isinstance(node.right, ast.Constant) and isinstance(node.right.value, str)


@dataclass(frozen=True, kw_only=True)
class Row:
    """`parts` are hundredths of what is due, sent one after the other; "dust" is a single minor unit. `late` is how
    long after the attempt's deadline. The rest is what is documented: attempt, settlement, link."""

    dialect: str
    kind: str
    parts: tuple[int | str, ...]
    late_minutes: int = 0
    attempt: str
    settlement: str
    link: str


CHOICES: dict[str, Choice] = {
    "p100": Choice(values={"coin": "usdc:polygon"}),
    "txn": Choice(values={"network": "tpolygon:usdc"}),
    "bridge": Choice(action="manual_transfer"),
    "devdraft": Choice(values={"quantity": "1"}),
}
_SENT: dict[str, tuple[int | str, ...]] = {
    "under": (40,), "exact": (100,), "over": (120,), "late": (100,), "split": (60, 40), "dust": ("dust",),
}  # fmt: skip
_WAITS = ("processing", "underpaid", "processing")
_PAID, _OVER, _LATE = ("paid", "settled", "paid"), ("paid", "overpaid", "paid"), ("expired", "late", "expired")
_TAKES_ALL = ("paid", "underpaid", "paid")
DOCUMENTED: dict[str, dict[str, tuple[str, str, str]]] = {
    # Too little waits for the rest; nothing is tolerated and nothing is given back.
    "p100": {"under": _WAITS, "exact": _PAID, "over": _OVER, "late": _LATE, "split": _PAID, "dust": _WAITS},
    # Whatever comes completes it, within seven days of the rate's end as before it.
    "txn": {"under": _TAKES_ALL, "exact": _PAID, "over": _OVER, "late": _PAID, "split": _PAID, "dust": _TAKES_ALL},
    "bridge": {"under": _WAITS, "exact": _PAID, "over": _OVER, "late": _LATE, "split": _PAID, "dust": _WAITS},
    "devdraft": {"under": _WAITS, "exact": _PAID, "over": _OVER, "late": _LATE, "split": _PAID, "dust": _WAITS},
}
ROWS = [
    Row(
        dialect=dialect,
        kind=kind,
        parts=_SENT[kind],
        late_minutes=1 if kind == "late" else 0,
        attempt=attempt,
        settlement=settlement,
        link=link,
    )
    for dialect, kinds in DOCUMENTED.items()
    for kind, (attempt, settlement, link) in kinds.items()
]


async def table(folder: Path) -> list[str]:
    """The rows that came out otherwise."""
    postgres = embedded.Postgres(folder)
    await asyncio.to_thread(postgres.start)
    try:
        await schema.migrate(postgres.url())
        async with open_world(postgres.url()) as world:
            return [wrong for row in ROWS if (wrong := await play(world, row)) is not None]
    finally:
        await asyncio.to_thread(postgres.stop)


async def play(world: World, row: Row) -> str | None:
    """None when all is as documented, and every minor unit is accounted for."""
    merchant = await world.merchant(default_beneficiary=BENEFICIARY, manual_transfer=True)
    changes: dict[str, Any] = {"limitPayments": True, "maxPayments": 1} if row.dialect == "devdraft" else {}
    made = await make(world, merchant, row.dialect, **changes)
    database, flow = world.services.database, DIALECTS[row.dialect].flow
    async with database.single() as tx:
        (link,) = await links.newest(tx, merchant.id, limit=1)
        opening = flow.open(merchant, await links.get_any(tx, link.id, world.now), CHOICES[row.dialect],
                            world.services.rail, world.now)  # fmt: skip
    started = await atomic(database, lambda tx: payments.start(tx, link.id, opening, world.now))
    (payment,) = started.payments
    if row.late_minutes:
        assert payment.expires_at is not None
        world.clock.advance_by(seconds=(payment.expires_at - world.now).total_seconds() + 60 * row.late_minutes)
    sent = 0
    for number, part in enumerate(row.parts):
        minor = 1 if part == "dust" else payment.due.minor * int(part) // 100
        if number == len(row.parts) - 1 and len(row.parts) > 1:
            minor = payment.due.minor - sent
        await _send(
            world, link.id, payment.id, Money(minor=minor, currency=payment.due.currency), f"{made.id} {number}"
        )
        sent += minor
    await expiry.run(database, world.now)
    async with database.single() as tx:
        dossier = await links.get_any(tx, link.id, world.now)
    world.clock.reset()
    (after,) = dossier.payments
    seen = (after.status, after.settlement, dossier.link.status)
    if seen == (row.attempt, row.settlement, row.link) and after.received.minor == sent:
        return None
    return f"{row.dialect} {row.kind}: {' '.join(seen)}, {after.received.minor} of {sent}"


async def _send(world: World, link_id: UUID, payment_id: UUID, amount: Money, reference: str) -> None:
    receipt = Receipt(rail="table", reference=reference, amount=amount, status=TransferStatus.CONFIRMED)
    await atomic(world.services.database, lambda tx: payments.receive(tx, link_id, payment_id, receipt, world.now))
