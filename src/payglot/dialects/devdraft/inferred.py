"""What DevDraft's readable documentation leaves open, gathered so that it is easy to correct.

Numbers in brackets are the sections of the protocol reference that give each guess its reason. The webhook scheme is
that of the successor's published documentation (7.3).
"""

import re
from datetime import timedelta
from decimal import Decimal

SLUG = re.compile(r"[A-Za-z0-9\-_.]+(?:/[A-Za-z0-9\-_.]+)*")  # 2.3
MAX_SLUG = 255
MAX_URL = 2048
MAX_REFERENCE = 255
MAX_CUSTOM_FIELDS_BYTES = 16 * 1024
MAX_PRODUCTS = 100
MAX_QUANTITY = 999
MAX_PAYMENTS = 1_000_000_000
AMOUNT_LIMIT = Decimal(10) ** 12  # 11
AMOUNT_DECIMALS = 6  # 4.2
OPEN_AMOUNT_MAXIMUM = Decimal(1_000_000)  # what a payer may choose at most

IDEMPOTENCY_TTL = timedelta(hours=24)  # 8 (documented)

EVENT_HEADER = "X-Devdraft-Event"  # 7.3
DELIVERY_HEADER = "X-Devdraft-Delivery"
TIMESTAMP_HEADER = "X-Devdraft-Timestamp"
SIGNATURE_HEADER = "X-Devdraft-Signature"
WEBHOOK_DELAYS = (5.0, 10.0, 20.0)
WEBHOOK_TIMEOUT_SECONDS = 10.0
