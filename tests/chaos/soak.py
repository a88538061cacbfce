"""An hour at the reference load (Z4): nothing fails, and nobody grows. Asked for by name, since `make chaos` is to end
within that time: `make chaos ARGS="--only soak"`."""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.chaos.crashes import loaded, rest
from tests.chaos.goals import Goal, Measured, Part, Scale
from tests.chaos.stage import opened

Z4 = Goal(
    id="Z4",
    says="soak at reference load (20 creates/s), 1 h",
    figure="resident memory of each process grows ≤ 5 % after the first 10 min; 0 errors",
)
SECONDS, WARM_SECONDS = 3600, 600
SAMPLE_SECONDS = 5
SAMPLES = 12
"""A minute of them, of which the median is taken at either end."""
GROWTH = 0.05


async def soak(scale: Scale, folder: Path) -> Sequence[Measured]:
    if scale.short:
        return []
    async with opened(folder, scale, [f"ok-{number}" for number in range(10)], proxied=False) as stage:
        processes = stage.installation.processes
        sizes: dict[str, list[int]] = {each.name: [] for each in processes}
        pids = {each.name: each.process.pid for each in processes if each.process is not None}
        async with loaded(stage, creates_per_second=20):
            began = time.monotonic()
            while time.monotonic() < began + scale.part_of(SECONDS):
                await asyncio.sleep(SAMPLE_SECONDS)
                for name, pid in pids.items():
                    sizes[name].append(psutil.Process(pid).memory_info().rss)
        errors = len(stage.driver.errors)
        restarts = sum(len(each.exits) for each in processes)
        found = await stage.end("soak")
        warm = scale.part_of(WARM_SECONDS) // SAMPLE_SECONDS
        return [judged(sizes, warm=warm, errors=errors + restarts), rest(found)]


def judged(sizes: Mapping[str, Sequence[int]], *, warm: int, errors: int) -> Measured:
    """By each process' `sizes` in bytes, one every few seconds, of which the first `warm` do not count."""
    grown = {name: _grown(each[warm:]) for name, each in sizes.items()}
    worst = max(grown, key=lambda name: grown[name])
    ends = ", ".join(f"{name} {each[-1] // 2**20} MiB ({grown[name]:+.1%})" for name, each in sizes.items())
    return Measured(goal=Z4, value=f"{errors} errors; {ends}", holds=errors == 0 and grown[worst] <= GROWTH)


def _grown(sizes: Sequence[int]) -> float:
    count = min(SAMPLES, max(1, len(sizes) // 2))
    return statistics.median(sizes[-count:]) / statistics.median(sizes[:count]) - 1


PARTS: Mapping[str, Part] = {"soak": soak}
MEASURES: Mapping[str, Sequence[str]] = {"soak": ("Z4",)}
