"""What Txn's readable documentation leaves open, gathered so that it is easy to correct.

Numbers in brackets are the sections of the protocol reference that give each guess its reason.
"""

from dataclasses import dataclass
from decimal import Decimal

from payglot.domain.merchant import Mode
from payglot.domain.money import Currency

CHALLENGE = 'Token realm="Application"'  # 1.2: what the framework behind the documented 401 sends with it
FEE_SHARE = Decimal(0)  # 4.2: the provider's fee, as a share of an invoice; we take none
MAX_PAGE = 1_000_000_000  # 3.2: no page that anybody's records fill
MAX_PER_PAGE = 100  # 3.2, 10.12
ORDER_TYPE = "desc"  # 3.2, 10.12
PER_PAGE = 25  # 3.2, 10.12
RATE_DECIMALS = 4  # 7.3: the fewest that a published rate has
RATE_LOCK_SECONDS = 20 * 60  # 5.2 (documented)
LATE_SECONDS = 7 * 24 * 3600  # 5.2 (documented)
MAX_REFERENCE = 255
MAX_REFUND_REFERENCE = 300  # 5.4: an invoice's reference with what a refund's adds to it
PAYOUT_RATE_LOCK_SECONDS = 30  # 4.3 (documented)
PAYOUT_FEE_SHARE = Decimal(0)  # 4.3: the provider's fee, as a share of a payout; we take none
NETWORK_FEE_MINOR: dict[str, int] = {}  # 4.3: by the network's live code, in minor units of its currency; we take none
ABSORB_PAYOUT_FEE = False  # 4.3: false, false are recommended for payouts that a link created
ABSORB_NETWORK_FEE = False
REFUND_MARK = "REFUND-"  # 5.4 (documented, its place is not)
REFUND_LINK_SECONDS = 90 * 24 * 3600  # 5.4: how long a refund can be claimed
TRADABLE_FIAT = frozenset({Currency.EUR, Currency.USD, Currency.CAD})  # 8
WEBHOOK_TIMEOUT_SECONDS = 15.0  # 6.3

LIMITS: dict[Currency, tuple[str, str]] = {  # 8 (documented for invoices; 10.17: applied to links)
    Currency.EUR: ("10", "100000"),
    Currency.USD: ("10", "100000"),
    Currency.CAD: ("14", "140000"),
    Currency.TRY: ("400", "4000000"),
    Currency.CNY: ("50", "500000"),
    Currency.INR: ("800", "8500000"),
    Currency.BRL: ("50", "560000"),
    Currency.CLP: ("10000", "9400000"),
    Currency.USDT: ("1", "100000"),
    Currency.USDC: ("1", "100000"),
    Currency.ETH: ("0.001", "40"),
    Currency.POL: ("1", "400000"),
    Currency.TRX: ("1", "350000"),
    Currency.LINK: ("0.5", "6500"),
    Currency.XRP: ("0.1", "40000"),
    Currency.BTC: ("0.00001", "1"),
    Currency.LTC: ("0.05", "1000"),
    Currency.BCH: ("0.03", "250"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A currency on one chain; codes differ between production and sandbox, names do not."""

    currency: Currency
    name: str
    live_code: str
    test_code: str

    def code(self, mode: Mode) -> str:
        return self.live_code if mode is Mode.LIVE else self.test_code


# 8: trx:usdt, ttrx:usdt, txrp, hterc2dp and polygon:usdcv2 are documented; the others follow the custodian's pattern.
NETWORKS = (
    Network(currency=Currency.USDT, name="Tron (TRC20)", live_code="trx:usdt", test_code="ttrx:usdt"),
    Network(currency=Currency.USDT, name="Ethereum (ERC20)", live_code="usdt", test_code="hteth:usdt"),
    Network(currency=Currency.USDC, name="Ethereum (ERC20)", live_code="usdc", test_code="hterc2dp"),
    Network(currency=Currency.USDC, name="Polygon", live_code="polygon:usdcv2", test_code="tpolygon:usdc"),
    Network(currency=Currency.BTC, name="Bitcoin", live_code="btc", test_code="tbtc4"),
    Network(currency=Currency.ETH, name="Ethereum", live_code="eth", test_code="hteth"),
    Network(currency=Currency.LTC, name="Litecoin", live_code="ltc", test_code="tltc"),
    Network(currency=Currency.BCH, name="Bitcoin Cash", live_code="bch", test_code="tbch"),
    Network(currency=Currency.TRX, name="Tron", live_code="trx", test_code="ttrx"),
    Network(currency=Currency.XRP, name="XRP Ledger", live_code="xrp", test_code="txrp"),
    Network(currency=Currency.POL, name="Polygon", live_code="polygon", test_code="tpolygon"),
    Network(currency=Currency.LINK, name="Ethereum (ERC20)", live_code="link", test_code="hteth:link"),
)

# For the sandbox, which sends nothing: the specifications' own examples.
SAMPLE_ADDRESSES = {
    "Tron (TRC20)": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "Tron": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "Ethereum (ERC20)": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "Ethereum": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "Polygon": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "Bitcoin": "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "Litecoin": "QVk4MvUu7Wb7tZ1wvAeiUvdF7wxhvpyLLK",
    "Bitcoin Cash": "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",
    "XRP Ledger": "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
}

NETWORK_BY_CODE = {code: network for network in NETWORKS for code in (network.live_code, network.test_code)}


def network(code: str, mode: Mode) -> Network | None:
    """Codes are case-insensitive on input."""
    return next((each for each in NETWORKS if each.code(mode) == code.lower()), None)
