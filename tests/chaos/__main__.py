"""`python -m tests.chaos`: break a real installation in every way, and print each goal beside what was measured."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from payglot.settings import LogFormat
from payglot.web import logs
from tests.chaos import contention, crashes, receiving, rehearsed, soak
from tests.chaos.goals import Goal, Measured, Part, Scale, table

PARTS: Mapping[str, Part] = {
    **crashes.PARTS, **contention.PARTS, **receiving.PARTS, **rehearsed.PARTS, **soak.PARTS,
}  # fmt: skip
MEASURES: Mapping[str, Sequence[str]] = {**crashes.MEASURES, **rehearsed.MEASURES, **soak.MEASURES}
"""The goals of each part; one that is not here may measure any."""
UNASKED = soak.PARTS.keys()
"""It takes an hour, and so runs only when it is named."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="what runs among the tests")
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to do the same again")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the counts that the goals name, for a run in between"
    )
    parser.add_argument("--only", default="", help="parts, or goals to print, separated by commas: crashes,W3")
    asked = parser.parse_args()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    only = [name for name in asked.only.split(",") if name]
    chosen = parts(only, short=asked.short)
    folder = Path(tempfile.mkdtemp(prefix="payglot-chaos-"))
    # What runs in this process, for once, is not to talk between the figures.
    logs.configure(format=LogFormat.JSON, level="error")
    print(f"seed {seed}, histories and logs in {folder}", flush=True)
    measured = asyncio.run(run(chosen, Scale(short=asked.short, seed=seed, share=asked.share), folder))
    goals = {name for name in only if _is_goal(name)}
    measured = [each for each in measured if not goals or each.goal.id in goals or not each.holds]
    print(f"\n{table(measured)}")
    sys.exit(not all(each.holds for each in measured))


def parts(only: Sequence[str], *, short: bool = False) -> dict[str, Part]:
    """By name: all, those named in `only`, or those that measure goals named there. In the short form, one part of
    `crashes` measures everything that its others do."""
    measures = dict(MEASURES)
    if short:
        measures["crashes"] = [goal for goals in measures.values() for goal in goals]
    if unknown := [name for name in only if name not in PARTS and not _is_goal(name)]:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    goals = {name for name in only if _is_goal(name)}
    return {
        name: part
        for name, part in PARTS.items()
        if (not only and name not in UNASKED)
        or name in only
        or (goals and not goals.isdisjoint(measures.get(name, goals)))
    }


async def run(chosen: Mapping[str, Part], scale: Scale, folder: Path) -> list[Measured]:
    """One after the other; one that breaks is told of among the goals, and the others go on."""
    measured: list[Measured] = []
    for name, part in chosen.items():
        began = time.monotonic()
        seen: Sequence[Measured]
        (folder / name).mkdir()
        try:
            seen = await part(scale, folder / name)
        except Exception as error:  # noqa: BLE001 (a part may break in any way)
            traceback.print_exc()
            broken = Goal(id="!", says=f"the part called {name} runs to its end", figure="it does")
            seen = [Measured(goal=broken, value=f"{type(error).__name__}: {error}"[:100], holds=False)]
        print(f"{table(seen)}\n{name} took {time.monotonic() - began:.0f} s", flush=True)
        measured += seen
    return measured


def _is_goal(name: str) -> bool:
    return name[:1].isupper()


if __name__ == "__main__":
    main()
