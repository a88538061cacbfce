"""A merchant with a P100 endpoint on a whole Payglot that is served on a socket, and what happens to its links."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.sandbox.serving import Served
from tests.webhooks.receivers import Received, Receiver
from tests.world import ADMIN_TOKEN


@dataclass
class Shop:
    """`endpoint` is as the operator created it, with its secret."""

    served: Served
    merchant_id: str
    headers: dict[str, str]
    endpoint: dict[str, Any]

    @property
    def endpoint_path(self) -> str:
        return f"/admin/v1/merchants/{self.merchant_id}/endpoints/{self.endpoint['id']}"

    async def link(self) -> dict[str, Any]:
        created = await self.served.http.post("/v1/payment-link", headers=self.headers, json={"amount": "10"})
        assert created.status_code == 200, created.text
        link: dict[str, Any] = created.json()
        return link

    async def paid_link(self) -> str:
        """Told as PENDING, then as CONFIRMED."""
        link = await self.link()
        played = await self.served.http.post("/sandbox/v1/pay", json={"url": link["url"], "outcome": "paid"})
        assert played.status_code == 200, played.text
        id: str = link["paymentLinkId"]
        return id

    async def deliveries(self, **query: Any) -> list[dict[str, Any]]:
        """Oldest first."""
        wanted = {"merchant_id": self.merchant_id} | query
        found = await operate(self.served, "GET", "/admin/v1/deliveries", **wanted)
        return list(reversed(found["data"]))

    async def until(self, count: int, **query: Any) -> list[dict[str, Any]]:
        """Once so many deliveries are as the query wants them."""

        async def enough() -> bool:
            return len(await self.deliveries(**query)) >= count

        await until(enough)
        return await self.deliveries(**query)


def webhooks(there: Receiver) -> list[Received]:
    """What it got, without being asked how it is (P100)."""
    return [request for request in there.requests if request.line.startswith("POST ")]


async def operate(served: Served, method: str, path: str, body: Any = None, *, expect: int = 200, **query: Any) -> Any:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = await served.http.request(method, path, headers=headers, json=body, params=query)
    assert response.status_code == expect, response.text
    return response.json() if response.content else None


async def open_shop(served: Served, there: Receiver | None = None, *, dialect: str = "p100") -> Shop:
    """Without a receiver, nobody listens where its endpoint points."""
    merchant = await operate(served, "POST", "/admin/v1/merchants", {"name": "Atelier"}, expect=201)
    path = f"/admin/v1/merchants/{merchant['id']}"
    issued = await operate(served, "POST", f"{path}/credentials", {"dialect": dialect}, expect=201)
    url = f"http://127.0.0.1:{there.port}" if there else "http://127.0.0.1:9/hook"
    endpoint = await operate(served, "POST", f"{path}/endpoints", {"dialect": dialect, "url": url}, expect=201)
    return Shop(served=served, merchant_id=merchant["id"], headers=issued["headers"], endpoint=endpoint)


async def advance(served: Served, seconds: float) -> None:
    """Move the clock, and let everything happen that is due then."""
    await operate(served, "POST", "/sandbox/v1/clock", {"advance_seconds": seconds})


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.05)


@dataclass
class Moody:
    """A receiver's answer, to be changed while it runs."""

    status: int = 200

    def __call__(self, request: Received) -> bytes:
        return f"HTTP/1.1 {self.status} Whatever\r\nContent-Length: 4\r\n\r\nseen".encode()
