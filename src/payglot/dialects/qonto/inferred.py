"""What Qonto publishes nowhere, gathered so that it is easy to correct.

Numbers in brackets are the sections of the protocol reference that give each guess its reason.
"""

from decimal import Decimal

MAX_TITLE = 255  # 11.3
MAX_DESCRIPTION = 1000
MAX_ITEMS = 100
MAX_UNIT = 100
MAX_NAME = 255
MAX_MINOR = 999_999_999  # 11.3: 9 999 999.99
MAX_QUANTITY = Decimal(1_000_000)
MAX_VAT_PERCENT = Decimal(100)  # 3.4

WEBHOOK_TIMEOUT_SECONDS = 1.0  # 6.2 (documented)
WEBHOOK_DELAYS = tuple(min(10.0 * 2**n, 6 * 3600.0) for n in range(12)) + (6 * 3600.0,) * 10  # 6.2: about 72 h

TEST_NAMES = {"credit_card": "Card", "apple_pay": "Apple Pay", "paypal": "PayPal", "ideal": "iDEAL"}
