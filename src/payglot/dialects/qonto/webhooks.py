"""Qonto's webhooks: links, connections and consents, signed with a timestamp. Source: "Setup", "v1/payment-links"."""

import hmac
import secrets as random
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from payglot.dialects.qonto import inferred, mapping
from payglot.domain.event import Event, EventKind
from payglot.web import instants, json
from payglot.webhooks.format import Message, Receiver, Schedule

TOPIC = "v1/payment-links"
CONNECTIONS_TOPIC = "v1/payment-links-connections"
CONSENTS_TOPIC = "v1/consent-revocations"
_UPDATES = frozenset(
    {
        EventKind.LINK_UPDATED,
        EventKind.LINK_PROCESSING,
        EventKind.LINK_PAID,
        EventKind.LINK_EXPIRED,
        EventKind.LINK_CANCELED,
        EventKind.LINK_REOPENED,
    }
)


class QontoWebhooks:
    """Implements `webhooks.format.WebhookFormat`."""

    schedule = Schedule(
        delays=inferred.WEBHOOK_DELAYS, timeout_seconds=inferred.WEBHOOK_TIMEOUT_SECONDS, jitter=inferred.WEBHOOK_JITTER
    )

    def messages(self, event: Event, receiver: Receiver, base_url: str) -> Sequence[Message]:
        """`created` and `updated` only: a payment shows as an update, whereupon receivers read the payments. So does
        one that leaves the link's status alone: of a reusable link, taken back, or paid after the link had ended.

        A subscription made by API hears what it asked for, from its beginning; an operator's endpoint hears all."""
        if not _hears(receiver, TOPIC) or (_is_subscription(receiver) and event.occurred_at < receiver.created_at):
            return ()
        if event.kind is EventKind.LINK_CREATED:
            return (_message(event, receiver, "created"),)
        if event.kind in _UPDATES:
            return (_message(event, receiver, "updated"),)
        return ()

    def headers(
        self, *, delivery_id: UUID, name: str, body: bytes, secrets: Sequence[str], sent_at: datetime
    ) -> Mapping[str, str]:
        """`t=<unix seconds>,v1=<hex>`; while a rotation overlaps, a second `v1` made with the old secret follows."""
        stamp = str(int(sent_at.timestamp()))
        signed = stamp.encode() + b"." + body
        signatures = [f"v1={hmac.digest(secret.encode(), signed, 'sha256').hex()}" for secret in secrets]
        return {"Content-Type": "application/json", "X-Qonto-Signature": ",".join([f"t={stamp}", *signatures])}

    def test_message(self, receiver: Receiver, now: datetime) -> Message:
        link_id = str(receiver.id)
        data = {
            "event": "created",
            "status": "open",
            "payment_link_id": link_id,
            "amount": {"currency": "EUR", "value": "1.00"},
            "potential_payment_methods": ["credit_card"],
            "resource_id": link_id,
            "resource_metadata": {},
            "resource_type": "Basket",
            "expired_at": instants.seconds(now),
            "created_at": instants.seconds(now),
            "updated_at": instants.seconds(now),
        }
        id = uuid5(receiver.id, instants.millis(now))
        return Message(name="payment_links.created", body=json.dumps(_envelope(id, receiver, now, data)))

    def new_secret(self) -> str:
        return new_secret()


def connection_message(receiver: Receiver, word: str, at: datetime) -> Message | None:
    """`connection_enabled` or `connection_revoked`; None for a subscription to other topics."""
    if not _hears(receiver, CONNECTIONS_TOPIC):
        return None
    id = uuid5(receiver.id, f"{word} {instants.millis(at)}")
    body = _envelope(id, receiver, at, {"event": word}, CONNECTIONS_TOPIC)
    return Message(name=f"payment_links_connections.{word}", body=json.dumps(body))


def consent_message(receiver: Receiver, client_id: str, at: datetime) -> Message | None:
    """That the merchant's consent to the client has ended; None for another client's subscription, or to other
    topics. Source: "v1/consent-revocations"."""
    if not _hears(receiver, CONSENTS_TOPIC):
        return None
    if _is_subscription(receiver) and receiver.details.get("client_id") != client_id:
        return None
    id = uuid5(receiver.id, f"consent {client_id} {instants.millis(at)}")
    body = _envelope(id, receiver, at, {"client_id": client_id, "revoked_at": instants.seconds(at)}, CONSENTS_TOPIC)
    return Message(name="consent_revocations.revoked", body=json.dumps(body))


def new_secret() -> str:
    return f"whsec_{b64encode(random.token_bytes(32)).decode()}"


def endpoint_details(merchant_id: UUID) -> dict[str, str]:
    """Who a webhook is from and for: the same for all of a merchant's endpoints."""
    return {
        "organization_id": str(uuid5(merchant_id, "organization")),
        "membership_id": str(uuid5(merchant_id, "membership")),
    }


def _is_subscription(receiver: Receiver) -> bool:
    """Made by a client, not by the operator."""
    return "types" in receiver.details


def _hears(receiver: Receiver, topic: str) -> bool:
    """An operator's endpoint hears of everything."""
    if not _is_subscription(receiver):
        return True
    return topic in receiver.details["types"] and not receiver.details.get("silent")


def _message(event: Event, receiver: Receiver, word: str) -> Message:
    link, payment = event.link, event.payment
    assert link.amount is not None
    assert link.expires_at is not None
    invoice: dict[str, Any] = link.extras.get("invoice", {})
    data: dict[str, Any] = {
        "event": word,
        "status": mapping.status(link),
        "payment_link_id": str(link.id),
        "amount": {"currency": link.currency, "value": str(link.amount)},
        "potential_payment_methods": link.extras["methods"],
    }
    if payment is not None:
        data["latest_payment_method_used"] = payment.method
    data |= {
        "resource_id": link.extras["resource_id"],
        "resource_metadata": {"invoice_number": invoice["number"]} if invoice else {},
        "resource_type": "Invoice" if invoice else "Basket",
        "expired_at": instants.seconds(link.expires_at),
        "created_at": instants.seconds(link.created_at),
        "updated_at": instants.seconds(link.updated_at),
    }
    # One subscription's copy of one event has one id, on every attempt.
    id = uuid5(receiver.id, event.id.hex)
    body = _envelope(id, receiver, event.occurred_at, data)
    return Message(name=f"payment_links.{word}", body=json.dumps(body))


def _envelope(id: UUID, receiver: Receiver, at: datetime, data: dict[str, Any], topic: str = TOPIC) -> dict[str, Any]:
    return {
        "id": str(id),
        "subscription_id": str(receiver.id),
        "organization_id": receiver.details.get("organization_id"),
        "membership_id": receiver.details.get("membership_id"),
        "type": topic,
        "created_at": instants.seconds(at),
        "data": data,
    }
