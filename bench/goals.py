"""The goals by name, and `python -m bench.goals --check`: those that a busy machine cannot blur."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Goal:
    """`at_least` says on which side of `figure` the measured value must lie."""

    name: str
    says: str
    figure: float
    at_least: bool = False
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    goal: Goal
    measured: float

    @property
    def holds(self) -> bool:
        return self.measured >= self.goal.figure if self.goal.at_least else self.measured <= self.goal.figure


G1 = Goal(name="G1", says="create / pgbench's insert of link and event", figure=0.12, at_least=True)
G3 = Goal(name="G3", says="get / pgbench's select by key", figure=0.03, at_least=True)
G4_CREATE = Goal(name="G4", says="create / the tutorial-style app's", figure=5, at_least=True)
G4_GET = Goal(name="G4", says="get / the tutorial-style app's", figure=3.5, at_least=True)
G6_CREATE = Goal(name="G6", says="create p50 with many links / with few", figure=1.3)
G6_GET = Goal(name="G6", says="get p50 with many links / with few", figure=1.3)
G6_PAGES = Goal(name="G6", says="further pages touched per get with 100 k links than with 10 k", figure=1)
G7 = Goal(name="G7", says="list page at 99 % depth p50 / the first page's", figure=1.2)
G7_PAGES = Goal(name="G7", says="pages touched per list page at 99 % depth of 100 k / per first page", figure=1.2)
G8 = Goal(name="G8", says="WAL per create with many links / with few", figure=1.3)
G9_SLOW = Goal(name="G9", says="commit to delivery, p99 at 20 events/s, scaled", figure=25, unit="ms")
G9_FAST = Goal(name="G9", says="commit to delivery, p99 at 200 events/s, scaled", figure=25, unit="ms")
G9_POLL = Goal(name="G9", says="the same without the wake-up, at 20 events/s", figure=1200, unit="ms")
G9_LOST = Goal(name="G9", says="deliveries lost", figure=0)
G10 = Goal(name="G10", says="deliveries / a bare aiohttp loop's signed posts, 64 in flight", figure=0.6, at_least=True)
G11 = Goal(name="G11", says="others' deliveries/s with an endpoint that hangs / without", figure=0.8, at_least=True)
G11_P99 = Goal(name="G11", says="others' p99 with one of 100 endpoints dead / without", figure=1.1)
G12 = Goal(name="G12", says="CPU of an API-key check", figure=20, unit="µs")
G13 = Goal(name="G13", says="CPU of a get with every route and middleware / a one-route FastAPI app's", figure=2)
G15 = Goal(name="G15", says="create p99 / p50 at 32 connections", figure=4)


CREATES = 500


def table(results: Sequence[Result]) -> str:
    lines = []
    for result in results:
        goal = result.goal
        side = "≥" if goal.at_least else "≤"
        verdict = "pass" if result.holds else "FAIL"
        figure = f"{goal.figure:g}{' ' + goal.unit if goal.unit else ''}"
        lines.append(f"{goal.name:<4} {verdict}  {result.measured:>9.3f}  {side} {figure:<8} {goal.says}")
    return "\n".join(lines)


def measure() -> list[Result]:
    """The goals that are counts or CPU time of one process."""
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    # Only here: the names above are for `bench.__main__` too, which needs none of these.
    from bench import growth, in_process
    from payglot import schema
    from payglot.embedded import DATABASE, Postgres

    with tempfile.TemporaryDirectory(prefix="payglot-bench-") as folder, Postgres(Path(folder)) as postgres:
        await schema.migrate(postgres.url())
        async with in_process.installation(postgres.url()) as installed:
            with in_process.quiet():
                key_check = await in_process.key_check_us(installed)
                ratio = await in_process.get_ratio(installed)
                template = await in_process.create(installed)
                touched, logged = [], []
                for total in (10_000, 100_000):
                    growth.load(postgres, DATABASE, template=template, total=total)
                    touched.append(await in_process.pages_per_get(installed))
                    before = growth.wal_bytes(postgres)
                    for _ in range(CREATES):
                        await in_process.create(installed)
                    logged.append(growth.wal_bytes(postgres) - before)
                first, deep = await in_process.pages_per_list(installed)
    return [
        Result(goal=G6_PAGES, measured=touched[1] - touched[0]),
        Result(goal=G7_PAGES, measured=deep / first),
        Result(goal=G8, measured=logged[1] / logged[0]),
        Result(goal=G12, measured=key_check),
        Result(goal=G13, measured=ratio),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.goals", description=__doc__)
    parser.add_argument("--check", action="store_true", help="measure, and fail when a goal does not hold")
    if not parser.parse_args().check:
        parser.error("`make bench` measures every goal; here there is only --check")
    results = measure()
    print(table(results))
    sys.exit(0 if all(result.holds for result in results) else 1)


if __name__ == "__main__":
    main()
