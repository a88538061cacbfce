"""Which addresses an outbound call may reach."""

import ipaddress
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ForbiddenUrl(ValueError):
    """The address may not be called; the text says why."""


class Guard:
    """Judges addresses; networks in `allowed` win over the table."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed

    def check_url(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ForbiddenUrl("must be an http or https address")
        return url
