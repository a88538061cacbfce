"""`payglot` as a process, beside a server that runs in the test's own."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import processes
from tests.processes import environment
from tests.sandbox.serving import Served
from tests.world import ADMIN_TOKEN

SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def variables(served: Served, folder: Path, **settings: Any) -> dict[str, str]:
    chosen = {"public_url": served.url, "admin_token": ADMIN_TOKEN} | settings
    return environment(folder / "data", **{name: value for name, value in chosen.items() if value is not None})


async def call(environ: Mapping[str, str], *words: str) -> Done:
    """Run it to its end."""
    done = await asyncio.to_thread(processes.call, words, environ, SECONDS)
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)


@dataclass(frozen=True)
class Running:
    """A command that goes on until it is ended."""

    process: processes.Process
    log: Path

    @property
    def lines(self) -> list[str]:
        """What it has printed so far, problems included."""
        return self.log.read_text().splitlines()

    async def until(self, text: str, count: int = 1) -> list[str]:
        """The lines with this text, once there are so many."""
        async with asyncio.timeout(SECONDS):
            while len(found := [line for line in self.lines if text in line]) < count:
                assert self.process.poll() is None, self.lines
                await asyncio.sleep(0.02)
        return found

    async def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, SECONDS)


@asynccontextmanager
async def running(environ: Mapping[str, str], *words: str) -> AsyncIterator[Running]:
    with TemporaryDirectory() as folder, processes.running(words, environ, Path(folder, "log")) as started:
        yield Running(process=started.process, log=started.log)
