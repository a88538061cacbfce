"""P100's payment-link webhook: the details object, with a shared token in `Authorization`."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from payglot.dialects.p100 import inferred, mapping, schemas
from payglot.domain import dossier
from payglot.domain.event import Event, EventKind
from payglot.domain.settlement import Settlement
from payglot.web import instants, json
from payglot.webhooks.format import Message, Receiver, Schedule

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
        told = dossier.of_event(event)
        partial = (
            event.kind is EventKind.PAYMENT_SETTLEMENT_CHANGED
            and event.payment is not None
            and event.payment.settlement is Settlement.UNDERPAID
        )
        if event.kind not in _NEW_STATUS and not partial:
            return ()
        body = mapping.details(told, base_url)
        return (Message(name=body["status"], body=json.dumps(body), path=inferred.WEBHOOK_PATH),)

    def headers(
        self, *, delivery_id: UUID, name: str, body: bytes, secrets: Sequence[str], sent_at: datetime
    ) -> Mapping[str, str]:
        return {"Content-Type": "application/json", "Authorization": secrets[0]}

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
        return Message(name="TEST", body=json.dumps(body), path=inferred.WEBHOOK_PATH)

    def new_secret(self) -> str:
        return f"p100_whk_{secrets.token_hex(32)}"
