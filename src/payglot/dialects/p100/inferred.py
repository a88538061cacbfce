"""Every value about P100 that no readable page states. Correct it here, and nowhere else.

Numbers in comments are the sections of the protocol reference that give each guess its reason. What is no value stands
where it must. Guesses are also the members of `PaymentLinkDetails` (but `transactions`), `Transaction` and
`ExchangeRate` (3.2, 4.2; `schemas.py`), the bare token in `Authorization` (6.1; `webhooks.py`), and when a state begins
(5; `mapping.status`, and `checkout.py` for the rate and the window).
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from payglot.domain.money import Currency
from payglot.domain.transfer import TransferStatus

DETAILS_PATHS = ("/v1/payment-link/details/{payment_link_id}", "/v1/payment-link/{payment_link_id}")  # 3.1
CHECKOUT_PATH = "/v1/payment-link/checkout"  # 4.1: "Generate Hosted Checkout" is a title in a menu, and no more
# 4.2: the documented sibling creates an exchange at /v1/partner/exchange; an old FAQ calls this look-up "get-rate".
RATE_PATHS = ("/v1/partner/exchange/rate", "/v1/partner/exchange/get-rate")
RATE_PARAMETERS = ("currencyFrom", "currencyTo")  # 4.2: the members of the exchange
UNKNOWN_LINK = ("P460", "invalid-payment-link", "Payment link not found.")  # 3.3
UNKNOWN_PAIR = ("P410", "invalid-currency", "Currency is not supported.")  # 4.2, 7.2: the code is documented elsewhere
DEFAULT_EXPIRY = timedelta(hours=24)  # 2.1, 11
MAX_AMOUNT = Decimal("999999999.99")  # 2.1: none is documented; beyond it no coin's amount fits 64 bits
FRACTION_DIGITS = 2  # 2.1: as EUR and the example have
MAX_REFERENCE = 255  # 2.1
QUOTE_LIFE: timedelta | None = None  # 8.6: how long a rate is kept; None: as long as the link may be paid

PENDING = "PENDING"  # 5
AWAITING_COMPLETION = "AWAITING_COMPLETION"
CONFIRMED = "CONFIRMED"
FAILED = "FAILED"
EXPIRED = "EXPIRED"

TRANSFER_WORDS = {  # 3.2: no page shows one; the first three as crypto deposits have them
    TransferStatus.DETECTED: "PENDING",
    TransferStatus.CONFIRMED: "SUCCESSFUL",
    TransferStatus.FAILED: "UNSUCCESSFUL",
    TransferStatus.REVERSED: "REVERSED",
}
LATE = "LATE"  # 5: money for a link that had ended, recorded and left to be handled by hand

WEBHOOK_PATH = "/webhook/payment-link/status"  # 6.1
WEBHOOK_TIMEOUT_SECONDS = 10.0  # 6.2
WEBHOOK_ENVELOPE: str | None = None  # 6.4: an event type such as "payment_link.status_changed" puts the body in `data`
HEALTH_PATH = "/webhook/health"  # 6.5: the path is documented, GET and 200 are not
HEALTH_SECONDS = 300.0
HEALTH_TIMEOUT_SECONDS = 10.0


def http_failure(status: int, message: str, error: str) -> dict[str, object]:  # 1.3, 7.3, 8.1
    """The body around what has no code of its own, as the framework writes it whose validator's sentences are shown."""
    return {"statusCode": status, "message": message, "error": error}


@dataclass(frozen=True, kw_only=True, slots=True)
class Coin:
    """A currency on one chain. `slug` and `network` are the wire's words for them."""

    currency: Currency
    network: str
    network_name: str
    confirmations: int

    @property
    def slug(self) -> str:
        return self.currency.lower()

    @property
    def key(self) -> str:
        return f"{self.slug}:{self.network.lower()}"


COINS = (  # 8.5: the withdrawal list; confirmations from 3.2 where an example shows them, else the chain's custom
    Coin(currency=Currency.USDC, network="POLYGON", network_name="Polygon", confirmations=3),
    Coin(currency=Currency.USDC, network="ETHEREUM", network_name="Ethereum", confirmations=12),
    Coin(currency=Currency.USDT, network="POLYGON", network_name="Polygon", confirmations=3),
    Coin(currency=Currency.USDT, network="ETHEREUM", network_name="Ethereum", confirmations=12),
    Coin(currency=Currency.BTC, network="BITCOIN", network_name="Bitcoin", confirmations=2),
    Coin(currency=Currency.ETH, network="ETHEREUM", network_name="Ethereum", confirmations=12),
    Coin(currency=Currency.LTC, network="LITECOIN", network_name="Litecoin", confirmations=6),
    Coin(currency=Currency.DOGE, network="DOGECOIN", network_name="Dogecoin", confirmations=20),
    Coin(currency=Currency.POL, network="POLYGON", network_name="Polygon", confirmations=3),
)
BY_KEY = {coin.key: coin for coin in COINS}
SLUGS = {coin.slug: coin.currency for coin in COINS}
