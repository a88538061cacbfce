"""The outbound HTTP client."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from payglot.webhooks.guard import Guard


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What came of one attempt."""

    status: int | None
    error: str | None
    answer: str
    retry_after_seconds: float | None
    duration_seconds: float


class Client:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Sent:
        began = time.perf_counter()
        status, error, text = None, None, ""
        try:
            timeout = aiohttp.ClientTimeout(total=timeout_seconds)
            async with self.session.post(url, data=body, headers=headers, timeout=timeout) as response:
                status, text = response.status, (await response.content.read(16384)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            error = type(problem).__name__
        took = time.perf_counter() - began
        return Sent(status=status, error=error, answer=text, retry_after_seconds=None, duration_seconds=took)

    async def close(self) -> None:
        await self.session.close()


def connect(guard: Guard, *, concurrency: int = 128) -> Client:
    return Client(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)))
