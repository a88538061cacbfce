"""A merchant's accent colour, as far as it can be read (WCAG 2.2: 4.5 to 1 for text)."""

import re
from collections.abc import Iterator

LIGHT, DARK = (255, 255, 255), (27, 32, 30)
"""The surfaces that text in the accent colour stands on, as the style sheet has them."""
READABLE = 4.5

Colour = tuple[int, int, int]

_HEX = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


def accent_name(brand_color: str | None) -> str | None:
    """The name of the colour's style sheet; None when there is no colour, or one too pale to read on white."""
    colour = _parse(brand_color or "")
    if colour is None or contrast(colour, LIGHT) < READABLE:
        return None
    return f"accent-{_hex(colour)}.css"


def accent_sheet(name: str) -> str | None:
    """The style sheet of that name, which says all about it; None for a name that we would not give."""
    match = re.fullmatch(r"accent-([0-9a-f]{6})\.css", name)
    if match is None or accent_name(match[1]) != name:
        return None
    colour = _parse(match[1])
    assert colour is not None
    by_night = next(lighter for lighter in _lighter(colour) if contrast(lighter, DARK) >= READABLE)
    return (
        f":root{{--accent:#{_hex(colour)};--on-accent:#fff}}"
        f"@media(prefers-color-scheme:dark){{:root{{--accent:#{_hex(by_night)};--on-accent:#{_hex(DARK)}}}}}"
    )


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (equal) to 21 (black on white)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lighter(colour: Colour) -> Iterator[Colour]:
    """The colour and then ever paler ones, up to white."""
    for step in range(21):
        red, green, blue = (round(c + (255 - c) * step / 20) for c in colour)
        yield red, green, blue


def _parse(text: str) -> Colour | None:
    match = _HEX.fullmatch(text)
    return None if match is None else (int(match[1], 16), int(match[2], 16), int(match[3], 16))


def _hex(colour: Colour) -> str:
    return "".join(f"{c:02x}" for c in colour)
