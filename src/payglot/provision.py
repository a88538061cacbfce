"""A merchant with credentials and webhook endpoints in every dialect, in one go."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from payglot.dialects import DIALECTS
from payglot.domain.errors import NotFound
from payglot.domain.merchant import Beneficiary, MerchantSettings, Mode
from payglot.operations import credentials, endpoints, merchants
from payglot.store.database import Tx
from payglot.web.services import Services

DEMO_NAME = "Demo Shop"

# An invented account with valid check digits, so that a test merchant's bank links have somewhere to go.
TEST_IBAN = "FR7618888007770001122334486"


async def provision(
    tx: Tx,
    services: Services,
    *,
    name: str,
    admin_token: str,
    webhook_url: str | None = None,
    redirect_domains: Sequence[str] = (),
    mode: Mode = Mode.TEST,
    listened_to: bool = True,
) -> dict[str, Any]:
    """What `payglot provision --json` prints: everything a client of any dialect needs. Secrets are shown here only.

    Endpoints that are not `listened_to` are made disabled, so that nothing is sent in vain.
    """
    now = services.clock.now()
    settings = MerchantSettings(
        redirect_domains=tuple(redirect_domains),
        default_beneficiary=Beneficiary(name=name, iban=TEST_IBAN) if mode is Mode.TEST else None,
    )
    merchant = await merchants.create(tx, name=name, mode=mode, settings=settings, now=now)
    dialects: dict[str, Any] = {}
    for dialect in DIALECTS.values():
        issued = dialect.issue(merchant.id)
        await credentials.issue(
            tx, services.vault, merchant_id=merchant.id, dialect=dialect.name, issued=issued, now=now
        )
        secret = dialect.webhooks.new_secret()
        await endpoints.create(
            tx,
            services.vault,
            merchant_id=merchant.id,
            dialect=dialect.name,
            url=webhook_url or inbox_url(services.public_url, merchant.id, dialect.name),
            secret=secret,
            details=dialect.endpoint_details(merchant.id),
            enabled=listened_to,
            now=now,
        )
        dialects[dialect.name] = {
            "headers": dict(issued.headers),
            "webhook_secret": secret,
            **issued.extra,
        }
    return {
        "merchant_id": str(merchant.id),
        "base_url": services.public_url,
        "admin_token": admin_token,
        "dialects": dialects,
    }


async def demo_merchant(tx: Tx, services: Services, *, file: Path, admin_token: str) -> dict[str, Any]:
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
        given = await provision(tx, services, name=DEMO_NAME, admin_token=admin_token)
    elif given["base_url"] != services.public_url:
        given["base_url"] = services.public_url
        for endpoint in await endpoints.of_merchant(tx, id):
            url = inbox_url(services.public_url, id, endpoint.dialect)
            await endpoints.change(tx, id, endpoint.id, url=url, now=services.clock.now())
    _keep(file, given)
    return given


def inbox_url(public_url: str, merchant_id: UUID, dialect: str) -> str:
    return f"{public_url}/sandbox/inbox/{merchant_id}/{dialect}"


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
