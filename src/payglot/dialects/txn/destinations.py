"""Where money can be sent: whether an address can be one on its network, before anything is sent to it.

What cannot be undone is refused rather than tried: addresses of the other environment, formats of another chain, what
no wallet gives out, and places that nobody has a key for. Source: "Validating addresses".
"""

from collections.abc import Callable

from payglot.dialects.txn import inferred
from payglot.dialects.txn.checksums import base58, bech32, cashaddr, eip55

_TAG = "?dt="
_LARGEST_TAG = 2**32 - 1
_HASH = 20

FLAGGED = "We couldn\u2019t send funds to this address, please try another address"

_NOT_AN_ADDRESS = "This is not an address on {name}. Check that it is complete."
_UNKNOWN = "This network is not supported."
_NO_TAGS = "Addresses on {name} have no destination tag."
_TAG_RANGE = f"The destination tag is a whole number from 0 to {_LARGEST_TAG}."


def problem(network: str, address: str, tag: str | None) -> str | None:
    """What is wrong with sending to this address on the network with this code, in words for the payee; None when
    nothing is. An empty tag is none."""
    known = inferred.NETWORK_BY_CODE.get(network.lower())
    if known is None:
        return _UNKNOWN
    if not _CHAINS[known.name](address, network.lower() == known.test_code):
        return _NOT_AN_ADDRESS.format(name=known.name)
    if address in _NOBODYS or address.lower() in _NOBODYS:
        return FLAGGED
    if not tag:
        return None
    if known.name != _TAGGED:
        return _NO_TAGS.format(name=known.name)
    if not (tag.isascii() and tag.isdecimal() and len(tag) <= 10 and int(tag) <= _LARGEST_TAG):
        return _TAG_RANGE
    return None


def split(destination: str) -> tuple[str, str | None]:
    """Address and destination tag of `<address>?dt=<tag>`, as they are documented for XRP."""
    address, mark, tag = destination.partition(_TAG)
    return address, tag if mark else None


def joined(address: str, tag: str | None) -> str:
    return f"{address}{_TAG}{int(tag)}" if tag else address


def _tron(address: str, _is_test: bool) -> bool:
    return _has_version(base58.decode(address), 0x41)


def _ethereum(address: str, _is_test: bool) -> bool:
    return eip55.decode(address) is not None


def _xrp(address: str, _is_test: bool) -> bool:
    return _has_version(base58.decode(address, base58.XRP), 0)


def _bitcoin(address: str, is_test: bool) -> bool:
    prefix, versions = ("tb", (0x6F, 0xC4)) if is_test else ("bc", (0x00, 0x05))
    return _is_segwit(address, prefix) or _has_version(base58.decode(address), *versions)


def _litecoin(address: str, is_test: bool) -> bool:
    """Scripts have two versions: the older is Bitcoin's as well, and Litecoin still takes it."""
    prefix, versions = ("tltc", (0x6F, 0x3A, 0xC4)) if is_test else ("ltc", (0x30, 0x32, 0x05))
    return _is_segwit(address, prefix) or _has_version(base58.decode(address), *versions)


def _bitcoin_cash(address: str, is_test: bool) -> bool:
    """Its own format only: the older one cannot be told from Bitcoin's."""
    held = cashaddr.decode(address, "bchtest" if is_test else "bitcoincash")
    return held is not None and held[0] in (0, 1) and len(held[1]) == _HASH


def _is_segwit(address: str, prefix: str) -> bool:
    """Versions after Taproot's have no rules yet: anybody could spend what is sent there."""
    held = bech32.segwit(address, prefix)
    return held is not None and (held[0] == 0 or (held[0] == 1 and len(held[1]) == 32))


def _has_version(held: tuple[int, bytes] | None, *versions: int) -> bool:
    return held is not None and held[0] in versions and len(held[1]) == _HASH


_TAGGED = "XRP Ledger"
_CHAINS: dict[str, Callable[[str, bool], bool]] = {
    "Tron (TRC20)": _tron,
    "Tron": _tron,
    "Ethereum (ERC20)": _ethereum,
    "Ethereum": _ethereum,
    "Polygon": _ethereum,
    "Bitcoin": _bitcoin,
    "Litecoin": _litecoin,
    "Bitcoin Cash": _bitcoin_cash,
    _TAGGED: _xrp,
}

# Written out of constants, so that no key is known to lead to them: what is sent there is lost.
_NOBODYS = frozenset(
    {
        "0x0000000000000000000000000000000000000000",
        "0x000000000000000000000000000000000000dead",
        "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
        "1111111111111111111114oLvT2",
        "rrrrrrrrrrrrrrrrrrrrrhoLvTp",
        "rrrrrrrrrrrrrrrrrrrrBZbvji",
    }
)
