"""`payglot listen`: events reach a developer's machine as they happen."""

import itertools
import json
import shlex
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from payglot.dialects import DIALECTS
from payglot.sandbox.verify import Received as Signed, verify
from tests.admin.shops import Moody, open_shop, operate, webhooks
from tests.commands.calling import Running, call, running, variables
from tests.processes import free_port
from tests.sandbox.serving import Served, serving
from tests.webhooks.receivers import Received, receiver

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database()) as opened:
        yield opened


@pytest.fixture
def environ(served: Served, tmp_path: Path) -> dict[str, str]:
    return variables(served, tmp_path)


async def secret_of(listener: Running, dialect: str) -> str:
    await listener.until("as they happen")
    (line,) = [line for line in listener.lines if line.startswith(dialect) and "secret" in line]
    return line.split()[-1]


def verifies(dialect: str, request: Received, secret: str) -> bool:
    signed = Signed(headers=request.headers, body=request.body, secrets=[secret], at=datetime.now(UTC))
    return verify(dialect, signed).verified


async def test_a_merchants_events_are_forwarded_signed_and_shown_and_count_for_nobody(
    served: Served, environ: dict[str, str]
) -> None:
    async with receiver() as theirs, receiver(Moody(201)) as mine:
        shop, other = await open_shop(served, theirs), await open_shop(served)
        words = ("listen", "--forward-to", f"http://127.0.0.1:{mine.port}", "--merchant", shop.merchant_id)
        async with running(environ, *words) as listener:
            secret = await secret_of(listener, "p100")
            await other.paid_link()
            link = await shop.paid_link()
            shown = await listener.until(f"link {link}", 2)
            assert all("→ 201 in" in line and "not taken" not in line for line in shown)
            delivered = await shop.until(2, status="delivered")
            assert await listener.stop(signal.SIGINT) == 0
            assert listener.lines[-1] == "Sent 2 on, of which 2 were accepted."
    assert [request.line for request in mine.requests] == ["POST /webhook/payment-link/status HTTP/1.1"] * 2
    assert [request.body for request in mine.requests] == [request.body for request in webhooks(theirs)]
    assert all(verifies("p100", request, secret) for request in mine.requests)
    assert not any(verifies("p100", request, shop.endpoint["secret"]) for request in mine.requests)
    assert {each["endpoint_id"] for each in delivered} == {shop.endpoint["id"]}
    assert [each["attempts"] for each in delivered] == [1, 1]


@pytest.mark.parametrize("dialect", ["bridge", "devdraft", "qonto", "txn"])
async def test_each_dialect_is_forwarded_in_its_own_form(served: Served, environ: dict[str, str], dialect: str) -> None:
    given = served.given["dialects"][dialect]
    merchant = served.given["merchant_id"]
    async with receiver() as mine:
        words = ("listen", "--forward-to", mine.url, "--merchant", merchant, "--dialect", dialect, "--bodies")
        async with running(environ, *words) as listener:
            secret = await secret_of(listener, dialect)
            await _create_and_pay(served, dialect)
            await listener.until(f"{dialect:<8}  ", 2)
            assert await listener.stop(signal.SIGTERM) == 0
    assert all(verifies(dialect, request, secret) for request in mine.requests)
    assert not any(verifies(dialect, request, given["webhook_secret"]) for request in mine.requests)


async def _create_and_pay(served: Served, dialect: str) -> None:
    """By the example that the demo prints for the dialect."""
    headers = served.given["dialects"][dialect]["headers"]
    year = datetime.now(UTC).year + 1
    command = shlex.split(DIALECTS[dialect].example(served.url, headers, f"{year}-01-01T00:00:00.000Z"))
    sent = dict(word.split(": ", 1) for before, word in itertools.pairwise(command) if before == "-H")
    (url,) = [word for word in command if word.startswith("http")]
    created = await served.http.post(url, headers=sent, content=command[command.index("-d") + 1])
    assert created.status_code in (200, 201), created.text
    address = next(part for part in created.text.split('"') if "/pay/" in part)
    played = await served.http.post("/sandbox/v1/pay", json={"url": address, "outcome": "paid"})
    assert played.status_code == 200, played.text


async def test_a_receiver_that_is_down_is_shown_and_survived(served: Served, environ: dict[str, str]) -> None:
    port = free_port()
    shop = await open_shop(served)
    words = ("listen", "--forward-to", f"http://127.0.0.1:{port}/in", "--merchant", shop.merchant_id, "--json")
    async with running(environ, *words, "--secret", "p100=my-own-token") as listener:
        assert await secret_of(listener, "p100") == "my-own-token"
        link = await shop.paid_link()
        lines = [json.loads(line) for line in await listener.until(link, 2)]
        assert [(each["accepted"], each["status"], each["error"]) for each in lines] == [
            (False, None, "connection failed")
        ] * 2
        assert lines[0]["headers"]["Authorization"] == "…"
        assert json.loads(lines[0]["body"])["paymentLinkId"] == link
        assert await listener.stop(signal.SIGINT) == 0
        assert listener.lines[-1] == "Sent 2 on, of which 0 were accepted."
    assert (await operate(served, "GET", shop.endpoint_path))["enabled"] is True


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--forward-to", "ftp://x"), "--forward-to: must be http or https with a host."),
        (("--forward-to", "http://127.0.0.1:1", "--dialect", "x"), "--dialect: one of bridge, "),
        (("--forward-to", "http://127.0.0.1:1", "--secret", "x=y"), "--secret: DIALECT=SECRET, with one of bridge,"),
        (("--forward-to", "http://127.0.0.1:1", "--merchant", "x"), "merchant_id: must be a UUID."),
        (("--forward-to", "http://127.0.0.1:1", "--server", "http://127.0.0.1:9"), "No server answers at"),
    ],
    ids=["scheme", "dialect", "secret", "merchant", "server"],
)
async def test_what_cannot_be_followed_is_one_clear_line(
    environ: dict[str, str], words: tuple[str, ...], line: str
) -> None:
    done = await call(environ, "listen", *words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("payglot: ")
    assert line in done.err
    assert len(done.err.splitlines()) == 1
