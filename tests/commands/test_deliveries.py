"""`payglot deliveries` and `payglot explain`, as an operator types them."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from payglot.commands import office
from tests.admin.shops import Moody, open_shop, operate, until, webhooks
from tests.commands.calling import call, variables
from tests.sandbox.serving import Served, serving
from tests.webhooks.receivers import receiver
from tests.world import ADMIN_TOKEN

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
async def served(new_database: Callable[..., str]) -> AsyncIterator[Served]:
    async with serving(new_database()) as running:
        yield running


@pytest.fixture
def environ(served: Served, tmp_path: Path) -> dict[str, str]:
    return variables(served, tmp_path)


async def test_deliveries_are_listed_shown_and_sent_again(served: Served, environ: dict[str, str]) -> None:
    async with receiver(Moody()) as there:
        shop = await open_shop(served, there)
        link = await shop.paid_link()
        pending, confirmed = await shop.until(2, status="delivered")

        listed = await call(environ, "deliveries", "list", "--merchant", shop.merchant_id, "--status", "delivered")
        head, *rows = listed.out.splitlines()
        assert head.split() == ["DELIVERY", "DIALECT", "EVENT", "STATE", "TRIES", "LAST", "NEXT", "CREATED", "LINK"]
        assert [row.split()[:6] for row in rows] == [
            [each["id"], "p100", each["name"], "delivered", "1", "200"] for each in (confirmed, pending)
        ]

        shown = await call(environ, "deliveries", "show", confirmed["id"])
        assert "Authorization: …" in shown.out
        assert f'"paymentLinkId":"{link}"' in shown.out.replace(" ", "").replace("\n", "")
        assert shop.endpoint["secret"] not in shown.out

        log = await call(environ, "deliveries", "log", link)
        assert "link.created" in log.out
        assert f"CONFIRMED  delivered  {confirmed['id']}" in log.out

        again = await call(environ, "deliveries", "redeliver", confirmed["id"])
        assert (again.code, "200 in" in again.out) == (0, True)
        assert [request.body for request in webhooks(there)][1:] == [webhooks(there)[1].body] * 2

        as_json = await call(environ, "deliveries", "list", "--link", link, "--json")
        assert {each["id"] for each in as_json.json["data"]} == {pending["id"], confirmed["id"]}

        why = await call(environ, "explain", link)
        assert why.code == 0
        assert why.out.splitlines()[-1].startswith("So the link is paid: all of the")
        assert (await call(environ, "explain", link, "--json")).json["link"]["id"] == link


async def test_a_paused_endpoint_is_found_tested_and_replayed_with_one_command(
    served: Served, environ: dict[str, str]
) -> None:
    moody = Moody(410)
    async with receiver(moody) as there:
        shop = await open_shop(served, there)
        await shop.paid_link()
        endpoint = shop.endpoint["id"]

        async def paused() -> bool:
            return (await operate(served, "GET", shop.endpoint_path))["paused"] is not None

        await until(paused)
        (trouble,) = [
            line for line in (await call(environ, "deliveries", "endpoints")).out.splitlines() if endpoint in line
        ]
        assert "paused (gone)" in trouble

        waiting = await call(environ, "deliveries", "test", endpoint)
        assert waiting.code == 1
        assert waiting.err == (
            "payglot: Its endpoint is paused, so it waits: `payglot deliveries replay` resumes it.\n"
        )

        moody.status = 200
        replayed = await call(environ, "deliveries", "replay", endpoint, "--since", "2h")
        assert (replayed.code, replayed.err) == (0, "")
        assert replayed.out == "The endpoint was paused and is resumed. 3 deliveries are on the way again.\n"
        await shop.until(3, status="delivered")

        sent = await call(environ, "deliveries", "test", endpoint, "--json")
        assert (sent.code, sent.json["status"], sent.json["name"]) == (0, "delivered", "TEST")


async def test_a_receiver_that_refuses_is_one_line_and_no_success(served: Served, environ: dict[str, str]) -> None:
    async with receiver(Moody(503)) as there:
        shop = await open_shop(served, there)
        sent = await call(environ, "deliveries", "test", shop.endpoint["id"])
    assert (sent.code, sent.err) == (1, "payglot: The receiver did not take it: 503.\n")
    assert "503 in" in sent.out


async def test_a_disabled_endpoint_is_enabled_and_replayed_with_one_command(
    served: Served, environ: dict[str, str]
) -> None:
    async with receiver() as there:
        shop = await open_shop(served, there)
        link = await shop.paid_link()
        await shop.until(2, status="delivered")
        await operate(served, "PATCH", shop.endpoint_path, {"enabled": False})
        replay = ("deliveries", "replay", shop.endpoint["id"], "--link", link)
        refused = await call(environ, *replay)
        assert (refused.code, refused.err) == (
            1,
            "payglot: The endpoint is disabled, so all of it waits: give --enable.\n",
        )
        assert (await call(environ, *replay, "--enable")).code == 0

        async def sent_again() -> bool:
            return len(webhooks(there)) >= 4

        await until(sent_again)


async def test_a_rotated_secret_is_all_that_is_printed(served: Served, environ: dict[str, str]) -> None:
    shop = await open_shop(served, dialect="txn")
    rotated = await call(environ, "deliveries", "rotate-secret", shop.endpoint["id"])
    assert rotated.out.startswith("whsec_")
    assert len(rotated.out.splitlines()) == 1
    assert rotated.out.strip() not in rotated.err
    assert "svix-signature has a signature by each" in rotated.err


@pytest.mark.parametrize(
    ("words", "settings", "line"),
    [
        (("deliveries", "show", str(UUID(int=7))), {}, "There is no such delivery."),
        (("deliveries", "show", "a/../../b"), {}, "That is no id: a/../../b."),
        (("deliveries", "test", "x"), {}, "There is no such endpoint."),
        (("explain", "nothing"), {}, "There is no such link."),
        (("deliveries", "list", "--merchant", "x"), {}, "merchant_id: must be a UUID."),
        (("deliveries", "replay", "x"), {}, "Say what to send again: --since, or --link."),
        (("explain", "x"), {"admin_token": "wrong"}, "refuses the admin token: set PAYGLOT_ADMIN_TOKEN"),
        (("explain", "x"), {"admin_token": None}, "PAYGLOT_ADMIN_TOKEN is not set, and no sandbox has left one in"),
        (("explain", "x"), {"public_url": "http://127.0.0.1:9"}, "No server answers at http://127.0.0.1:9"),
        (("explain", "x", "--server", "x"), {}, "--server must be an address like https://"),
        (("explain", "x"), {"port": "x"}, "PAYGLOT_PORT: "),
    ],
    ids=lambda value: None if isinstance(value, dict) else "-".join(value)[:40] if isinstance(value, tuple) else "",
)
async def test_every_problem_is_one_clear_line_and_no_success(
    served: Served, tmp_path: Path, words: tuple[str, ...], settings: dict[str, Any], line: str
) -> None:
    done = await call(variables(served, tmp_path, **settings), *words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("payglot: ")
    assert line in done.err
    assert len(done.err.splitlines()) == 1
    assert ADMIN_TOKEN not in done.err


async def test_a_sandbox_beside_it_needs_no_settings(served: Served, tmp_path: Path) -> None:
    environ = variables(served, tmp_path, admin_token=None, public_url=None)
    folder = tmp_path / "data"
    folder.mkdir()
    secrets = {"admin_token": ADMIN_TOKEN, "secret_key": "unused"}
    (folder / "sandbox-secrets.json").write_text(json.dumps(secrets))
    (folder / "address").write_text(served.url)
    shop = await open_shop(served)
    link = await shop.link()
    assert (await call(environ, "explain", link["url"])).code == 0


def test_what_others_wrote_cannot_move_a_terminals_cursor() -> None:
    assert office.shown("ok\x1b[2J\u202e\tend") == "ok\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER} end"
