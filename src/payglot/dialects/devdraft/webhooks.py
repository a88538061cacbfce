"""DevDraft's webhooks. Event names are documented; the scheme is the successor's (see `inferred`)."""

import hmac
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from payglot.dialects.devdraft import ids, inferred, mapping
from payglot.domain import identity
from payglot.domain.event import Event, EventKind
from payglot.web import instants, json
from payglot.webhooks.format import Message, Receiver, Schedule

_ENDED_UNPAID = frozenset({EventKind.PAYMENT_FAILED, EventKind.PAYMENT_CANCELED, EventKind.PAYMENT_EXPIRED})


class DevdraftWebhooks:
    """Implements `webhooks.format.WebhookFormat`."""

    schedule = Schedule(delays=inferred.WEBHOOK_DELAYS, timeout_seconds=inferred.WEBHOOK_TIMEOUT_SECONDS, jitter=0.1)

    def messages(self, event: Event, receiver: Receiver, base_url: str) -> Sequence[Message]:
        """A successful payment is told twice: as the payment, then as its link's."""
        link: dict[str, Any] = dict(mapping.link(event.link, base_url, event.occurred_at))
        payment = None if event.payment is None else dict(mapping.payment(event.payment))
        match event.kind:
            case EventKind.LINK_CREATED:
                told = [("payment_link.created", link)]
            case EventKind.LINK_EXPIRED:
                told = [("payment_link.expired", link)]
            case EventKind.LINK_CANCELED:
                told = [("payment_link.cancelled", link)]
            case EventKind.PAYMENT_CREATED if payment is not None:
                told = [("payment.created", payment)]
            case EventKind.PAYMENT_PAID if payment is not None:
                told = [("payment.completed", payment), ("payment_link.paid", {**link, "payment": payment})]
            case EventKind.PAYMENT_REVERSED if payment is not None:
                told = [("payment.refunded", payment)]
            case kind if kind in _ENDED_UNPAID and payment is not None:
                told = [("payment.failed", payment)]
            case _:
                told = []
        return [_message(event, part, name, data) for part, (name, data) in enumerate(told)]

    def headers(
        self, *, delivery_id: UUID, name: str, body: bytes, secrets: Sequence[str], sent_at: datetime
    ) -> Mapping[str, str]:
        """Signed anew on every attempt. The documented header holds one signature, which clients compare as it is: a
        new secret's, from the next attempt on. While a rotation overlaps, the old one's stands in a header of ours."""
        stamp = str(int(sent_at.timestamp()))
        signed = stamp.encode() + b"." + body
        signatures = [f"sha256={hmac.digest(secret.encode(), signed, 'sha256').hex()}" for secret in secrets]
        signers = (inferred.SIGNATURE_HEADER, inferred.PREVIOUS_SIGNATURE_HEADER)
        return {
            "Content-Type": "application/json",
            inferred.EVENT_HEADER: name,
            inferred.DELIVERY_HEADER: str(delivery_id),
            inferred.TIMESTAMP_HEADER: stamp,
            **dict(zip(signers, signatures, strict=False)),
        }

    def test_message(self, receiver: Receiver, now: datetime) -> Message:
        name = "payment_link.created"
        data = {"id": ids.spell(mapping.LINK, receiver.id), "title": "Test event", "status": "ACTIVE"}
        body = {
            "id": ids.spell("evt_", identity.new_id()),
            "type": name,
            "created_at": instants.millis(now),
            "data": data,
        }
        return Message(name=name, body=json.dumps(body))

    def new_secret(self) -> str:
        return f"whsec_{random.token_urlsafe(32)}"


def _message(event: Event, part: int, name: str, data: dict[str, Any]) -> Message:
    body = {
        "id": ids.spell("evt_", identity.child(event.id, part) if part else event.id),
        "type": name,
        "created_at": instants.millis(event.occurred_at),
        "data": data,
    }
    return Message(name=name, body=json.dumps(body))
