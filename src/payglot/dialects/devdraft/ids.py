"""DevDraft's ids: a prefix and a ULID, which spells our UUID in 26 characters and back."""

from uuid import UUID

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
LENGTH = 26


def spell(prefix: str, id: UUID) -> str:
    """`pl_` + Crockford's base 32 of all 128 bits, most significant first."""
    number, characters = id.int, []
    for _ in range(LENGTH):
        number, digit = divmod(number, 32)
        characters.append(_ALPHABET[digit])
    return prefix + "".join(reversed(characters))


def read(prefix: str, text: str) -> UUID | None:
    """The id that a text spells, or None: ids are opaque, so a malformed one is merely unknown."""
    body = text.removeprefix(prefix)
    if not text.startswith(prefix) or len(body) != LENGTH or any(c not in _VALUES for c in body) or body[0] > "7":
        return None
    number = 0
    for character in body:
        number = number * 32 + _VALUES[character]
    return UUID(int=number)
