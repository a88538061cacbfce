"""EIP-55: the case of an Ethereum address's letters is its checksum.

Source: https://eips.ethereum.org/EIPS/eip-55. Keccak-256 is what SHA3-256 was before its padding was changed, and the
standard library has only the latter; the permutation: https://keccak.team/keccak_specs_summary.html.
"""

import re

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_RATE = 136
_WORD = (1 << 64) - 1
_KECCAK, _SHA3 = 0x01, 0x06


def decode(text: str) -> bytes | None:
    """The twenty bytes; None for letters of both cases that are not the checksum's. Of one case they hold none."""
    if not _ADDRESS.fullmatch(text):
        return None
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and digits != _cased(digits.lower()):
        return None
    return bytes.fromhex(digits)


def keccak256(message: bytes, *, padding: int = _KECCAK) -> bytes:
    """With padding 6 it is SHA3-256, which tests compare."""
    padded = bytearray(message + b"\0" * (_RATE - len(message) % _RATE))
    padded[len(message)] ^= padding
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            lanes[lane] ^= int.from_bytes(padded[start + 8 * lane : start + 8 * lane + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _cased(digits: str) -> str:
    hashed = keccak256(digits.encode()).hex()[: len(digits)]
    cased = (digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(digits, hashed, strict=True))
    return "".join(cased)


def _permuted(lanes: list[int]) -> list[int]:
    """Keccak-f[1600]; the lane at (x, y) stands at x + 5y."""
    feedback = 1
    for _ in range(24):
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [columns[(x - 1) % 5] ^ _rotated(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[at % 5] for at, lane in enumerate(lanes)]
        x, y, held = 1, 0, lanes[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            held, lanes[x + 5 * y] = lanes[x + 5 * y], _rotated(held, (step + 1) * (step + 2) // 2)
        lanes = [
            lanes[at] ^ (~lanes[at - at % 5 + (at + 1) % 5] & lanes[at - at % 5 + (at + 2) % 5]) for at in range(25)
        ]
        for bit in range(7):
            feedback = (feedback << 1 ^ (feedback >> 7) * 0x71) % 256
            if feedback & 2:
                lanes[0] ^= 1 << ((1 << bit) - 1)
    return lanes


def _rotated(word: int, by: int) -> int:
    by %= 64
    return (word << by | word >> (64 - by)) & _WORD
