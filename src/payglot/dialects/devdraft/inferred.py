"""What DevDraft's readable documentation leaves open, gathered so that it is easy to correct.

Numbers in brackets are the sections of the protocol reference that give each guess its reason. The webhook scheme is
that of the successor's published documentation (7.3).
"""

import re
from datetime import timedelta
from decimal import Decimal

SLUG = re.compile(r"[A-Za-z0-9\-_.]+(?:/[A-Za-z0-9\-_.]+)*")  # 2.3; the characters are documented, no empty segments
MAX_SLUG = 255
MAX_URL = 2048
MAX_REFERENCE = 255
MAX_CUSTOM_FIELDS_BYTES = 16 * 1024
MAX_PRODUCTS = 50
MAX_QUANTITY = 999
MAX_PAYMENTS = 1_000_000_000
AMOUNT_LIMIT = Decimal(10) ** 12  # 11
AMOUNT_STEP = Decimal("0.000001")  # 4.2
OPEN_AMOUNT_MAXIMUM = Decimal(1_000_000)  # what a payer may choose at most
TAX_STEP = Decimal("0.01")  # 10

SUBSCRIPTION_RECURS = "MONTHLY"  # 4.3: of a SUBSCRIPTION link that does not say how often; ONE_TIME renews nothing

PRICED_IN = {"usdc": frozenset({"USD", "USDC"}), "eurc": frozenset({"EUR", "EURC"})}  # 4.4

SHOWN_CUSTOM_FIELDS = 20  # 10; the rest is stored and echoed all the same
SHOWN_OPTIONS = 50
SHOWN_LABEL = 80
TYPED = {  # 10: only `select` is documented
    "checkbox": "checkbox",
    "boolean": "checkbox",
    "email": "email",
    "phone": "tel",
    "tel": "tel",
}

PRICE_STEP = Decimal("0.01")  # 5.2 (documented)
PRICES = ("USD", "EUR", "GBP", "CAD", "AUD", "JPY", "USDC", "EURC")  # 4.4, both lists together
MAX_WORD = 100  # a product's `type` and `unit`
MAX_PICTURE_BYTES = 5 * 1024 * 1024  # 5.2 (documented)
MAX_EMAIL = 255  # 5.1 (documented)
MAX_PHONE = 20  # 5.1 (documented)
MAX_APPS = 100  # 5.3
APP_TIMEZONE = "UTC"  # 5.3
APP_ENVIRONMENT = {"test": "sandbox", "live": "production"}  # 5.3
MAX_CURRENCY = 10  # 5.5
MAX_WEBHOOKS = 50  # 7.1
SIGNING_SECRET = re.compile(r"[A-Za-z0-9_-]{32,255}")  # 7.1; the length is ours above 32

TAKE = 10  # 3.2, 5 (documented)
MAX_TAKE = 100  # 5.1, 5.3 (documented); not of links, where it is not enforced (3.2), nor of products and webhooks
MAX_GIVEN = 1_000  # 3.2; whatever was asked for
COUNTED_FROM = 1_000  # how deep a page of links must lie for the list to be counted from its nearer end

IDEMPOTENCY_TTL = timedelta(hours=24)  # 8 (documented)

EVENT_HEADER = "X-Devdraft-Event"  # 7.3
DELIVERY_HEADER = "X-Devdraft-Delivery"
TIMESTAMP_HEADER = "X-Devdraft-Timestamp"
SIGNATURE_HEADER = "X-Devdraft-Signature"
PREVIOUS_SIGNATURE_HEADER = "X-Devdraft-Signature-Previous"  # ours, while a secret is being rotated
WEBHOOK_DELAYS = (5.0, 10.0, 20.0)
WEBHOOK_TIMEOUT_SECONDS = 10.0
