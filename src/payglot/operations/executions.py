"""Test mode's bank: it may take its time, and ends a confirmed payment when the clock says so."""

from datetime import datetime

from payglot.domain.payment import Payment, PaymentStatus
from payglot.domain.transfer import TransferStatus
from payglot.operations import links, payments
from payglot.operations.payments import Receipt
from payglot.rails.sandbox import SandboxRail
from payglot.store import executions as stored
from payglot.store.database import Tx
from payglot.store.executions import Execution


async def make(tx: Tx, payment: Payment, *, due_at: datetime, reason: str | None) -> None:
    """The bank will reject the payment for the reason, or execute it where there is none. One per payment."""
    execution = Execution(
        payment_id=payment.id,
        merchant_id=payment.merchant_id,
        link_id=payment.link_id,
        due_at=due_at,
        reason=reason,
    )
    await stored.add(tx, execution)


async def carry_out(tx: Tx, execution: Execution, now: datetime) -> None:
    """Does nothing to a payment that ended in another way meanwhile."""
    dossier = await links.locked(tx, execution.link_id)
    if not await stored.remove(tx, execution.payment_id):
        return
    payment = next(payment for payment in dossier.payments if payment.id == execution.payment_id)
    if payment.status is not PaymentStatus.PROCESSING:
        return
    if execution.reason is not None:
        await payments.fail(tx, execution.link_id, execution.payment_id, now, reason=execution.reason)
        return
    receipt = Receipt(
        rail=SandboxRail.name,
        reference=f"executed {execution.payment_id}",
        amount=payment.missing,
        status=TransferStatus.CONFIRMED,
    )
    await payments.receive(tx, execution.link_id, execution.payment_id, receipt, now)
