"""Bridge's webhooks: transaction and link events, HMAC in upper-case hexadecimal.

Source: "Payments webhooks", "Secure your webhooks".
"""

import hmac
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.dialects.bridge import inferred, mapping
from payglot.dialects.bridge.auth import Version
from payglot.domain import dossier, identity
from payglot.domain.event import Event, EventKind
from payglot.domain.link import LinkStatus
from payglot.domain.payment import Payment
from payglot.web import json
from payglot.webhooks.format import Message, Receiver, Schedule

_TOLD_OF_TRANSACTIONS = frozenset(
    {
        EventKind.PAYMENT_AUTHORIZING,
        EventKind.PAYMENT_PROCESSING,
        EventKind.PAYMENT_PAID,
        EventKind.PAYMENT_FAILED,
        EventKind.PAYMENT_REVERSED,
        EventKind.PAYMENT_CANCELED,
        EventKind.PAYMENT_EXPIRED,
    }
)
_TOLD_OF_FUNDS = frozenset({EventKind.PAYMENT_PAID, EventKind.PAYMENT_SETTLEMENT_CHANGED, EventKind.PAYMENT_REVERSED})
_PAYMENT_KINDS = _TOLD_OF_TRANSACTIONS | _TOLD_OF_FUNDS | {EventKind.PAYMENT_CREATED}


class BridgeWebhooks:
    """Implements `webhooks.format.WebhookFormat`."""

    schedule = Schedule(delays=inferred.WEBHOOK_DELAYS, timeout_seconds=inferred.WEBHOOK_TIMEOUT_SECONDS, jitter=0.2)

    def messages(self, event: Event, receiver: Receiver, base_url: str) -> Sequence[Message]:
        """Transactions as an attempt moves; the link when it completes, ends, or its funds change."""
        link, payment = event.link, event.payment
        if event.kind in (EventKind.LINK_EXPIRED, EventKind.LINK_CANCELED):
            return (_link_message(event),) if link.confirmed_at is None else ()
        if event.kind in (EventKind.LINK_PROCESSING, EventKind.LINK_PAID):
            # COMPLETED is the payer's confirmation; the money's arrival later is told by transactions.
            return (_link_message(event),) if event.before == LinkStatus.OPEN else ()
        if payment is None or event.kind not in _PAYMENT_KINDS:
            return ()
        if not mapping.is_request(payment):
            return (_link_message(event),) if event.kind in _TOLD_OF_FUNDS else ()
        if event.kind is EventKind.PAYMENT_CREATED:
            return _transaction_messages(event, payment, created=True)
        if event.kind in _TOLD_OF_TRANSACTIONS:
            return _transaction_messages(event, payment, created=False)
        return ()

    def headers(
        self, *, delivery_id: UUID, name: str, body: bytes, secrets: Sequence[str], sent_at: datetime
    ) -> Mapping[str, str]:
        """`v1=` signatures joined by a comma without a space: verifiers in use neither trim nor know other schemes."""
        signatures = ",".join(
            f"v1={hmac.digest(secret.encode(), body, 'sha256').hex().upper()}" for secret in secrets[:2]
        )
        return {"Content-Type": "application/json", "BridgeApi-Signature": signatures}

    def test_message(self, receiver: Receiver, now: datetime) -> Message:
        # The documented example of this one event has its time in seconds.
        content = {"item_id": 4815162342, "status": 0, "user_uuid": str(receiver.merchant_id)}
        body = {"content": content, "timestamp": int(now.timestamp()), "type": "TEST_EVENT"}
        return Message(name="TEST_EVENT", body=json.dumps(body))

    def new_secret(self) -> str:
        return f"whk_{random.token_urlsafe(32)}"


def _transaction_messages(event: Event, payment: Payment, *, created: bool) -> tuple[Message, ...]:
    name = "payment.transaction.created" if created else "payment.transaction.updated"
    messages = []
    for index, transaction in enumerate(event.link.extras["transactions"]):
        content: dict[str, Any] = {
            "payment_transaction_id": str(identity.child(payment.id, index)),
            "payment_request_id": str(payment.id),
            "payment_link_id": str(event.link.id),
        }
        reference = mapping.client_reference(event.link, transaction)
        if reference is not None:
            content["client_reference"] = reference
        if "end_to_end_id" in transaction:
            content["end_to_end_id"] = transaction["end_to_end_id"]
        if not created:
            content["status"] = mapping.request_status(payment)
            reason = mapping.status_reason(payment)
            if reason is not None:
                content["status_reason"] = reason
        messages.append(_message(name, content, event))
    return tuple(messages)


def _link_message(event: Event) -> Message:
    link, version = event.link, Version(event.link.extras["version"])
    content: dict[str, Any] = {
        "payment_link_id": str(link.id),
        "payment_link_status": mapping.spelled(mapping.status(link), version),
    }
    if link.reference is not None:
        content["payment_link_client_reference"] = link.reference
    if version is Version.V3 and link.confirmed_at is not None:
        content["payment_status"] = "initiated_in_success"
    fund = mapping.fund_information(dossier.of_event(event), version)
    if fund is not None and fund["payment_account_transactions"]:
        content["payment_link_fund_status"] = fund["status"]
    return _message("payment.link.updated", content, event)


def _message(name: str, content: dict[str, Any], event: Event) -> Message:
    timestamp = int(event.occurred_at.timestamp() * 1000)
    return Message(name=name, body=json.dumps({"content": content, "timestamp": timestamp, "type": name}))
