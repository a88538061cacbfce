"""Bech32 and Bech32m, and the SegWit addresses written in them.

Source: https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki, bip-0350.mediawiki.
"""

from collections.abc import Iterable

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32, _BECH32M = 1, 0x2BC830A3
_LONGEST = 90
_CHECKSUM = 6


def segwit(text: str, prefix: str) -> tuple[int, bytes] | None:
    """The witness version and program; None unless prefix, checksum and lengths hold."""
    if len(text) > _LONGEST or text not in (text.lower(), text.upper()):
        return None
    found, _, rest = text.lower().rpartition("1")
    digits = values(rest)
    if found != prefix or digits is None or len(digits) <= _CHECKSUM:
        return None
    version, program = digits[0], regroup(digits[1:-_CHECKSUM])
    if program is None or _polymod([*_expanded(prefix), *digits]) != (_BECH32 if version == 0 else _BECH32M):
        return None
    if version > 16 or not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        return None
    return version, program


def values(text: str) -> list[int] | None:
    """Each character's five bits; None if one is none of ours."""
    digits = [CHARSET.find(char) for char in text]
    return None if -1 in digits else digits


def regroup(digits: Iterable[int]) -> bytes | None:
    """Five bits at a time into bytes; None unless what is left over is less than a digit, and zero."""
    held, bits, whole = 0, 0, bytearray()
    for digit in digits:
        held, bits = held << 5 | digit, bits + 5
        if bits >= 8:
            bits -= 8
            whole.append(held >> bits)
            held &= (1 << bits) - 1
    return None if bits >= 5 or held else bytes(whole)


def _expanded(prefix: str) -> list[int]:
    return [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]


def _polymod(digits: Iterable[int]) -> int:
    check = 1
    for digit in digits:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check
