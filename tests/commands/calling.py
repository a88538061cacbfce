"""`payglot` as a process, beside a server that runs in the test's own."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.processes import PROGRAM, environment
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
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *words, env=dict(environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Done(code=process.returncode, out=out.decode(), err=err.decode())


@dataclass
class Running:
    """A command that goes on until it is ended. `lines` is what it has printed so far, problems included."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, text: str, count: int = 1) -> list[str]:
        """The lines with this text, once there are so many."""
        async with asyncio.timeout(SECONDS):
            while len(found := [line for line in self.lines if text in line]) < count:
                assert self.process.returncode is None, self.lines
                self._grown.clear()
                await self._grown.wait()
        return found

    async def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), SECONDS)

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))
            self._grown.set()
        self._grown.set()


@asynccontextmanager
async def running(environ: Mapping[str, str], *words: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *words,
        env=dict(environ) | {"PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    started = Running(process=process)
    reading = asyncio.create_task(started.read())
    try:
        yield started
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading
