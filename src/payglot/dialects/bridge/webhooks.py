"""Bridge's webhooks: transaction and link events, HMAC in upper-case hexadecimal.

Source: "Payments webhooks", "Secure your webhooks".
"""

import hmac
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from payglot.dialects.bridge import funds, inferred, mapping, payment_requests, selection
from payglot.dialects.bridge.auth import Version
from payglot.dialects.bridge.words import is_request, spelled
from payglot.domain import dossier
from payglot.domain.event import Event, EventKind
from payglot.domain.link import LinkStatus
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.web import json
from payglot.webhooks.format import Message, Receiver, Schedule

_LINK_MOVES = frozenset(
    {EventKind.LINK_PROCESSING, EventKind.LINK_PAID, EventKind.LINK_EXPIRED, EventKind.LINK_CANCELED}
)
# Ends that have no word of their own (given up, executed and taken back later) change no transaction's status.
_TRANSACTION_MOVES = frozenset(
    {EventKind.PAYMENT_AUTHORIZING, EventKind.PAYMENT_PROCESSING, EventKind.PAYMENT_PAID, EventKind.PAYMENT_FAILED}
)
_MONEY_MOVES = frozenset(
    {
        EventKind.PAYMENT_PROCESSING,
        EventKind.PAYMENT_PAID,
        EventKind.PAYMENT_REVERSED,
        EventKind.PAYMENT_SETTLEMENT_CHANGED,
    }
)
_HOLDING = (PaymentStatus.PROCESSING, PaymentStatus.PAID)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BridgeWebhooks:
    """Implements `webhooks.format.WebhookFormat`."""

    schedule = Schedule(
        delays=inferred.WEBHOOK_DELAYS,
        timeout_seconds=inferred.WEBHOOK_TIMEOUT_SECONDS,
        jitter=inferred.WEBHOOK_JITTER,
    )

    def messages(self, event: Event, receiver: Receiver, base_url: str) -> Sequence[Message]:
        """Transactions as an attempt moves; the link when it stops being VALID, and when its funds change. Of these,
        what the endpoint has selected."""
        return tuple(message for message in _messages(event) if selection.told(message.name, receiver.details))

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


def _messages(event: Event) -> tuple[Message, ...]:
    payment = event.payment
    if event.kind in _LINK_MOVES:
        return (_link_message(event),) if event.before == LinkStatus.OPEN else ()
    if payment is None:
        return ()
    if not is_request(payment):
        return (_link_message(event),) if _tells_of_funds(event, payment) else ()
    if event.kind is EventKind.PAYMENT_CREATED:
        return _transaction_messages(event, payment, created=True)
    if event.kind in _TRANSACTION_MOVES:
        return _transaction_messages(event, payment, created=False)
    return ()


def _tells_of_funds(event: Event, payment: Payment) -> bool:
    """Whether money on the virtual IBAN changed, and no event of the link itself says so already."""
    took_the_place = payment.holds_place and event.before not in _HOLDING
    if took_the_place and event.link.status in (LinkStatus.PROCESSING, LinkStatus.PAID):
        return False
    if event.kind not in _MONEY_MOVES or payment.settlement is Settlement.PENDING:
        return False
    return funds.status(dossier.of_event(event)) != funds.UNPAID


def _transaction_messages(event: Event, payment: Payment, *, created: bool) -> tuple[Message, ...]:
    name = "payment.transaction.created" if created else "payment.transaction.updated"
    messages = []
    standings = payment_requests.of_transactions(event.link, payment, event.transfers)
    for index, transaction in enumerate(event.link.extras["transactions"]):
        content: dict[str, Any] = {
            "payment_transaction_id": payment_requests.transaction_id(payment, index),
            "payment_request_id": str(payment.id),
            "payment_link_id": str(event.link.id),
        }
        reference = payment_requests.client_reference(event.link, transaction)
        if reference is not None:
            content["client_reference"] = reference
        if "end_to_end_id" in transaction:
            content["end_to_end_id"] = transaction["end_to_end_id"]
        if not created:
            content["status"], reason = standings[index]
            if reason is not None:
                content["status_reason"] = reason
        messages.append(_message(name, content, event))
    return tuple(messages)


def _link_message(event: Event) -> Message:
    """In the words of the version that created the link."""
    link, version, known = event.link, Version(event.link.extras["version"]), dossier.of_event(event)
    content: dict[str, Any] = {
        "payment_link_id": str(link.id),
        "payment_link_status": spelled(mapping.status(link), version),
    }
    if link.reference is not None:
        content["payment_link_client_reference"] = link.reference
    initiation = mapping.payment_status(known, version)
    if initiation is not None:
        content["payment_status"] = initiation
    fund = funds.status(known)
    if fund not in (None, funds.UNPAID):
        content["payment_link_fund_status"] = spelled(str(fund), version)
    return _message("payment.link.updated", content, event)


def _message(name: str, content: dict[str, Any], event: Event) -> Message:
    timestamp = (event.occurred_at - _EPOCH) // timedelta(milliseconds=1)
    return Message(name=name, body=json.dumps({"content": content, "timestamp": timestamp, "type": name}))
