"""What no public page of Bridge states, gathered so that it is easy to correct.

Numbers in brackets are the sections of the protocol reference that give each guess its reason.
"""

import re

MAX_LABEL = 50  # 2.3
MAX_PAYER_NAME = 70  # 2.1
MAX_BENEFICIARY_NAME = 35  # 2.1
MAX_END_TO_END_ID = 35  # 2.3: ISO 20022 Max35Text
MAX_CLIENT_REFERENCE = 100
MAX_TRANSACTIONS = 100

EXTERNAL_REFERENCE = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # 2.3
END_TO_END_ID = re.compile(r"[A-Za-z0-9 _./+?:(),'-]{1,35}")  # 2.3: ISO 20022 allows this set

UNKNOWN_REASON = "MS03"  # 4.2: not specified by the bank
PAYER_LEFT = "CUST"  # 4.2: STET's code for a payer's own decision
PAYER_SILENT = "NOAS"  # 4.2: STET's code for no answer from the payer

WEBHOOK_TIMEOUT_SECONDS = 10.0  # 5.4
WEBHOOK_DELAYS = tuple(float(min(60 * 2**n, 4 * 3600)) for n in range(17))  # 5.4: 1, 2, 4 … minutes, ~ 42 h

SYMBOLS_IN_LABELS = frozenset(" -.'()/!?,;&%€_")  # 2.3
SYMBOLS_IN_NAMES = frozenset(" -.'()/!?,;&%€\u2019")  # 2.3


def allowed(text: str, symbols: frozenset[str]) -> bool:
    """Letters (accents included), digits and the symbols; at least one letter or digit."""
    return all(c.isalnum() or c in symbols for c in text) and any(c.isalnum() for c in text)
