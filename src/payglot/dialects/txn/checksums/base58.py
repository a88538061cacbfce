"""Base58Check: a version, a payload and four bytes of a double SHA-256.

Source: https://en.bitcoin.it/wiki/Base58Check_encoding; the XRP Ledger's alphabet: https://xrpl.org/base58-encodings.html.
"""

from hashlib import sha256

BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
XRP = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"

_CHECKSUM = 4
_LONGEST = 64


def decode(text: str, alphabet: str = BITCOIN) -> tuple[int, bytes] | None:
    """The version and what it is the version of; None unless the checksum holds."""
    whole = _bytes(text, alphabet)
    if whole is None or len(whole) <= _CHECKSUM:
        return None
    body, checksum = whole[:-_CHECKSUM], whole[-_CHECKSUM:]
    if sha256(sha256(body).digest()).digest()[:_CHECKSUM] != checksum:
        return None
    return body[0], body[1:]


def _bytes(text: str, alphabet: str) -> bytes | None:
    if len(text) > _LONGEST:
        return None
    number = 0
    for char in text:
        digit = alphabet.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
