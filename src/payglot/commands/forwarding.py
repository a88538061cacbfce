"""Follows a server's events and sends them on, each in its dialect's own form."""

import asyncio
import base64
import ipaddress
import json
import signal
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import typer

from payglot.commands import office
from payglot.commands.office import Office, Problem, shown
from payglot.dialects import DIALECTS
from payglot.domain import identity
from payglot.webhooks import client
from payglot.webhooks.client import Client, Sent
from payglot.webhooks.guard import ForbiddenUrl, Guard

AGAIN_SECONDS = 1.0
SILENCE_SECONDS = 60.0
"""The server says something at least every 15."""
REMEMBERED = 20_000
ANSWER_CHARACTERS = 1_000
WHOSE = UUID("6c697374-656e-8000-8000-000000000000")
"""Stands for the endpoint in the ids of what is sent on, so that none is a real delivery's."""
SECRET_HEADERS = frozenset({"authorization"})
ANYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
"""The developer says where to, on their own machine: nothing is reached that they could not reach themselves."""


def check(url: str, dialect: str | None) -> None:
    """Raises Problem for what events cannot be sent to, or a dialect that there is not."""
    if dialect is not None and dialect not in DIALECTS:
        raise Problem(f"--dialect: one of {', '.join(sorted(DIALECTS))}.")
    try:
        Guard(ANYWHERE).check_url(url)
    except ForbiddenUrl as error:
        raise Problem(f"--forward-to: {error}.") from None


@dataclass(kw_only=True)
class Listener:
    """Follows one server until SIGINT or SIGTERM."""

    office: Office
    url: str
    query: Mapping[str, str]
    secrets: Mapping[str, str]
    bodies: bool
    as_json: bool
    _sent: int = 0
    _taken: int = 0
    _first: str = ""
    _last: str | None = None
    _seen: OrderedDict[tuple[str, int], None] = field(default_factory=OrderedDict)

    async def run(self) -> None:
        """Raises Problem when the server cannot be followed at all."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        sender = client.connect(Guard(ANYWHERE), concurrency=1)
        following = asyncio.create_task(self._follow(sender))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            for task in (following, stopping):
                task.cancel()
            await asyncio.gather(following, stopping, return_exceptions=True)
            await sender.close()
        self._say(f"Sent {self._sent} on, of which {self._taken} were accepted.")

    async def _follow(self, sender: Client) -> None:
        """Over and over: a stream ends after some minutes, or with its server."""
        greeted = lost = False
        while True:
            try:
                async for name, told in self._events():
                    if name == "position":
                        self._greet(told, again=greeted, lost=lost)
                        greeted, lost = True, False
                    elif self._is_new(told):
                        await self._send(sender, told)
            except httpx.HTTPError as error:
                if not greeted:
                    with self.office.asking():
                        raise
                if not lost:
                    self._say(f"{self.office.url} does not answer ({type(error).__name__}); trying again.")
                lost = True
            await asyncio.sleep(AGAIN_SECONDS)

    async def _events(self) -> AsyncIterator[tuple[str, Any]]:
        """The stream's events by name: where it begins, then messages."""
        query = dict(self.query) | ({"after": self._last} if self._last else {})
        async with (
            httpx.AsyncClient(
                headers=self.office.headers,
                timeout=httpx.Timeout(office.SECONDS, read=SILENCE_SECONDS),
                trust_env=False,
                verify=ssl.create_default_context(),
            ) as http,
            http.stream("GET", f"{self.office.url}/admin/v1/messages/stream", params=query) as response,
        ):
            away = response.status_code in (429, 500, 502, 503, 504)
            if away and self._last is not None:
                raise httpx.RemoteProtocolError(f"HTTP {response.status_code}")
            if not response.is_success:
                await response.aread()
                self.office.read(response)
            name = ""
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

    def _is_new(self, message: dict[str, Any]) -> bool:
        key = (message["event_id"], message["part"])
        if key in self._seen or message["event_id"] < self._first:
            return False
        self._seen[key] = None
        self._last = max(self._last or "", message["event_id"])
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    async def _send(self, sender: Client, message: dict[str, Any]) -> None:
        form, body = DIALECTS[message["dialect"]].webhooks, base64.b64decode(message["body"])
        headers = form.headers(
            delivery_id=identity.follower(UUID(message["event_id"]), WHOSE, message["part"]),
            name=message["name"],
            body=body,
            secrets=(self.secrets[message["dialect"]],),
            sent_at=datetime.now(UTC),
        )
        url = self.url.rstrip("/") + message["path"] if message["path"] else self.url
        sent = await sender.post(url, body, headers, form.schedule.timeout_seconds)
        lowest, highest = form.schedule.successes
        taken = sent.status is not None and lowest <= sent.status <= highest
        self._sent += 1
        self._taken += taken
        hidden = {name: "…" if name.lower() in SECRET_HEADERS else value for name, value in headers.items()}
        self._show(message, url, hidden, body.decode(errors="replace"), sent, taken)

    def _show(
        self, message: dict[str, Any], url: str, headers: Mapping[str, str], body: str, sent: Sent, taken: bool
    ) -> None:
        duration_ms = round(sent.duration_seconds * 1000)
        if self.as_json:
            names = ("event_id", "part", "merchant_id", "dialect", "link_id", "kind", "occurred_at", "name")
            told = {name: message[name] for name in names} | {"url": url, "headers": headers, "body": body}
            answer = {"status": sent.status, "error": sent.error, "accepted": taken, "duration_ms": duration_ms}
            typer.echo(json.dumps(told | answer | {"answer": sent.answer[:ANSWER_CHARACTERS]}))
            return
        outcome = f"{sent.status or sent.error} in {duration_ms} ms{'' if taken else ', not taken'}"
        name = f"{message['dialect']:<8}  {message['name']:<24}"
        typer.echo(shown(f"{datetime.now().astimezone():%H:%M:%S}  {name}  link {message['link_id']}  → {outcome}"))
        if self.bodies:
            for header, value in headers.items():
                typer.echo(f"    {shown(header)}: {shown(value)}")
            typer.echo(f"    {shown(body)}")

    def _greet(self, position: str, *, again: bool, lost: bool) -> None:
        if again:
            if lost:
                self._say(f"{self.office.url} is back.")
            return
        self._first = self._last = position
        for name, secret in self.secrets.items():
            self._say(f"{name:<8}  secret {secret}")
        self._say(f"Events of {self.office.url} go to {self.url} as they happen. Ctrl-C ends it.")

    def _say(self, sentence: str) -> None:
        # Beside the JSON, not in it.
        typer.echo(shown(sentence), err=self.as_json)


def secrets(dialect: str | None, given: list[str]) -> dict[str, str]:
    """One for the dialect, or for each; new unless it was given. Raises Problem."""
    dialects = (dialect,) if dialect else tuple(sorted(DIALECTS))
    known: dict[str, str] = {}
    for text in given:
        name, _, secret = text.partition("=")
        if name not in dialects or not secret or not secret.isprintable():
            raise Problem(f"--secret: DIALECT=SECRET, with one of {', '.join(dialects)}.")
        known[name] = secret
    return {name: known.get(name) or DIALECTS[name].webhooks.new_secret() for name in dialects}
