"""What subscribers are told besides what becomes of links: connections and consents, told when they change."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from payglot.dialects.qonto.auth import NAME
from payglot.domain.audit import Author
from payglot.operations import deliveries, endpoints
from payglot.operations.endpoints import Endpoint
from payglot.web.atomic import Tx
from payglot.webhooks.format import Message, Receiver


async def tell(tx: Tx, merchant_id: UUID, written: Callable[[Receiver], Message | None], now: datetime) -> None:
    """Send what is `written` for each of the merchant's receivers; None is for one that does not hear of it."""
    for endpoint in await endpoints.of_merchant(tx, merchant_id, NAME):
        message = written(
            Receiver(
                id=endpoint.id,
                merchant_id=endpoint.merchant_id,
                created_at=endpoint.created_at,
                details=endpoint.details,
            )
        )
        if endpoint.enabled and message is not None:
            await deliveries.send_test(tx, endpoint, name=message.name, path=message.path, body=message.body, now=now)


async def silence(tx: Tx, merchant_id: UUID, client_id: str, now: datetime, *, by: Author) -> None:
    """A client without consent hears of nothing more."""
    for endpoint in await _of_client(tx, merchant_id, client_id):
        details = {**endpoint.details, "silent": True}
        await endpoints.change(tx, merchant_id, endpoint.id, details=details, now=now, by=by)


async def resume(tx: Tx, merchant_id: UUID, client_id: str, now: datetime, *, by: Author) -> None:
    """A client that has the merchant's consent again hears of what happens from now on."""
    for endpoint in await _of_client(tx, merchant_id, client_id):
        if endpoint.details.get("silent"):
            details = {name: value for name, value in endpoint.details.items() if name != "silent"}
            await endpoints.change(tx, merchant_id, endpoint.id, details=details, now=now, by=by)


async def _of_client(tx: Tx, merchant_id: UUID, client_id: str) -> list[Endpoint]:
    found = await endpoints.of_merchant(tx, merchant_id, NAME)
    return [each for each in found if "types" in each.details and each.details.get("client_id") == client_id]
