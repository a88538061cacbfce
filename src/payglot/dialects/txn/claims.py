"""What a payee does on a payout link: pick a currency and network, and say where the money goes.

Source: "Payment links", "Reading payout". The rate holds for 30 seconds; what it makes of the amount is what is sent,
however long an approval takes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from payglot.dialects.txn import amounts, destinations, inferred
from payglot.domain import money
from payglot.domain.dossier import Dossier
from payglot.domain.errors import AmountInvalid, ChoiceInvalid, LinkNotPayable, OutcomeImpossible
from payglot.domain.link import Link
from payglot.domain.merchant import Merchant, MerchantSettings
from payglot.domain.money import Currency, Money
from payglot.domain.payout import Approval, Claim
from payglot.rails.base import Rail
from payglot.web.flow import Choice, Field, Offer, Option

_LONGEST_ADDRESS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What is sent, what the account is charged, and the fee as the link's currency shows it."""

    pays: Money
    charged: Money
    display_fee: Money


def sums(
    amount: Money, rate: Decimal, charge_rate: Decimal, *, network_fee: Money, payout_fee: Money,
    absorb_network_fee: bool, absorb_payout_fee: bool,
) -> Sums:  # fmt: skip
    """The arithmetic that the published samples satisfy to the last digit. Fees that the merchant does not absorb are
    taken from what the payee gets; raises AmountInvalid when they leave nothing.

    `rate` is the link's currency, `charge_rate` the account's, per unit of what is sent.
    """
    gross = amount.decimal / rate
    fee_in_paid = payout_fee.decimal / charge_rate
    net = gross - (0 if absorb_network_fee else network_fee.decimal) - (0 if absorb_payout_fee else fee_in_paid)
    pays = money.round_half_up(max(net, Decimal(0)), network_fee.currency)
    if pays.minor == 0:
        raise AmountInvalid
    charged = (pays.decimal + network_fee.decimal) * charge_rate + payout_fee.decimal
    return Sums(
        pays=pays,
        charged=money.round_half_up(charged, payout_fee.currency),
        display_fee=money.round_half_up(fee_in_paid * rate, amount.currency),
    )


def networks(link: Link) -> list[inferred.Network]:
    """Those of the currencies the merchant allows; of a refund only the one that the payment came by."""
    wanted, only = link.extras["pay_currencies"], link.extras.get("only_network")
    return [
        network
        for network in inferred.NETWORKS
        if (not wanted or network.currency in wanted) and only in (None, network.code(link.mode))
    ]


def offer(merchant: Merchant, dossier: Dossier) -> Offer:
    link = dossier.link
    open_to = networks(link)
    options = tuple(
        Option(value=network.code(link.mode), label=network.currency, hint=network.name, group=network.currency)
        for network in open_to
    )
    chosen = options[0].value if len(options) == 1 else ""
    fields = [
        Field(name="network", label="Receive in", kind="choice", options=options, value=chosen),
        Field(
            name="destination",
            label="Your wallet's address",
            kind="text",
            hint="On the network that you chose. What is sent elsewhere is lost.",
            max_length=_LONGEST_ADDRESS,
            autocomplete="off",
        ),
    ]
    if any(network.currency is Currency.XRP for network in open_to):
        hint = "For XRP only, where your wallet or exchange asks for one."
        fields.append(Field(name="tag", label="Destination tag", kind="text", required=False, hint=hint, max_length=10))
    return Offer(
        payee=merchant.name,
        title=link.reference,
        amount=str(link.amount),
        currency=link.currency,
        fields=tuple(fields),
        unpayable="This link was used already." if dossier.payout else None,
    )


def claim(merchant: Merchant, dossier: Dossier, choice: Choice, rail: Rail, now: datetime) -> Claim:
    link = dossier.link
    if dossier.payout is not None or link.amount is None:
        raise LinkNotPayable(status=link.status)
    network = inferred.network(choice.values.get("network", ""), link.mode)
    if network is None or network not in networks(link):
        raise ChoiceInvalid(field="network", reason="Choose one of the currencies offered.")
    destination, tag = _destination(choice, network.code(link.mode))
    unit, account = network.currency, amounts.target(link)
    rate = rail.quote(link.currency, unit).rate
    charge_rate = amounts.account_rate(link, unit, rate, rail)
    network_fee = Money(minor=inferred.NETWORK_FEE_MINOR.get(network.live_code, 0), currency=unit)
    payout_fee = money.round_half_up(link.amount.decimal / rate * charge_rate * inferred.PAYOUT_FEE_SHARE, account)
    try:
        made = sums(
            link.amount,
            rate,
            charge_rate,
            network_fee=network_fee,
            payout_fee=payout_fee,
            absorb_network_fee=inferred.ABSORB_NETWORK_FEE,
            absorb_payout_fee=inferred.ABSORB_PAYOUT_FEE,
        )
    except AmountInvalid:
        raise ChoiceInvalid(field="network", reason="The amount is too small to be sent in this currency.") from None
    return Claim(
        pays=made.pays,
        charged=made.charged,
        rate=rate,
        rate_expires_at=now + timedelta(seconds=inferred.PAYOUT_RATE_LOCK_SECONDS),
        network=network.code(link.mode),
        destination=destination,
        tag=tag,
        approval=approval(merchant.settings, link.amount),
        extras={
            "network_name": network.name,
            "charge_rate": f"{charge_rate:f}",
            "network_fee": str(network_fee),
            "payout_fee": str(payout_fee),
            "display_fee": str(made.display_fee),
        },
    )


def approval(settings: MerchantSettings, amount: Money) -> Approval:
    """What the merchant's rule says of a payout of this amount."""
    match settings.payout_approval:
        case "automatic":
            return Approval.NOT_NEEDED
        case "by_limit":
            limit = settings.payout_approval_limits.get(amount.currency)
            within = limit is not None and amount <= money.parse(limit, amount.currency)
            return Approval.APPROVED if within else Approval.PENDING
        case "manual":
            return Approval.PENDING


def default(link: Link, method: str | None) -> Choice:
    """What a payee without a browser chooses: `method` is a currency or a network's code, the address an example."""
    for network in networks(link):
        code = network.code(link.mode)
        if method is None or method.lower() in (network.currency.lower(), code):
            return Choice(values={"network": code, "destination": inferred.SAMPLE_ADDRESSES[network.name]})
    codes = ", ".join(network.code(link.mode) for network in networks(link))
    raise OutcomeImpossible(reason=f"method must be one of: {codes}")


def _destination(choice: Choice, code: str) -> tuple[str, str | None]:
    """The address and its tag, as wallets show them: apart, or as one text."""
    address, found = destinations.split("".join(choice.values.get("destination", "").split()))
    given = choice.values.get("tag", "").strip()
    if found and given and found != given:
        raise ChoiceInvalid(field="tag", reason="The address names another destination tag.")
    tag = given or found or None
    if not address:
        raise ChoiceInvalid(field="destination", reason="Say where the money is to be sent.")
    wrong = destinations.problem(code, address, tag)
    if wrong is not None:
        field = "tag" if tag and destinations.problem(code, address, None) is None else "destination"
        raise ChoiceInvalid(field=field, reason=wrong)
    return address, tag
