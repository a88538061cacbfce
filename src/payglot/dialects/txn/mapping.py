"""Txn's payment links: wire to domain and back. Pure functions."""

from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from payglot.dialects.txn import invoices, linked, payouts, schemas, validation
from payglot.dialects.txn.auth import NAME
from payglot.dialects.txn.errors import Unprocessable
from payglot.domain import identity
from payglot.domain.dossier import Dossier
from payglot.domain.link import Direction, FailureRule, Link, LinkStatus
from payglot.domain.merchant import Merchant
from payglot.web import instants


def new_link(body: schemas.CreatePaymentLink, merchant: Merchant, author_id: UUID, now: datetime) -> Link:
    """`author_id` is the credential's. Raises Unprocessable with every broken rule."""
    sent, settings, found = body.data.attributes, merchant.settings, validation.Findings()
    unit = validation.currency(sent.currency, found)
    amount = None if unit is None else validation.amount(sent.amount, unit, found)
    account = validation.account_currency(sent.accountCurrency, unit, settings, found)
    expires_at = validation.expiry(sent, now, found)
    methods = validation.payment_methods(sent.paymentMethods, found)
    pay_currencies = validation.pay_currencies(sent.payCurrencies, found)
    validation.reference(sent.reference, found)
    validation.redirect(sent.successRedirectUrl, "successRedirectUrl", settings, found)
    validation.redirect(sent.unsuccessRedirectUrl, "unsuccessRedirectUrl", settings, found)
    if found.failures or unit is None or amount is None:
        raise Unprocessable(found.failures)
    return Link(
        id=identity.new_id(),
        merchant_id=merchant.id,
        dialect=NAME,
        mode=merchant.mode,
        status=LinkStatus.OPEN,
        direction=Direction.OUT if sent.paymentType == "Payout" else Direction.IN,
        currency=unit,
        amount=amount,
        title=sent.reference,
        reference=sent.reference,
        token=identity.page_token(),
        max_payments=1,
        on_failure=FailureRule.REOPEN,
        expires_at=expires_at,
        created_at=now,
        updated_at=now,
        extras={
            "account_currency": account,
            "payment_type": sent.paymentType,
            "payment_methods": methods,
            "pay_currencies": pay_currencies,
            "success_url": sent.successRedirectUrl,
            "unsuccess_url": sent.unsuccessRedirectUrl,
            "author_id": str(author_id),
        },
    )


def document(dossier: Dossier, base_url: str) -> schemas.PaymentLinkDocument:
    data, children = resource(dossier, base_url), included(dossier, base_url)
    if not children:
        return {"data": data, "meta": {}, "jsonapi": {"version": "1.0"}}
    return {"data": data, "included": children, "meta": {}, "jsonapi": {"version": "1.0"}}


def included(dossier: Dossier, base_url: str) -> list[schemas.Included]:
    """The link's child, if it has one, and what hangs on that."""
    link, invoice, payout = dossier.link, dossier.current, dossier.payout
    if payout is not None:
        return [payouts.resource(link, payout), *payouts.included(payout)]
    if invoice is None:
        return []
    transfers = dossier.transfers_of(invoice)
    return [invoices.resource(link, invoice, transfers, base_url), *linked.included(link, invoice, transfers)]


def resource(dossier: Dossier, base_url: str) -> schemas.PaymentLink:
    link, child = dossier.link, dossier.payout or dossier.current
    assert link.amount is not None
    assert link.expires_at is not None
    kind = "payouts" if dossier.payout else "invoices"
    return {
        "id": str(link.id),
        "type": "paymentLinks",
        "attributes": {
            "amount": str(link.amount),
            "currency": link.currency,
            "accountCurrency": link.extras["account_currency"],
            "network": child.network if child else None,
            "networkName": child.extras["network_name"] if child else None,
            "reference": link.reference,
            "hostedPageUrl": page_url(link, base_url),
            "status": status(dossier),
            "approvalStatus": payouts.approval(dossier.payout) if dossier.payout else None,
            "expiresAt": instants.millis(link.expires_at),
            "createdAt": instants.millis(link.created_at),
            "paymentType": link.extras["payment_type"],
            "successRedirectUrl": link.extras["success_url"],
            "unsuccessRedirectUrl": link.extras["unsuccess_url"],
            "paymentMethods": link.extras["payment_methods"],
            "payCurrencies": link.extras["pay_currencies"],
        },
        "relationships": {"target": {"data": {"type": kind, "id": str(child.id)} if child else None}},
    }


def status(dossier: Dossier) -> Literal["created", "pending", "completed", "expired"]:
    match dossier.link.status:
        case LinkStatus.OPEN | LinkStatus.PROCESSING:
            return "pending" if dossier.payments or dossier.payout else "created"
        case LinkStatus.PAID:
            return "completed"
        case LinkStatus.EXPIRED | LinkStatus.CANCELED:
            return "expired"
        case unreachable:
            assert_never(unreachable)


def page_url(link: Link, base_url: str) -> str:
    """The documented query on an address of ours: the token is the credential, the query is what clients know."""
    return f"{base_url}/pay/{link.token}?payment_link_id={link.id}&request_type=payment_link_hosted_page"
