"""CashAddr, the address format of Bitcoin Cash.

Source: https://github.com/bitcoincashorg/bitcoincash.org/blob/master/spec/cashaddr.md.
"""

from collections.abc import Iterable

from payglot.dialects.txn.checksums import bech32

_GENERATOR = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_CHECKSUM = 8
_SIZES = (20, 24, 28, 32, 40, 48, 56, 64)


def decode(text: str, prefix: str) -> tuple[int, bytes] | None:
    """The type (0: key, 1: script) and the hash; the prefix may be left out, as wallets do."""
    if len(text) > 128 or text not in (text.lower(), text.upper()):
        return None
    found, colon, rest = text.lower().rpartition(":")
    digits = bech32.values(rest)
    if digits is None or len(digits) <= _CHECKSUM or (colon and found != prefix):
        return None
    if _polymod([*(ord(char) & 31 for char in prefix), 0, *digits]) != 0:
        return None
    whole = bech32.regroup(digits[:-_CHECKSUM])
    if not whole or whole[0] & 0x80 or len(whole) - 1 != _SIZES[whole[0] & 7]:
        return None
    return whole[0] >> 3, whole[1:]


def _polymod(digits: Iterable[int]) -> int:
    check = 1
    for digit in digits:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ digit
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check ^ 1
