"""P100's payment-link webhook: the details object, with a shared token in `Authorization`."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from payglot.dialects.p100 import inferred, mapping, schemas
from payglot.domain import dossier
from payglot.domain.event import Event, EventKind
from payglot.domain.transfer import TransferStatus
from payglot.web import instants, json
from payglot.webhooks.format import HealthCheck, Message, Receiver, Schedule

_NEW_STATUS = frozenset(
    {
        EventKind.PAYMENT_PROCESSING,
        EventKind.LINK_PAID,
        EventKind.LINK_EXPIRED,
        EventKind.LINK_CANCELED,
    }
)


class P100Webhooks:
    """Implements `webhooks.format.WebhookFormat`. Attempts and delays are documented (Webhooks; FAQ)."""

    schedule = Schedule(delays=(8, 16, 32, 64), timeout_seconds=inferred.WEBHOOK_TIMEOUT_SECONDS)

    def messages(self, event: Event, receiver: Receiver, base_url: str) -> Sequence[Message]:
        """One message per change of status; creation is told by the answer to the create call."""
        if event.kind not in _NEW_STATUS and not _has_become_partial(event):
            return ()
        return (_message(mapping.details(dossier.of_event(event), base_url)),)

    def headers(
        self, *, delivery_id: UUID, name: str, body: bytes, secrets: Sequence[str], sent_at: datetime
    ) -> Mapping[str, str]:
        return {"Content-Type": "application/json", **_authorization(secrets)}

    def test_message(self, receiver: Receiver, now: datetime) -> Message:
        body: schemas.PaymentLinkDetails = {
            "paymentLinkId": str(receiver.id),
            "url": "",
            "amount": "1.00",
            "reference": "test",
            "status": inferred.PENDING,
            "createdAt": instants.millis(now),
            "expiresAt": instants.millis(now),
            "cryptocurrency": None,
            "network": None,
            "walletAddress": None,
            "totalAmountRequired": None,
            "receivedAmount": Decimal(0),
            "transactions": [],
        }
        return replace(_message(body), name="TEST")

    def new_secret(self) -> str:
        return f"p100_whk_{secrets.token_hex(32)}"


def _authorization(secrets: Sequence[str]) -> dict[str, str]:
    return {"Authorization": secrets[0]}


HEALTH = HealthCheck(
    path=inferred.HEALTH_PATH,
    interval_seconds=inferred.HEALTH_SECONDS,
    timeout_seconds=inferred.HEALTH_TIMEOUT_SECONDS,
    expects=200,
    headers=_authorization,
)


def _message(told: schemas.PaymentLinkDetails) -> Message:
    envelope = inferred.WEBHOOK_ENVELOPE
    body = told if envelope is None else {"event_type": envelope, "data": told}
    return Message(name=told["status"], body=json.dumps(body), path=inferred.WEBHOOK_PATH)


def _has_become_partial(event: Event) -> bool:
    """Whether this event confirmed the first money of a payment that is still short: later transfers change no status,
    nor does what a chain says about earlier ones."""
    if event.kind is not EventKind.PAYMENT_SETTLEMENT_CHANGED or not mapping.is_partly_paid(event.payment):
        return False
    confirmed = [transfer for transfer in event.transfers if transfer.status is TransferStatus.CONFIRMED]
    return all(transfer.confirmed_at == event.occurred_at for transfer in confirmed)
