"""Breaks processes in random order, one at a time, so that load goes on."""

import asyncio
import random
import signal
from collections.abc import Sequence

from tests.chaos.installation import Installation, Payglot
from tests.chaos.wire import Cut

_FAULTS = ("stop", "term", "terminate", "cut after", "cut before")


class Nemesis:
    """`kill` in `share` of all steps, else one of the other faults. Several take turns, by their `turn`."""

    def __init__(
        self,
        installation: Installation,
        random: random.Random,
        *,
        share: float = 0.7,
        pause: tuple[float, float],
        turn: asyncio.Lock,
    ) -> None:
        self._installation = installation
        self._random = random
        self._share = share
        self._pause = pause
        self._turn = turn

    async def torment(self, victims: Sequence[Payglot], kills: int) -> int:
        """Until so many of these were killed; returns how many faults there were besides."""
        done = faults = 0
        while done < kills:
            await asyncio.sleep(self._random.uniform(*self._pause))
            victim = self._random.choice(victims)
            async with self._turn:
                # The others go on meanwhile.
                await asyncio.gather(*(each.ready.wait() for each in self._installation.processes))
                if self._random.random() < self._share:
                    self._installation.kill(victim)
                    done += 1
                else:
                    await self._disturb(victim, self._random.choice(_FAULTS))
                    faults += 1
                    self._installation.faults += 1
        return faults

    async def _disturb(self, victim: Payglot, fault: str) -> None:
        match fault:
            case "stop":
                victim.signal(signal.SIGSTOP)
                await asyncio.sleep(self._random.uniform(0.2, 2.0))
                victim.signal(signal.SIGCONT)
            case "term":
                victim.ready.clear()
                victim.signal(signal.SIGTERM)
            case "terminate":
                async with self._installation.database() as connection:
                    await connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'payglot'"
                        " AND random() < 0.5"
                    )
            case "cut after":
                self._arm(Cut("after", self._random.uniform(0, 0.02)))
            case _:
                self._arm(Cut("before"))

    def _arm(self, cut: Cut) -> None:
        if self._installation.proxies:
            self._random.choice(self._installation.proxies).arm(cut)
