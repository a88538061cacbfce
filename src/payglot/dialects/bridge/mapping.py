"""Bridge's wire to the domain and back. Pure functions."""

from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never, cast

from payglot.dialects.bridge import inferred, schemas, validation
from payglot.dialects.bridge.auth import NAME, Version
from payglot.dialects.bridge.errors import Unacceptable
from payglot.domain import identity
from payglot.domain.dossier import Dossier
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money, zero
from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import TransferStatus
from payglot.web import instants

MANUAL = "manual_transfer"
"""The method of payments to a virtual IBAN. They are no payment requests."""


def new_link(body: schemas.CreatePaymentLink, merchant: Merchant, version: Version, now: datetime) -> Link:
    """Raises errors.Unacceptable with every broken rule."""
    found = validation.Findings()
    settings = merchant.settings
    validation.user(body.user, found)
    expires_at = validation.expiry(body.expired_date, settings, now, found)
    validation.client_reference(body.client_reference, "client_reference", found)
    validation.callback_url(body.callback_url, settings, found)
    if body.country is not None and body.country.lower() not in validation.COUNTRIES:
        found.add("payment.country_invalid", "country must be one of fr, es, de, gb", "country")
    total = zero(Currency.EUR)
    transactions: list[dict[str, Any]] = []
    for index, sent in enumerate(body.transactions):
        amount, transaction = _transaction(sent, f"transactions[{index}]", merchant, version, now, found)
        total += amount or zero(Currency.EUR)
        transactions.append(transaction)
    if found.failures:
        raise Unacceptable(found.failures)
    bank = body.bank_id if version is Version.V2 else body.provider_id
    return Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=NAME,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        currency=Currency.EUR,
        amount=total,
        title=transactions[0]["label"],
        reference=body.client_reference,
        token=identity.page_token(),
        max_payments=1,
        on_failure=FailureRule.KEEP,
        expires_at=expires_at,
        created_at=now,
        updated_at=now,
        extras=_given(
            version=str(version),
            user=body.user.model_dump(exclude_none=True),
            transactions=transactions,
            callback_url=body.callback_url,
            country=body.country.lower() if body.country else None,
            bank=bank,
            shows_expiry=body.expired_date is not None,
        ),
    )


def created(link: Link, base_url: str) -> schemas.PaymentLinkCreated:
    return {"url": page_url(link, base_url), "id": str(link.id)}


def shown(dossier: Dossier, version: Version, base_url: str) -> schemas.PaymentLink:
    """The link as `GET` gives it, in the words of the version that asks."""
    link = dossier.link
    assert link.expires_at is not None
    body: schemas.PaymentLink = {
        "id": str(link.id),
        "status": spelled(status(link), version),
        "user": _user_shown(link.extras["user"]),
        "link": page_url(link, base_url),
        "transactions": [_transaction_shown(each) for each in link.extras["transactions"]],
        "expired_at": instants.millis(link.expires_at),
        "created_at": instants.millis(link.created_at),
        "updated_at": instants.millis(link.updated_at),
    }
    if link.reference is not None:
        body["client_reference"] = link.reference
    if "callback_url" in link.extras:
        body["callback_url"] = link.extras["callback_url"]
    if "country" in link.extras:
        body["country"] = link.extras["country"]
    if "bank" in link.extras:
        if version is Version.V2:
            body["bank_id"] = link.extras["bank"]
        else:
            body["provider_id"] = link.extras["bank"]
    if version is Version.V3 and link.confirmed_at is not None:
        body["payment_status"] = "initiated_in_success"
    fund = fund_information(dossier, version)
    if fund is not None:
        body["fund_information"] = fund
    return body


def status(link: Link) -> str:
    """A link that a payer has confirmed is COMPLETED for good, whatever the bank does afterwards."""
    if link.confirmed_at is not None:
        return "COMPLETED"
    match link.status:
        case LinkStatus.OPEN:
            return "VALID"
        case LinkStatus.PROCESSING | LinkStatus.PAID:
            return "COMPLETED"
        case LinkStatus.EXPIRED:
            return "EXPIRED"
        case LinkStatus.CANCELED:
            return "REVOKED"
        case unreachable:
            assert_never(unreachable)


