"""A merchant with credentials and webhook endpoints in every dialect, in one go."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from payglot.dialects import DIALECTS
from payglot.domain.audit import COMMAND
from payglot.domain.merchant import Beneficiary, MerchantSettings, Mode
from payglot.operations import credentials, endpoints, merchants
from payglot.store.database import Tx
from payglot.web.services import Services

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
    merchant = await merchants.create(tx, name=name, mode=mode, settings=settings, now=now, by=COMMAND)
    dialects: dict[str, Any] = {}
    for dialect in DIALECTS.values():
        issued = dialect.issue(merchant.id)
        await credentials.issue(
            tx, services.vault, merchant_id=merchant.id, dialect=dialect.name, issued=issued, now=now, by=COMMAND
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
            by=COMMAND,
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


def inbox_url(public_url: str, merchant_id: UUID, dialect: str) -> str:
    return f"{public_url}/sandbox/inbox/{merchant_id}/{dialect}"
