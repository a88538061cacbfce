"""What manual transfers to a link's virtual IBANs brought in. Source: "Fund information status"."""

from payglot.dialects.bridge import schemas
from payglot.dialects.bridge.auth import Version
from payglot.dialects.bridge.words import is_request, plain, spelled
from payglot.domain.dossier import Dossier
from payglot.domain.money import Currency, zero
from payglot.domain.settlement import Settlement
from payglot.domain.transfer import TransferStatus

UNPAID = "UNPAID"


def information(dossier: Dossier, version: Version) -> schemas.FundInformation | None:
    """None on links that no payer chose to pay that way."""
    word = status(dossier)
    if word is None:
        return None
    return {
        "status": spelled(word, version),
        "payment_account_transactions": [
            {"id": str(transfer.id), "status": spelled("RECEIVED", version), "amount": plain(transfer.amount)}
            for payment in dossier.payments
            if not is_request(payment)
            for transfer in dossier.transfers_of(payment)
            if transfer.status is TransferStatus.CONFIRMED
        ],
    }


def status(dossier: Dossier) -> str | None:
    """By all that arrived, also after the link's end: money on the account is there, whatever became of its link."""
    manual = [payment for payment in dossier.payments if not is_request(payment)]
    if not manual:
        return None
    received = sum((payment.received for payment in manual), zero(Currency.EUR))
    due = manual[0].due
    if received.minor == 0:
        return "RECALLED" if any(p.settlement is Settlement.REVERSED for p in manual) else UNPAID
    if received < due:
        return "UNDERPAID"
    return "PAID" if received == due else "OVERPAID"
