"""What Qonto publishes nowhere, gathered so that it is easy to correct.

Numbers in brackets are the sections of the protocol reference that give each guess its reason. Which payment states
read as which word is inferred as well (5.2); that table is in `mapping.payment_status`.
"""

from datetime import timedelta
from decimal import Decimal

MAX_TITLE = 255  # 11.3
MAX_DESCRIPTION = 1000  # 11.3
MAX_ITEMS = 100  # 11.3
MAX_UNIT = 100
MAX_NAME = 255
MAX_MINOR = 999_999_999  # 11.3: 9 999 999.99
MAX_QUANTITY = Decimal(1_000_000)
MAX_QUANTITY_DIGITS = 18
MAX_VAT_PERCENT = Decimal(100)  # 3.4
MAX_IDEMPOTENCY_KEY = 255

MAX_URL = 2048
MIN_BUSINESS_DESCRIPTION = 80  # 4.6 (documented)
MAX_BUSINESS_DESCRIPTION = 5000
MAX_WEBSITE = 255  # 4.6 (one client's limit)
PHONE = r"^\+[1-9][0-9]{6,14}$"  # E.164
LOCALE = r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,2}$"  # 4.5: `fr` is the example
CURRENCIES = (
    "AED", "AUD", "BGN", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "GHS", "HKD", "HUF", "ILS", "INR", "MXN",
    "NOK", "NZD", "PEN", "PLN", "RON", "RSD", "SAR", "SEK", "SGD", "TRY", "USD", "ZAR", "ZMW",
)  # fmt: skip
"""3.5: those that the provider's own SDK takes. Links here are in EUR only, so no method is enabled for the others."""

MAX_CALLBACK_URL = 512  # 6.1 (documented)
MIN_SECRET, MAX_SECRET = 32, 128  # 6.1 (documented)
MAX_SUBSCRIPTION_DESCRIPTION = 256  # 6.1 (documented)
MAX_TYPES = 50
MAX_SUBSCRIPTIONS = 100
"""By one client, so that no client can make every event a thousand deliveries."""
TOPIC = r"^v1/[a-z]{1,30}(?:-[a-z]{1,30}){0,5}$"  # 6.4: the provider's list grows; three topics are ever sent here

AUTHORIZATION_CODE_TTL = timedelta(minutes=10)  # 1.3 (documented)
REFRESH_TOKEN_OVERLAP = timedelta(seconds=60)  # 1.3 (documented)

WEBHOOK_TIMEOUT_SECONDS = 1.0  # 6.2 (documented)
WEBHOOK_JITTER = 0.1
WEBHOOK_DELAYS = (*(10.0 * 2**n for n in range(12)), *[6 * 3600.0] * 9)
"""6.2: doubling from 10 s to a cap of 6 h; with all of the jitter the last attempt comes within 72 h."""

METHOD_NAMES = {"credit_card": "Card", "apple_pay": "Apple Pay", "paypal": "PayPal", "ideal": "iDEAL"}
