"""The documented bounds of what a client sends. Those that no page states are in `inferred`."""

from datetime import timedelta
from decimal import Decimal

MAX_AMOUNT = Decimal(35000)
MAX_VALIDITY = timedelta(days=90)
DEFAULT_VALIDITY = timedelta(minutes=15)
MAX_PAYER_NAME = 70
MAX_BENEFICIARY_NAME = 35
MAX_CLIENT_REFERENCE = 100
COUNTRIES = ("fr", "es", "de", "gb")
