"""Txn's webhooks: the child's document whenever its state changes, signed the Svix way.

Source: "Webhooks", "Verifying webhooks", "Retrying schedule".
"""

import base64
import hmac
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from payglot.dialects.txn import inferred, invoices, payouts, sample, subscriptions
from payglot.domain import refund
from payglot.domain.event import Event, EventKind
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.web import json
from payglot.webhooks.format import Message, Receiver, Schedule

_STATES = frozenset(
    {
        EventKind.PAYMENT_CREATED,
        EventKind.PAYMENT_PROCESSING,
        EventKind.PAYMENT_PAID,
        EventKind.PAYMENT_FAILED,
        EventKind.PAYMENT_CANCELED,
        EventKind.PAYMENT_EXPIRED,
        EventKind.PAYMENT_REVERSED,
    }
)


class TxnWebhooks:
    """Implements `webhooks.format.WebhookFormat`. Eight attempts: at once, then the documented delays."""

    schedule = Schedule(
        delays=(5, 300, 1800, 7200, 18000, 36000, 36000), timeout_seconds=inferred.WEBHOOK_TIMEOUT_SECONDS
    )

    def messages(self, event: Event, receiver: Receiver, base_url: str) -> Sequence[Message]:
        """A link speaks through its child only, from the child's first state on."""
        if not subscriptions.wanted(event, receiver.details):
            return ()
        if event.payout is not None:
            if event.kind not in payouts.STATES:
                return ()
            told = payouts.document(event.link, event.payout)
            return (Message(name=f"payout.{payouts.status(event.payout)}", body=json.dumps(told)),)
        if event.payment is None or not (event.kind in _STATES or _is_another_context(event, event.payment)):
            return ()
        body = invoices.document(event.link, event.payment, event.transfers, base_url)
        return (Message(name=f"invoice.{invoices.status(event.payment)}", body=json.dumps(body)),)

    def headers(
        self, *, delivery_id: UUID, name: str, body: bytes, secrets: Sequence[str], sent_at: datetime
    ) -> Mapping[str, str]:
        """`svix-id` stays, the timestamp is the attempt's; one signature per secret, separated by spaces."""
        id, stamp = f"msg_{delivery_id.hex}", str(int(sent_at.timestamp()))
        signed = f"{id}.{stamp}.".encode() + body
        signatures = [
            "v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode() for secret in secrets
        ]
        return {
            "Content-Type": "application/json",
            "svix-id": id,
            "svix-timestamp": stamp,
            "svix-signature": " ".join(signatures),
        }

    def test_message(self, receiver: Receiver, now: datetime) -> Message:
        return Message(name="test", body=json.dumps(sample.document(receiver, now)))

    def new_secret(self) -> str:
        return f"whsec_{base64.b64encode(random.token_bytes(24)).decode()}"


def _is_another_context(event: Event, payment: Payment) -> bool:
    """Whether money came to an invoice that had ended: it changes `statusContext`, `paymentStatus` or `refundLinks`
    alone."""
    refused = payment.has_failed and payment.failure == refund.REFUSED
    return event.kind is EventKind.PAYMENT_SETTLEMENT_CHANGED and (
        ((payment.is_paid or refused) and payment.settlement is not Settlement.PENDING)
        or (payment.status is PaymentStatus.CANCELED and payment.settlement is Settlement.LATE)
    )


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))
