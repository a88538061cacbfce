"""Rate limits: counted per credential, told in each provider's own shape, shared through Redis."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from limits import parse_many
from pydantic import SecretStr

from payglot import server
from payglot.dialects import DIALECTS
from payglot.settings import Settings, SettingsProblem
from payglot.web.limits import Limiter, Standing
from payglot.web.refusals import TooManyRequests
from tests.links import BENEFICIARY, DIALECT_NAMES, READ, make
from tests.world import World, open_world, settings_for

WINDOW = 1_800_000_000.0
"""An instant that begins a window of any length used here."""


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def limited(database_url: str, limits: str) -> AsyncIterator[World]:
    async with open_world(database_url, rate_limits=limits) as world:
        yield world


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_the_request_over_the_limit_is_told_in_the_providers_shape(database_url: str, dialect: str) -> None:
    async with limited(database_url, f"{dialect}=3 per day") as world:
        merchant, other = [await world.merchant(default_beneficiary=BENEFICIARY) for _ in range(2)]
        made = await make(world, merchant, dialect)
        path = READ[dialect] + made.id
        answers = [await world.http.get(path, headers=made.headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        refused = answers[-1]
        assert 1 <= int(refused.headers["Retry-After"]) <= 24 * 3600
        assert refused.headers["content-type"] == answers[0].headers["content-type"]
        assert "429" in refused.text or "too_many_requests" in refused.text
        # Another merchant's requests are counted apart.
        assert (await make(world, other, dialect)).id


async def test_devdraft_tells_where_the_caller_stands_in_every_answer(database_url: str) -> None:
    async with limited(database_url, "devdraft=6 per day") as world:
        made = await make(world, await world.merchant(), "devdraft")
        calls = {
            ("GET", READ["devdraft"] + made.id): 200,
            ("GET", READ["devdraft"] + "nothing"): 404,
            ("POST", READ["devdraft"]): 400,
            ("DELETE", READ["devdraft"] + made.id): 404,
            ("GET", "/api/v0/nowhere"): 404,
        }
        told = [await world.http.request(*call, headers=made.headers) for call in calls]
        over, astray = [
            await world.http.get(path, headers=made.headers) for path in (READ["devdraft"] + made.id, "/api/v0/nowhere")
        ]
        nobody = await world.http.get(READ["devdraft"] + made.id)
        lost = await world.http.get("/api/v0/nowhere", headers=made.headers | {"x-client-secret": "wrong"})
    assert [answer.status_code for answer in told] == list(calls.values())
    assert [answer.headers["X-RateLimit-Remaining"] for answer in told] == ["4", "3", "2", "1", "0"]
    assert told[0].headers["X-RateLimit-Limit"] == "6"
    assert (astray.status_code, lost.status_code) == (429, 404)
    reset = int(over.headers["X-RateLimit-Reset"])
    assert reset % (24 * 3600) == 0
    assert over.status_code == 429
    assert over.headers["X-RateLimit-Remaining"] == "0"
    retry_after = int(over.headers["Retry-After"])
    assert over.json() == {"statusCode": 429, "message": "Rate limit exceeded", "retryAfter": retry_after}
    assert abs(reset - time.time() - retry_after) < 5
    assert "X-RateLimit-Limit" not in nobody.headers
    assert "X-RateLimit-Limit" not in lost.headers


def test_the_documented_limits_are_the_default() -> None:
    assert Settings().rate_limits == {}
    documented = {
        name: [(limit.amount, limit.get_expiry()) for limit in parse_many(dialect.limits)]
        for name, dialect in DIALECTS.items()
        if dialect.limits
    }
    assert documented == {
        "bridge": [(2000, 300)],
        "devdraft": [(100, 60)],
        "qonto": [(1000, 10), (10_000, 600)],
    }


async def test_a_window_is_the_wall_clocks_and_the_next_one_is_empty() -> None:
    clock = Clock(WINDOW + 50)
    limiter = Limiter({"devdraft": parse_many("2 per minute")}, {}, clock=clock)
    seen = [await limiter.take("devdraft", "one") for _ in range(3)]
    assert [standing for standing, _ in seen] == [
        Standing(amount=2, remaining=left, resets_at=int(WINDOW) + 60) for left in (1, 0, 0)
    ]
    assert [refusal and refusal.retry_after_seconds for _, refusal in seen] == [None, None, 10]
    assert (await limiter.take("devdraft", "two"))[1] is None
    clock.now = WINDOW + 60
    assert (await limiter.take("devdraft", "one"))[1] is None


async def test_of_several_windows_the_fullest_decides_and_the_longest_wait_is_told() -> None:
    clock = Clock(WINDOW)
    limiter = Limiter({"qonto": parse_many("2 per 10 seconds; 3 per 10 minutes")}, {}, clock=clock)
    for _ in range(2):
        assert (await limiter.take("qonto", "one"))[1] is None
    _, refusal = await limiter.take("qonto", "one")
    assert refusal is not None
    assert refusal.retry_after_seconds == 10
    clock.now += 10
    _, refusal = await limiter.take("qonto", "one")
    assert refusal is not None
    assert refusal.retry_after_seconds == 590


async def test_guessing_tokens_is_slowed_down_where_the_provider_says_so(database_url: str) -> None:
    async with open_world(database_url, rate_limits={}) as world:
        merchant = await world.merchant()
        made = await make(world, merchant, "qonto")
        path = READ["qonto"] + made.id
        for _ in range(200):
            assert (await world.http.get(path, headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert (await world.http.get(path, headers={"Authorization": "Bearer wrong"})).status_code == 429
        # Whoever has a token is not kept out by those who have none.
        assert (await world.http.get(path, headers=made.headers)).status_code == 200


@pytest.mark.parametrize("setting", ["off", "qonto=off"])
async def test_a_limit_can_be_turned_off(setting: str) -> None:
    settings = settings_for("postgresql://nobody@127.0.0.1/none", rate_limits=setting)
    standing, refusal = await server.limiter(settings).take("qonto", "one")
    assert (standing, refusal) == (None, None)
    bridge, _ = await server.limiter(settings).take("bridge", "one")
    assert (bridge is None) == (setting == "off")


@pytest.mark.parametrize(
    "changes", [{"rate_limits": "stripe=5 per minute"}, {"redis_url": SecretStr("memcached://127.0.0.1")}]
)
def test_a_limiter_that_cannot_be_made_is_one_clear_line(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsProblem, match=r"^PAYGLOT_[A-Z_]+ [^\n]+\.$"):
        server.limiter(settings_for("postgresql://nobody@127.0.0.1/none", **changes))


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        assert not os.environ.get("CI"), "redis-server is missing, and a CI run skips nothing"
        pytest.skip("redis-server is not installed")
    folder: Path = tmp_path_factory.mktemp("redis")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with closing(socket.socket()) as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


async def test_processes_that_share_a_redis_share_the_limit(redis_url: str) -> None:
    clock = Clock(time.time())
    first, second = (Limiter({"txn": parse_many("3 per day")}, {}, redis_url=redis_url, clock=clock) for _ in range(2))
    who = os.urandom(8).hex()
    refusals = [(await limiter.take("txn", who))[1] for limiter in (first, second, first, second)]
    assert [type(refusal) for refusal in refusals] == [type(None)] * 3 + [TooManyRequests]
    await first.close()
    await second.close()


async def test_without_its_redis_nobody_is_held_up() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limiter = Limiter({"txn": parse_many("1 per day")}, {}, redis_url=f"redis://127.0.0.1:{port}/0")
    assert [await limiter.take("txn", "one") for _ in range(3)] == [(None, None)] * 3
    await limiter.close()
