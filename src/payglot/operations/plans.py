"""Test mode's bank: it may take its time, and ends a confirmed payment when the clock says so."""

from datetime import datetime

from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from payglot.rails.sandbox import SandboxRail
from payglot.store import plans as stored
from payglot.store.database import Tx
from payglot.store.plans import Plan


async def make(tx: Tx, payment: Payment, *, due_at: datetime, reason: str | None) -> None:
    """The bank will reject the payment for the reason, or execute it where there is none. One plan per payment."""
    plan = Plan(
        payment_id=payment.id,
        merchant_id=payment.merchant_id,
        link_id=payment.link_id,
        due_at=due_at,
        reason=reason,
    )
    await stored.add(tx, plan)


async def carry_out(tx: Tx, plan: Plan, now: datetime) -> None:
    """Does nothing to a payment that ended in another way meanwhile."""
    dossier = await links.locked(tx, plan.link_id)
    if not await stored.remove(tx, plan.payment_id):
        return
    payment = next(payment for payment in dossier.payments if payment.id == plan.payment_id)
    if payment.status is not PaymentStatus.PROCESSING:
        return
    if plan.reason is not None:
        await payments.fail(tx, plan.link_id, plan.payment_id, now, reason=plan.reason)
        return
    receipt = Receipt(
        rail=SandboxRail.name,
        reference=f"planned {plan.payment_id}",
        amount=payment.missing,
        status=TransferStatus.CONFIRMED,
    )
    await payments.receive(tx, plan.link_id, plan.payment_id, receipt, now)
