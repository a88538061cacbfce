"""What `payglot demo` adds to a server: a merchant that a restart finds again, and commands to try."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from payglot.dialects import DIALECTS
from payglot.domain.audit import COMMAND
from payglot.domain.errors import NotFound
from payglot.embedded import DataDirectoryInUse
from payglot.operations import endpoints, merchants
from payglot.provision import inbox_url, provision
from payglot.sandbox import Demo
from payglot.settings import Settings
from payglot.store.database import Tx
from payglot.web import instants
from payglot.web.services import Services

NAME = "Demo Shop"
KEYS = "demo.json"
EXAMPLES_EXPIRE_AFTER = timedelta(days=30)


def was_here(settings: Settings) -> bool:
    """Whether a demo has left its keys in the data directory."""
    return settings.database_url is None and (settings.data_dir / KEYS).exists()


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """A demo points its merchant's webhooks at itself, so a second one on the same data would take them from the first.
    The kernel drops the lock with the process."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataDirectoryInUse(
                f"The data directory {data_dir} is in use by another `payglot demo`. Stop it, or set PAYGLOT_DATA_DIR "
                "to another one."
            ) from None
        yield


async def demo(services: Services, settings: Settings) -> Demo:
    """The demo's merchant and its ready commands; `services` must be in a sandbox."""
    assert settings.admin_token is not None
    async with services.database.transaction() as tx:
        given = await _merchant(
            tx,
            services,
            file=settings.data_dir / KEYS,
            admin_token=settings.admin_token.get_secret_value(),
        )

    def examples() -> dict[str, str]:
        # Made anew for every reader: the sandbox's clock may have passed the last ones' expiry.
        expires_at = instants.millis(services.clock.now().replace(microsecond=0) + EXAMPLES_EXPIRE_AFTER)
        return {
            name: dialect.example(services.public_url, given["dialects"][name]["headers"], expires_at)
            for name, dialect in DIALECTS.items()
        }

    return Demo(merchant_id=UUID(given["merchant_id"]), examples=examples)


async def _merchant(tx: Tx, services: Services, *, file: Path, admin_token: str) -> dict[str, Any]:
    """The demo's merchant, as `provision` shows it. Its keys are kept in `file`, so that a restart finds it again; its
    endpoints follow the public address."""
    given: dict[str, Any] = _kept(file)
    try:
        id = UUID(given["merchant_id"])
        await merchants.get(tx, id)
        complete = set(given["dialects"]) == set(DIALECTS)
    except (NotFound, KeyError, ValueError, TypeError):
        complete = False
    if not complete:
        given = await provision(tx, services, name=NAME, admin_token=admin_token)
    elif given["base_url"] != services.public_url:
        given["base_url"] = services.public_url
        for endpoint in await endpoints.of_merchant(tx, id):
            url = inbox_url(services.public_url, id, endpoint.dialect)
            await endpoints.change(tx, id, endpoint.id, url=url, now=services.clock.now(), by=COMMAND)
    _keep(file, given)
    return given


def _kept(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return {}


def _keep(file: Path, given: dict[str, Any]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as opened:  # noqa: PTH123 (a descriptor, not a path)
        json.dump(given, opened)
