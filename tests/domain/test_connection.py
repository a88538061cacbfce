"""A connection's states: each may be left only for the next."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from payglot.domain.connection import Connection, ConnectionStatus, move
from payglot.domain.errors import IllegalTransition

NOW = datetime(2027, 1, 1, tzinfo=UTC)
NEXT = {
    ConnectionStatus.PENDING: ConnectionStatus.ENABLED,
    ConnectionStatus.ENABLED: ConnectionStatus.REVOKED,
    ConnectionStatus.REVOKED: ConnectionStatus.PENDING,
}


@pytest.mark.parametrize("before", ConnectionStatus)
@pytest.mark.parametrize("after", ConnectionStatus)
def test_only_the_next_state_can_follow(before: ConnectionStatus, after: ConnectionStatus) -> None:
    connection = Connection(
        merchant_id=uuid4(),
        dialect="qonto",
        status=before,
        token="0" * 64,
        bank_account_id="account",
        callback_url="https://shop.example.com",
        created_at=NOW,
        updated_at=NOW,
    )
    later = NOW + timedelta(hours=1)
    if NEXT[before] is not after:
        with pytest.raises(IllegalTransition):
            move(connection, after, later)
        return
    moved = move(connection, after, later)
    assert (moved.status, moved.updated_at, moved.created_at) == (after, later, NOW)
