"""A merchant's receiver: answers 200 at once and notes when what arrived. `GET /log` tells and forgets."""

import asyncio
import json
import sys
import time
from typing import cast

import uvloop


class Receiver(asyncio.Protocol):
    noted: list[tuple[float, str]] = []  # noqa: RUF012 (one list for all connections)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].lower() + b"\r\n"
            at = head.find(b"content-length:")
            length = int(head[at + 15 : head.find(b"\r\n", at)]) if at >= 0 else 0
            if len(self._waiting) < end + 4 + length:
                return
            body = self._waiting[end + 4 : end + 4 + length]
            self._waiting = self._waiting[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        answer = b"ok"
        if head.startswith(b"get /log"):
            answer = json.dumps(self.noted).encode()
            self.noted.clear()
        else:
            self.noted.append((time.monotonic(), body.decode()))
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


async def listen(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(listen(int(sys.argv[1])))
