"""Which currencies a payer or a payee may choose for which others, and on which networks.

Source: "Listing invoice currency pairs", "Listing payout currency pairs". Nothing of it is stored: the ids come from
what they stand for.
"""

from collections.abc import Iterable
from uuid import NAMESPACE_URL, uuid5

from payglot.dialects.txn import discovery_schemas, frame, inferred, validation
from payglot.domain.merchant import Mode
from payglot.domain.money import Currency

_PAYABLE = tuple(dict.fromkeys(network.currency for network in inferred.NETWORKS))
_TRADABLE = tuple(unit for unit in inferred.LIMITS if validation.is_tradable(unit))


def of_invoices(mode: Mode) -> discovery_schemas.InvoiceCurrencyPairs:
    """Every currency of a link with every one to pay in."""
    data = [_invoice_pair(billed, charged) for billed in inferred.LIMITS for charged in _PAYABLE]
    return {"data": data, "included": _included(inferred.LIMITS, mode), "meta": {}, "jsonapi": {"version": "1.0"}}


def of_payouts(mode: Mode) -> discovery_schemas.PayoutCurrencyPairs:
    """Every currency of an account with every one to be paid in."""
    data = [_payout_pair(displayed, paid) for displayed in _TRADABLE for paid in _PAYABLE]
    return {"data": data, "included": _included(_TRADABLE, mode), "meta": {}, "jsonapi": {"version": "1.0"}}


def _invoice_pair(billed: Currency, charged: Currency) -> discovery_schemas.InvoiceCurrencyPair:
    return {
        "id": _id("invoice", billed, charged),
        "type": "invoiceCurrencyPairs",
        "attributes": {"direction": "sell", "enabled": True},
        "relationships": {"billedCurrency": _to(billed), "chargedCurrency": _to(charged)},
    }


def _payout_pair(displayed: Currency, paid: Currency) -> discovery_schemas.PayoutCurrencyPair:
    return {
        "id": _id("payout", displayed, paid),
        "type": "payoutCurrencyPairs",
        "attributes": {"direction": "buy", "enabled": True},
        "relationships": {
            "displayCurrency": _to(displayed),
            "payCurrency": _to(paid),
            "chargeCurrency": _to(displayed),
        },
    }


def _included(
    named: Iterable[Currency], mode: Mode
) -> list[discovery_schemas.CurrencyResource | discovery_schemas.Network]:
    units = dict.fromkeys((*named, *_PAYABLE))
    return [*(_currency(unit, mode) for unit in units), *(_network(network, mode) for network in inferred.NETWORKS)]


def _currency(unit: Currency, mode: Mode) -> discovery_schemas.CurrencyResource:
    networks = [network for network in inferred.NETWORKS if network.currency is unit]
    return {
        "id": unit,
        "type": "currencies",
        "attributes": {"code": unit, "currencyType": "crypto" if unit.is_crypto else "fiat"},
        "relationships": {
            "networks": {"data": [{"type": "network", "id": _id("network", each.code(mode))} for each in networks]}
        },
    }


def _network(network: inferred.Network, mode: Mode) -> discovery_schemas.Network:
    code = network.code(mode)
    return {
        "id": _id("network", code),
        "type": "network",
        "attributes": {"code": code, "name": network.name, "currencyCode": network.currency},
    }


def _to(unit: Currency) -> frame.ToOne:
    return {"data": {"type": "currencies", "id": unit}}


def _id(*what: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"urn:payglot:txn:{':'.join(what)}"))