def request_status(payment: Payment) -> str:
    """The STET word for an attempt; one that the payer left or that ran out is rejected, with that as its reason."""
    match payment.status:
        case PaymentStatus.CREATED:
            return "CREA"
        case PaymentStatus.AUTHORIZING:
            return "ACTC"
        case PaymentStatus.PROCESSING:
            return "PDNG"
        case PaymentStatus.PAID:
            return "ACSC"
        case PaymentStatus.FAILED | PaymentStatus.REVERSED | PaymentStatus.CANCELED | PaymentStatus.EXPIRED:
            return "RJCT"
        case unreachable:
            assert_never(unreachable)


def payment_request(dossier: Dossier, payment: Payment, version: Version) -> schemas.PaymentRequest:
    link = dossier.link
    word, reason = request_status(payment), status_reason(payment)
    transactions: list[schemas.PaymentTransaction] = []
    for index, sent in enumerate(link.extras["transactions"]):
        told = _transaction_shown(sent)
        transaction: schemas.PaymentTransaction = {
            "id": str(identity.child(payment.id, index)),
            "status": word,
            "amount": told["amount"],
            "currency": told["currency"],
            "label": told["label"],
            "beneficiary": told["beneficiary"],
        }
        if reason is not None:
            transaction["status_reason"] = reason
        reference = client_reference(link, sent)
        if reference is not None:
            transaction["client_reference"] = reference
        if "end_to_end_id" in told:
            transaction["end_to_end_id"] = told["end_to_end_id"]
        transactions.append(transaction)
    body: schemas.PaymentRequest = {
        "id": str(payment.id),
        "status": word,
        "payment_link_id": str(link.id),
        "user": _user_shown(link.extras["user"]),
        "transactions": transactions,
        "created_at": instants.millis(payment.created_at),
        "updated_at": instants.millis(payment.updated_at),
    }
    if reason is not None:
        body["status_reason"] = reason
    if link.reference is not None:
        body["client_reference"] = link.reference
    bank = payment.extras.get("bank")
    if bank is not None and version is Version.V2:
        body["bank_id"] = bank
    elif bank is not None:
        body["provider_id"] = bank
    return body


def status_reason(payment: Payment) -> str | None:
    """Why an attempt was rejected, as an ISO 20022 external code."""
    match payment.status:
        case PaymentStatus.FAILED | PaymentStatus.REVERSED:
            return payment.failure if payment.failure and payment.failure.isupper() else inferred.UNKNOWN_REASON
        case PaymentStatus.CANCELED:
            return inferred.PAYER_LEFT
        case PaymentStatus.EXPIRED:
            return inferred.PAYER_SILENT
        case PaymentStatus.CREATED | PaymentStatus.AUTHORIZING | PaymentStatus.PROCESSING | PaymentStatus.PAID:
            return None
        case unreachable:
            assert_never(unreachable)


def is_request(payment: Payment) -> bool:
    return payment.method != MANUAL


def fund_information(dossier: Dossier, version: Version) -> schemas.FundInformation | None:
    """What a manual transfer brought in; None on links that nobody paid that way."""
    for payment in reversed(dossier.payments):
        if not is_request(payment):
            return {
                "status": spelled(fund_status(payment), version),
                "payment_account_transactions": [
                    {"id": str(t.id), "status": spelled("RECEIVED", version), "amount": plain(t.amount)}
                    for t in dossier.transfers_of(payment)
                    if t.status is TransferStatus.CONFIRMED
                ],
            }
    return None


def fund_status(payment: Payment) -> str:
    match payment.settlement:
        case Settlement.EXPECTING | Settlement.PENDING | Settlement.REJECTED:
            return "UNPAID"
        case Settlement.UNDERPAID:
            return "UNDERPAID"
        case Settlement.SETTLED:
            return "PAID"
        case Settlement.OVERPAID:
            return "OVERPAID"
        case Settlement.LATE:
            # Money for a revoked or expired link is on the account all the same.
            if payment.received < payment.due:
                return "UNDERPAID"
            return "PAID" if payment.received == payment.due else "OVERPAID"
        case Settlement.REVERSED:
            return "RECALLED"
        case unreachable:
            assert_never(unreachable)


