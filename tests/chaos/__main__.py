"""`python -m tests.chaos`: break a real installation in every way, and print each goal beside what was measured."""

import argparse
import asyncio
import importlib
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.goals import Measured, Part, Scale, table

MODULES = ("crashes", "contention", "receiving")


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
    # For root's sake: PostgreSQL runs under another account then, which must be let through.
    folder = Path(tempfile.mkdtemp(prefix="payglot-chaos-"))
    print(f"seed {seed}, histories and logs in {folder}")
    measured = asyncio.run(run(parts(only), Scale(short=asked.short, seed=seed, share=asked.share), folder))
    print(f"\n{table(measured)}")
    sys.exit(not all(each.holds for each in measured))


def parts(only: Sequence[str]) -> dict[str, Part]:
    """Those of the modules that there are, by name; with `only`, those named there, or all that measure such goals."""
    found: dict[str, Part] = {}
    for name in MODULES:
        try:
            module = importlib.import_module(f"tests.chaos.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"tests.chaos.{name}":
                raise
            continue
        found.update(module.PARTS)
    if unknown := [name for name in only if name not in found and not name[:1].isupper()]:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(found)}")
    return {name: part for name, part in found.items() if not only or name in only}


async def run(chosen: dict[str, Part], scale: Scale, folder: Path) -> list[Measured]:
    """One after the other. A part that breaks is a failure of the run, after the others."""
    measured: list[Measured] = []
    for name, part in chosen.items():
        began = time.monotonic()
        measured += await part(scale, folder / name)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return measured


if __name__ == "__main__":
    main()
