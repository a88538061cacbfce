"""Reliability goals by name and figure, and what was measured of them."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Goal:
    """`id` is its name everywhere (D1, W6); `figure` what is to be reached, in words and numbers."""

    id: str
    says: str
    figure: str


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`value` is what was seen, with its counts: "0 lost of 10,412 acknowledged, 203 kills"."""

    goal: Goal
    value: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of it. `short` is what runs among the tests; the whole is what the goals' counts ask for."""

    short: bool
    seed: int
    share: float = 1.0
    """Of the whole counts, for a run in between."""

    def of(self, whole: int, short: int) -> int:
        return short if self.short else whole

    def limit(self, seconds: float) -> float:
        """The figure itself, or in the short form a time that a busy machine keeps to as well: there it is only to be
        seen that it ends."""
        return 20 * seconds if self.short else seconds

    def part_of(self, whole: int) -> int:
        return max(1, round(whole * self.share))

    def random(self, purpose: str) -> random.Random:
        """The same numbers for the same seed and purpose."""
        return random.Random(f"{self.seed} {purpose}")


Part = Callable[[Scale, Path], Awaitable[Sequence[Measured]]]
"""Measures some goals in a folder of its own, and leaves no process behind."""


def table(measured: Sequence[Measured]) -> str:
    """One goal a line: whether it holds, what was seen, what it asks for."""
    width = max((len(each.value) for each in measured), default=0)
    return "\n".join(
        f"{each.goal.id:<4} {'holds' if each.holds else 'FAILS':<6} {each.value:<{width}}  {each.goal.figure}"
        f"  ({each.goal.says})"
        for each in measured
    )
