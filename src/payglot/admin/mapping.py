"""Domain values as the operator's API shows them. Pure functions; no secret passes through here."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from payglot.admin import schemas
from payglot.domain.dossier import Dossier
from payglot.domain.event import Event
from payglot.domain.explanation import Explanation
from payglot.domain.link import Direction, Link
from payglot.domain.merchant import Merchant
from payglot.domain.payment import Payment
from payglot.domain.transfer import Transfer
from payglot.operations.health import Health
from payglot.web import instants


def _instant(at: datetime | None) -> str | None:
    return None if at is None else instants.millis(at)


def merchant(value: Merchant) -> schemas.Merchant:
    return {
        "id": str(value.id),
        "name": value.name,
        "handle": value.handle,
        "mode": value.mode,
        "settings": asdict(value.settings),
        "created_at": instants.millis(value.created_at),
    }


def credential(value: Any) -> schemas.Credential:
    return {
        "id": str(value.id),
        "dialect": value.dialect,
        "kind": value.kind,
        "scopes": list(value.scopes),
        "created_at": instants.millis(value.created_at),
        "expires_at": _instant(value.expires_at),
        "revoked_at": _instant(value.revoked_at),
    }


def endpoint(value: Any) -> schemas.Endpoint:
    return {
        "id": str(value.id),
        "merchant_id": str(value.merchant_id),
        "dialect": value.dialect,
        "url": value.url,
        "enabled": value.enabled,
        "failing_since": _instant(value.failing_since),
        "failures": value.failures,
        "paused": value.paused_reason,
        "paused_at": _instant(value.paused_at),
        "choices": value.details.get("choices", {}),
        "secret_rotating_until": _instant(value.previous_secret_until),
        "created_at": instants.millis(value.created_at),
        "updated_at": instants.millis(value.updated_at),
    }


def endpoint_with_health(value: Any, health: Health | None) -> schemas.EndpointWithHealth:
    return {**endpoint(value), "health": None if health is None else _health(health)}


def _health(value: Health) -> schemas.EndpointHealth:
    return {
        "healthy": value.healthy,
        "status": value.status,
        "error": value.error,
        "duration_ms": value.duration_ms,
        "checked_at": instants.millis(value.checked_at),
        "since": instants.millis(value.since),
    }


def link(value: Link, base_url: str) -> schemas.Link:
    return {
        "id": str(value.id),
        "merchant_id": str(value.merchant_id),
        "dialect": value.dialect,
        "mode": value.mode,
        "status": value.status,
        "direction": "out" if value.direction is Direction.OUT else "in",
        "amount": None if value.amount is None else str(value.amount),
        "currency": value.currency,
        "title": value.title,
        "reference": value.reference,
        "url": f"{base_url}/pay/{value.token}",
        "max_payments": value.max_payments,
        "payments_taken": value.taken,
        "payments_paid": value.paid,
        "subscription_id": None if value.renewal is None else str(value.renewal.subscription_id),
        "expires_at": _instant(value.expires_at),
        "created_at": instants.millis(value.created_at),
        "updated_at": instants.millis(value.updated_at),
    }


def dossier(value: Dossier, base_url: str) -> schemas.LinkWithPayments:
    payments: list[schemas.PaymentWithTransfers] = [
        {**payment(each), "transfers": [transfer(t) for t in value.transfers_of(each)]} for each in value.payments
    ]
    return {**link(value.link, base_url), "payments": payments}


def payment(value: Payment) -> schemas.Payment:
    return {
        "id": str(value.id),
        "merchant_id": str(value.merchant_id),
        "link_id": str(value.link_id),
        "dialect": value.dialect,
        "number": value.number,
        "status": value.status,
        "settlement": value.settlement,
        "method": value.method,
        "amount": str(value.amount),
        "currency": value.amount.currency,
        "due": str(value.due),
        "due_currency": value.due.currency,
        "received": str(value.received),
        "network": value.network,
        "destination": value.destination,
        "failure": value.failure,
        "created_at": instants.millis(value.created_at),
        "updated_at": instants.millis(value.updated_at),
        "paid_at": _instant(value.paid_at),
    }


def transfer(value: Transfer) -> schemas.Transfer:
    return {
        "id": str(value.id),
        "rail": value.rail,
        "reference": value.reference,
        "amount": str(value.amount),
        "currency": value.amount.currency,
        "status": value.status,
        "confirmations": value.confirmations,
        "required_confirmations": value.required_confirmations,
        "detected_at": instants.millis(value.detected_at),
        "confirmed_at": _instant(value.confirmed_at),
    }


def event(value: Event) -> schemas.Event:
    return {
        "id": str(value.id),
        "merchant_id": str(value.link.merchant_id),
        "dialect": value.link.dialect,
        "link_id": str(value.link.id),
        "payment_id": None if value.payment is None else str(value.payment.id),
        "payout_id": None if value.payout is None else str(value.payout.id),
        "kind": value.kind,
        "sequence": value.sequence,
        "link_status": value.link.status,
        "payment_status": None if value.payment is None else value.payment.status,
        "payout_status": None if value.payout is None else value.payout.status,
        "occurred_at": instants.millis(value.occurred_at),
    }


def delivery(value: Any) -> schemas.Delivery:
    return {
        "id": str(value.id),
        "merchant_id": str(value.merchant_id),
        "dialect": value.dialect,
        "endpoint_id": str(value.endpoint_id),
        "event_id": None if value.event_id is None else str(value.event_id),
        "link_id": None if value.link_id is None else str(value.link_id),
        "name": value.name,
        "status": value.status,
        "attempts": value.attempts,
        "next_attempt_at": _instant(value.next_attempt_at),
        "last_status": value.last_status,
        "last_error": value.last_error,
        "created_at": instants.millis(value.created_at),
        "finished_at": _instant(value.finished_at),
    }


def attempt(value: Any, *, answer_characters: int | None = None) -> schemas.Attempt:
    return {
        "number": value.number,
        "started_at": instants.millis(value.started_at),
        "duration_ms": value.duration_ms,
        "status": value.status,
        "error": value.error,
        "request_headers": dict(value.request_headers),
        "answer": value.answer[:answer_characters],
    }


def delivery_with_attempts(
    value: Any, attempts: Sequence[Any], *, answer_characters: int | None = None
) -> schemas.DeliveryWithAttempts:
    return {
        **delivery(value),
        "body": value.body.decode(errors="replace"),
        "log": [attempt(each, answer_characters=answer_characters) for each in attempts],
    }


def explanation(value: Explanation, base_url: str) -> schemas.Explanation:
    return {
        "link": link(value.dossier.link, base_url),
        "causes": [
            {
                "at": instants.millis(cause.at),
                "origin": cause.origin.value,
                "text": cause.text,
                "evidence": dict(cause.evidence),
            }
            for cause in value.causes
        ],
        "conclusion": value.conclusion,
        "text": value.text,
    }
