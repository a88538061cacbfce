"""Everything about P100 that no readable page states. Correct it here, and nowhere else.

Numbers in brackets are the sections of the protocol reference that give each guess its reason.
"""

from dataclasses import dataclass
from datetime import timedelta

from payglot.domain.money import Currency

DETAILS_PATHS = ("/v1/payment-link/details/{payment_link_id}", "/v1/payment-link/{payment_link_id}")  # 3.1
UNKNOWN_LINK = ("P460", "invalid-payment-link", "Payment link not found.")  # 3.3
DEFAULT_EXPIRY = timedelta(hours=24)  # 2.1, 11
MAX_REFERENCE = 255  # 2.1

PENDING = "PENDING"  # 5
AWAITING_COMPLETION = "AWAITING_COMPLETION"
CONFIRMED = "CONFIRMED"
FAILED = "FAILED"
EXPIRED = "EXPIRED"

WEBHOOK_PATH = "/webhook/payment-link/status"  # 6.1
WEBHOOK_TIMEOUT_SECONDS = 10.0  # 6.2


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
