"""Bridge's payment requests, one per attempt at a bank, and the transactions inside them.

Source: "Payment requests and transactions statuses". The transactions of a bulk link's request move together until the
bank ends them; then each has an end of its own, and the request is `PART` where they differ.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from payglot.dialects.bridge import inferred, mapping, schemas
from payglot.dialects.bridge.auth import Version
from payglot.domain import identity
from payglot.domain.dossier import Dossier
from payglot.domain.link import Link
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.transfer import Transfer, TransferStatus
from payglot.web import instants

_EXECUTED = (TransferStatus.CONFIRMED, TransferStatus.REVERSED)


def shown(dossier: Dossier, payment: Payment, version: Version, *, reached_bank: bool) -> schemas.PaymentRequest:
    """`reached_bank` as for `of_transactions`."""
    link = dossier.link
    standings = of_transactions(link, payment, dossier.transfers_of(payment), reached_bank=reached_bank)
    transactions: list[schemas.PaymentTransaction] = []
    for index, sent in enumerate(link.extras["transactions"]):
        told = mapping.transaction_shown(link, sent)
        word, reason = standings[index]
        transaction: schemas.PaymentTransaction = {
            "id": transaction_id(payment, index),
            "status": word,
            "amount": told["amount"],
            "currency": told["currency"],
            "label": told["label"],
        }
        if reason is not None:
            transaction["status_reason"] = reason
        reference = client_reference(link, sent)
        if reference is not None:
            transaction["client_reference"] = reference
        if "end_to_end_id" in told:
            transaction["end_to_end_id"] = told["end_to_end_id"]
        transactions.append(transaction)
    word, reason = of_request(standings)
    body: schemas.PaymentRequest = {
        "id": str(payment.id),
        "status": word,
        "payment_link_id": str(link.id),
        "user": mapping.user_shown(link),
        "transactions": transactions,
        "created_at": instants.millis(payment.created_at),
        "updated_at": instants.millis(payment.updated_at),
    }
    if reason is not None:
        body["status_reason"] = reason
    if link.reference is not None:
        body["client_reference"] = link.reference
    if version is Version.V2:
        body["bank_id"] = payment.extras["bank"]
    else:
        body["provider_id"] = payment.extras["bank"]
    return body


Standing = tuple[str, str | None]
"""STET's word, and the reason where it is a rejection."""


def of_transactions(
    link: Link, payment: Payment, transfers: Sequence[Transfer], *, reached_bank: bool = False
) -> list[Standing]:
    """`reached_bank` tells of an attempt that was given up whether its payer had got as far as their bank. What a bank
    executes of a request that it rejects otherwise comes as a transfer with the transaction's id as its reference."""
    number = len(link.extras["transactions"])
    word, reason = _status(payment, reached_bank=reached_bank), _reason(payment)
    executed = {each.reference for each in transfers if each.status in _EXECUTED} if payment.has_failed else set()
    ids = (transaction_id(payment, index) for index in range(number))
    return [("ACSC", None) if id in executed else (word, reason) for id in ids]


def of_request(standings: list[Standing]) -> Standing:
    return standings[0] if len(set(standings)) == 1 else ("PART", None)


def _status(payment: Payment, *, reached_bank: bool) -> str:
    """The word. An attempt that nobody confirmed has none for its end: it stays what it was, CREA, or ACTC if the
    payer had reached the bank. Executed is final, though the money may be taken back later by another way."""
    match payment.status:
        case PaymentStatus.CREATED:
            return "CREA"
        case PaymentStatus.AUTHORIZING:
            return "ACTC"
        case PaymentStatus.CANCELED | PaymentStatus.EXPIRED:
            return "ACTC" if reached_bank else "CREA"
        case PaymentStatus.PROCESSING:
            return "PDNG"
        case PaymentStatus.PAID | PaymentStatus.REVERSED:
            return "ACSC"
        case PaymentStatus.FAILED:
            return "RJCT"
        case unreachable:
            assert_never(unreachable)


def _reason(payment: Payment) -> str | None:
    """Why it was rejected, as ISO 20022 and STET write it."""
    if payment.status is not PaymentStatus.FAILED:
        return None
    known = payment.failure is not None and inferred.REASON.fullmatch(payment.failure)
    return payment.failure if known else inferred.UNKNOWN_REASON


def was_given_up(payment: Payment) -> bool:
    """Whether it ended before anybody confirmed it: its row does not tell any more how far it came."""
    return payment.status in (PaymentStatus.CANCELED, PaymentStatus.EXPIRED)


def transaction_id(payment: Payment, index: int) -> str:
    return str(identity.child(payment.id, index))


def client_reference(link: Link, transaction: dict[str, Any]) -> str | None:
    """A transaction's own reference, else its link's."""
    own: str | None = transaction.get("client_reference")
    return own or link.reference
