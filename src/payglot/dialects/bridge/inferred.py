"""What no public page of Bridge states, gathered so that it is easy to correct. Each guess comes with its reason."""

import re

MAX_LABEL = 50  # v3's limit; v2 says only that it depends on the bank
MAX_TRANSACTIONS = 100
MAX_BANK_ID = 2**31 - 1

EXTERNAL_REFERENCE = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # the documented 35 letters and digits are not what is sent
END_TO_END_ID = re.compile(r"[A-Za-z0-9 _./+?:(),'-]{1,35}")  # ISO 20022's Max35Text and its letters, with _

SYMBOLS_IN_LABELS = frozenset(" -.'()/!?,;&%€_")  # the documented ones of names, and what was seen to pass
SYMBOLS_IN_NAMES = frozenset(" -.'()/!?,;&%€\u2019")  # the documented ones, and what real names need

UNKNOWN_REASON = "MS03"  # ISO 20022: not specified by the bank
REASON = re.compile(r"[A-Z]{2}[A-Z0-9]{2}")  # how ISO 20022 and STET write them

PAGE = 50  # as a recorded list of banks has it
QUERY_INVALID = "Invalid query parameters"
NOT_REVOCABLE = "Only a valid payment link can be revoked"

WEBHOOK_TIMEOUT_SECONDS = 10.0
WEBHOOK_DELAYS = tuple(float(min(60 * 2**n, 4 * 3600)) for n in range(16))  # 1, 2, 4 … minutes, 36 to 44 h in all
WEBHOOK_JITTER = 0.2

CODES = {
    "amount_invalid": "payment.transaction.amount_invalid",
    "beneficiary_characters": "payment.transaction.beneficiary.characters_not_allowed",
    "beneficiary_iban_invalid": "payment.transaction.beneficiary.iban_invalid",
    "beneficiary_iban_missing": "payment.transaction.beneficiary.iban_missing",
    "beneficiary_missing": "payment.transaction.beneficiary_missing",
    "beneficiary_name_missing": "payment.transaction.beneficiary.name_missing",
    "beneficiary_name_too_long": "payment.transaction.beneficiary.name_too_long",
    "beneficiary_not_allowed": "payment.transaction.beneficiary.not_allowed",
    "client_reference_invalid": "payment.client_reference_invalid",
    "country_invalid": "payment.country_invalid",
    "currency_invalid": "payment.transaction.currency_invalid",
    "end_to_end_id_invalid": "payment.transaction.end_to_end_id_invalid",
    "execution_date_invalid": "payment.transaction.execution_date_invalid",
    "expired_date_invalid": "payment.expired_date_invalid",
    "sender_iban_invalid": "payment.sender_iban_invalid",
    "user_characters": "payment.user.characters_not_allowed",
}
"""Codes that the visible part of Bridge's table does not have, in its style."""