def client_reference(link: Link, transaction: dict[str, Any]) -> str | None:
    """A transaction's own reference, else its link's."""
    own: str | None = transaction.get("client_reference")
    return own or link.reference


def spelled(word: str, version: Version) -> str:
    """v3 writes link and fund statuses in lower case."""
    return word.lower() if version is Version.V3 else word


def page_url(link: Link, base_url: str) -> str:
    return f"{base_url}/pay/{link.token}"


def mask(iban: str) -> str:
    return iban[:4] + "X" * (len(iban) - 7) + iban[-3:]


def _transaction(
    sent: schemas.Transaction,
    place: str,
    merchant: Merchant,
    version: Version,
    now: datetime,
    found: validation.Findings,
) -> tuple[Money | None, dict[str, Any]]:
    amount = validation.amount(sent.amount, f"{place}.amount", found)
    validation.currency(sent.currency, f"{place}.currency", found)
    validation.label(sent.label, f"{place}.label", found, required=version is Version.V2)
    validation.references(sent, place, found)
    execution_date = validation.execution_date(sent.execution_date, f"{place}.execution_date", now, found)
    return amount, _given(
        amount_minor=amount.minor if amount else 0,
        currency=sent.currency,
        label=sent.label or f"Bridge Payment {now:%d-%m}",
        end_to_end_id=sent.end_to_end_id,
        client_reference=sent.client_reference,
        execution_date=instants.millis(execution_date) if execution_date else None,
        beneficiary=_beneficiary(sent.beneficiary, f"{place}.beneficiary", merchant, version, found),
    )


def _beneficiary(
    sent: schemas.Beneficiary | None,
    place: str,
    merchant: Merchant,
    version: Version,
    found: validation.Findings,
) -> dict[str, Any] | None:
    """Frozen into the link at creation: a later change of the default does not redirect money already asked for."""
    settings = merchant.settings
    if sent is not None and sent.iban is None and version is Version.V3 and settings.default_beneficiary:
        # v3: without an IBAN the configured one is used.
        sent = None
    if sent is None:
        default = settings.default_beneficiary
        if default is None:
            found.add("payment.transaction.beneficiary_missing", "No default beneficiary is configured", place)
            return None
        return {"iban": default.iban, "company_name": default.name}
    if settings.beneficiary_mode == "single":
        message = "This application pays a single beneficiary"
        found.add("payment.transaction.beneficiary.not_allowed", message, place)
        return None
    validation.beneficiary(sent, place, found)
    kept = sent.model_dump(exclude_none=True)
    kept["iban"] = validation.iban(sent.iban or "") or ""
    return kept


def _user_shown(kept: dict[str, str]) -> schemas.PayerShown:
    shown: schemas.PayerShown = {}
    if "first_name" in kept:
        shown["first_name"] = kept["first_name"]
    if "last_name" in kept:
        shown["last_name"] = kept["last_name"]
    if "company_name" in kept:
        shown["company_name"] = kept["company_name"]
    if "external_reference" in kept:
        shown["external_reference"] = kept["external_reference"]
    return shown


def _transaction_shown(kept: dict[str, Any]) -> schemas.TransactionShown:
    amount = Money(minor=kept["amount_minor"], currency=Currency(kept["currency"]))
    shown: schemas.TransactionShown = {
        "amount": plain(amount),
        "currency": kept["currency"],
        "label": kept["label"],
        "beneficiary": cast(
            schemas.BeneficiaryShown, kept["beneficiary"] | {"iban": mask(kept["beneficiary"]["iban"])}
        ),
    }
    if "end_to_end_id" in kept:
        shown["end_to_end_id"] = kept["end_to_end_id"]
    if "client_reference" in kept:
        shown["client_reference"] = kept["client_reference"]
    if "execution_date" in kept:
        shown["execution_date"] = kept["execution_date"]
    return shown


def plain(amount: Money) -> Decimal:
    """249.90 as 249.9 and 100.00 as 100, the way JSON numbers are written."""
    return amount.decimal.normalize()


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
