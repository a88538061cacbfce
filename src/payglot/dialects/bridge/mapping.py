"""Bridge's links: wire to the domain and back. Pure functions."""

from datetime import datetime
from typing import Any, assert_never, cast

from payglot.dialects.bridge import funds, schemas, validation
from payglot.dialects.bridge.auth import NAME, Version
from payglot.dialects.bridge.errors import Unacceptable
from payglot.dialects.bridge.inferred import CODES
from payglot.dialects.bridge.words import is_request, plain, spelled
from payglot.domain import identity
from payglot.domain.dossier import Dossier
from payglot.domain.link import FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.domain.money import Currency, Money, zero
from payglot.web import instants

COMPLETED = "COMPLETED"


def new_link(
    body: schemas.CreatePaymentLink | schemas.CreatePaymentLinkV3, merchant: Merchant, version: Version, now: datetime
) -> Link:
    """Raises errors.Unacceptable with every broken rule."""
    found = validation.Findings()
    validation.user(body.user, found)
    expires_at = validation.expiry(body.expired_date, merchant.settings, now, found)
    validation.client_reference(body.client_reference, "client_reference", found)
    validation.callback_url(body.callback_url, merchant.settings, found)
    country = validation.country(body.country, found)
    total = zero(Currency.EUR)
    transactions: list[dict[str, Any]] = []
    for index, sent in enumerate(body.transactions):
        amount, transaction = _transaction(sent, f"transactions[{index}]", merchant, version, now, found)
        total += amount or zero(Currency.EUR)
        transactions.append(transaction)
    bank, sender_iban = _of_version(body, found)
    if found.failures:
        raise Unacceptable(found.failures)
    return Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=NAME,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        currency=Currency.EUR,
        amount=total,
        title=transactions[0].get("label"),
        reference=body.client_reference or None,
        token=identity.page_token(),
        max_payments=1,
        on_failure=FailureRule.KEEP,
        expires_at=expires_at,
        created_at=now,
        updated_at=now,
        extras=_given(
            version=str(version),
            user=validation.names(body.user) | _given(external_reference=body.user.external_reference),
            transactions=transactions,
            callback_url=body.callback_url,
            country=country,
            bank=bank,
            sender_iban=sender_iban,
            shows_expiry=body.expired_date is not None,
        ),
    )


def created(link: Link, base_url: str) -> schemas.PaymentLinkCreated:
    return {"url": page_url(link, base_url), "id": str(link.id)}


def shown(dossier: Dossier, version: Version, base_url: str) -> schemas.PaymentLink:
    """The link as `GET` gives it, in the words of the version that asks. Members without a value are left out."""
    link = dossier.link
    assert link.expires_at is not None
    body: schemas.PaymentLink = {
        "id": str(link.id),
        "status": spelled(status(link), version),
        "user": user_shown(link),
        "link": page_url(link, base_url),
        "transactions": [transaction_shown(link, each) for each in link.extras["transactions"]],
        "expired_at": instants.millis(link.expires_at),
        "created_at": instants.millis(link.created_at),
        "updated_at": instants.millis(link.updated_at),
    }
    if link.reference is not None:
        body["client_reference"] = link.reference
    initiation = payment_status(dossier, version)
    if initiation is not None:
        body["payment_status"] = initiation
    fund = funds.information(dossier, version)
    if fund is not None:
        body["fund_information"] = fund
    return body


def status(link: Link) -> str:
    """All but VALID are final. A place that was taken stays taken, so a link stays COMPLETED whatever the bank does
    afterwards; one that ended before stays as it ended, though money for a manual transfer may still come."""
    match link.status:
        case LinkStatus.OPEN:
            return "VALID"
        case LinkStatus.PROCESSING | LinkStatus.PAID:
            return COMPLETED
        case LinkStatus.EXPIRED:
            return "EXPIRED"
        case LinkStatus.CANCELED:
            return "REVOKED"
        case unreachable:
            assert_never(unreachable)


def payment_status(dossier: Dossier, version: Version) -> str | None:
    """v3's word for a payment that was initiated at a bank; no other value is known, so manual transfers have none."""
    if version is Version.V2 or status(dossier.link) != COMPLETED:
        return None
    initiated = any(is_request(payment) and payment.confirmed_at is not None for payment in dossier.payments)
    return "initiated_in_success" if initiated else None


def user_shown(link: Link) -> schemas.PayerShown:
    return cast(schemas.PayerShown, link.extras["user"])


def transaction_shown(link: Link, kept: dict[str, Any]) -> schemas.TransactionShown:
    shown: schemas.TransactionShown = {
        "amount": plain(Money(minor=kept["amount_minor"], currency=Currency(kept["currency"]))),
        "currency": kept["currency"],
        "label": label(link, kept),
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


def label(link: Link, transaction: dict[str, Any]) -> str:
    """v3's documented default names the provider, so it is made for answers only and no payer sees it."""
    return str(transaction.get("label") or f"Bridge Payment {link.created_at:%d-%m}")


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
    validation.end_to_end_id(sent.end_to_end_id, f"{place}.end_to_end_id", found)
    validation.client_reference(sent.client_reference, f"{place}.client_reference", found)
    execution_date = validation.execution_date(sent.execution_date, f"{place}.execution_date", now, found)
    return amount, _given(
        amount_minor=amount.minor if amount else 0,
        currency=sent.currency,
        label=sent.label,
        end_to_end_id=sent.end_to_end_id,
        client_reference=sent.client_reference or None,
        execution_date=instants.millis(execution_date) if execution_date else None,
        beneficiary=_beneficiary(sent.beneficiary, f"{place}.beneficiary", merchant, version, found),
    )


def _beneficiary(
    sent: schemas.Beneficiary | None,
    place: str,
    merchant: Merchant,
    version: Version,
    found: validation.Findings,
) -> dict[str, str] | None:
    """Frozen into the link at creation: a later change of the default does not redirect money already asked for."""
    settings, given = merchant.settings, validation.names(sent) if sent else {}
    default = settings.default_beneficiary
    if sent is None or (version is Version.V3 and not given and not sent.iban):
        if default is None:
            message = "No default beneficiary is configured"
            found.add(CODES["beneficiary_missing"], message, place)
            return None
        return {"iban": default.iban, "company_name": default.name}
    if settings.beneficiary_mode == "single":
        # To pay another account than the one asked for, without a word, would be worse than to refuse.
        found.add(CODES["beneficiary_not_allowed"], "This application pays a single beneficiary", place)
        return None
    # v3: without an IBAN the configured one is used.
    fallback = default.iban if version is Version.V3 and default else None
    validation.beneficiary(sent, place, found, needs_iban=fallback is None)
    return {"iban": (validation.iban(sent.iban) if sent.iban else fallback) or "", **given}


def _of_version(
    body: schemas.CreatePaymentLink | schemas.CreatePaymentLinkV3, found: validation.Findings
) -> tuple[int | None, str | None]:
    """The preselected bank and the account to be debited, which each version spells in its own way."""
    match body:
        case schemas.CreatePaymentLink():
            bank, sender_iban = body.bank_id, None
        case schemas.CreatePaymentLinkV3():
            bank, sender_iban = body.provider_id, validation.sender_iban(body.sender_iban, found)
    validation.bank(bank, found)
    return bank, sender_iban


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
