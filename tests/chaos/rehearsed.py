"""Goals that are tests as they are, and so run as tests: unsafe settings, rolling migrations, restored backups."""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.chaos.goals import Goal, Measured, Part, Scale

ROOT = Path(__file__).resolve().parents[2]
GOALS: Mapping[str, Goal] = {
    "tests/test_durability.py": Goal(
        id="D5",
        says="unsafe database settings are refused",
        figure="start-up exits non-zero, readiness stays false; 3 of 3 settings",
    ),
    "tests/store/test_migrations.py": Goal(
        id="F7", says="rolling migration at 20 requests/s", figure="0 × 5xx, old and new side by side"
    ),
    "tests/store/test_backup.py": Goal(
        id="F8", says="restore from backup", figure="invariants hold; webhooks repeat with old ids, none vanish"
    ),
}


async def rehearsed(scale: Scale, folder: Path) -> Sequence[Measured]:
    if scale.short:
        return []
    return [await _run(goal, tests, folder) for tests, goal in GOALS.items()]


async def _run(goal: Goal, tests: str, folder: Path) -> Measured:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await running.communicate()
    (folder / f"{goal.id}.log").write_bytes(told)
    summary = re.search(rb"^=* ?(\d+ (?:passed|failed).*?) in ", told, re.MULTILINE)
    value = summary[1].decode() if summary else "no result"
    return Measured(goal=goal, value=f"{tests}: {value}", holds=running.returncode == 0)


PARTS: Mapping[str, Part] = {"rehearsed": rehearsed}
MEASURES: Mapping[str, Sequence[str]] = {"rehearsed": [goal.id for goal in GOALS.values()]}
