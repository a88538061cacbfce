"""No secret, and nothing that a caller sent, shows in logs or errors."""

import logging
from collections.abc import MutableMapping
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs

from payglot.dialects import DIALECTS
from payglot.operations import links, merchants
from tests.links import BENEFICIARY, CREATE, JSON_API, body_of, make
from tests.world import ADMIN_TOKEN, World

CANARY = "canary-7f3e"


@pytest.fixture
def logged() -> Any:
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


def everything(lines: list[MutableMapping[str, Any]], caplog: pytest.LogCaptureFixture) -> str:
    return str(lines) + caplog.text


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_logs_hold_ids_and_never_bodies_or_keys(
    world: World, dialect: str, logged: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # The test's own client writes addresses; the server must not.
    caplog.set_level(logging.WARNING, logger="httpx")
    merchant = await world.merchant(default_beneficiary=BENEFICIARY)
    headers = await world.headers(merchant, dialect)
    type = {"Content-Type": JSON_API if dialect == "txn" else "application/json"}
    made = await make(world, merchant, dialect)
    for body in (body_of(world, dialect, reference=CANARY, title=CANARY), {CANARY: CANARY}):
        answer = await world.http.post(CREATE[dialect] + f"?q={CANARY}", headers=headers | type, json=body)
        if answer.status_code >= 400:
            assert CANARY not in answer.text
    await world.http.get(made.path)
    output = everything(logged, caplog)
    assert CANARY not in output
    for value in headers.values():
        secret = value.removeprefix("Bearer ")
        if len(secret) > 12:
            assert secret not in output
    assert any(line["event"] == "request" and line["entrance"] == dialect for line in logged)


async def test_a_fault_of_ours_is_logged_without_values_and_answered_in_shape(
    world: World, logged: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        secret = CANARY
        raise RuntimeError("broken on purpose") from ValueError(len(secret))

    monkeypatch.setattr(links, "create", broken)
    merchant = await world.merchant(default_beneficiary=BENEFICIARY)
    expected = {"p100": 400, "bridge": 500, "devdraft": 500, "qonto": 500, "txn": 500}
    for dialect, status in expected.items():
        headers = await world.headers(merchant, dialect)
        type = {"Content-Type": JSON_API if dialect == "txn" else "application/json"}
        answer = await world.http.post(CREATE[dialect], headers=headers | type, json=body_of(world, dialect))
        assert answer.status_code == status
        assert "on purpose" not in answer.text
        assert "Traceback" not in answer.text
    assert CANARY not in everything(logged, caplog)


async def test_stored_secrets_are_hashed_or_sealed(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "p100")
    async with world.services.database.single() as tx:
        assert (await merchants.get(tx, merchant.id)).id == merchant.id
        statement = text("SELECT c::text FROM credentials c WHERE merchant_id = :id")
        rows = (await tx.execute(statement, {"id": merchant.id})).all()
    assert rows
    assert headers["x-api-key"] not in str(rows)
    assert ADMIN_TOKEN not in str(rows)
