"""Requests that reach the server in one instant: all but the last byte of each is sent, and then the last bytes."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    def spelled(self, host: str) -> bytes:
        head = {"Host": host, "Connection": "close", **self.headers}
        if self.body or self.method != "GET":
            head["Content-Length"] = str(len(self.body))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def posting(path: str, headers: Mapping[str, str], body: Any, *, method: str = "POST") -> Request:
    typed = {"Content-Type": "application/json", **headers}
    return Request(method=method, path=path, headers=typed, body=json.dumps(body).encode())


def submitting(path: str, fields: Mapping[str, str]) -> Request:
    """A form, as a browser sends it from its own page."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    return Request(method="POST", path=path, headers=headers, body=urlencode(fields).encode())


async def at_once(base_url: str, requests: Sequence[Request]) -> list[Answer]:
    """One connection each. Raises what broke, if a connection did."""
    where = urlsplit(base_url)
    host, port = where.hostname or "", where.port or 80
    connections = await asyncio.gather(*(asyncio.open_connection(host, port) for _ in requests))
    try:
        async with asyncio.timeout(SECONDS):
            texts = [request.spelled(f"{host}:{port}") for request in requests]
            for (_, writer), sent in zip(connections, texts, strict=True):
                writer.write(sent[:-1])
            await asyncio.gather(*(writer.drain() for _, writer in connections))
            # Each in a packet of its own, and nothing between two of them.
            for (_, writer), sent in zip(connections, texts, strict=True):
                writer.write(sent[-1:])
            return list(await asyncio.gather(*(_answer(reader) for reader, _ in connections)))
    finally:
        for _, writer in connections:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    if not head:
        raise ConnectionError("closed without an answer")
    return Answer(status=int(head.split(b" ", 2)[1]), body=body)
