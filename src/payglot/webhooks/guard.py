"""Which addresses an outbound call may reach: our own table, whatever a library thinks is private or global.

Sources: IANA's IPv4 and IPv6 special-purpose address registries; the metadata addresses that clouds document.
"""

import ipaddress
import re
import socket
from functools import lru_cache
from urllib.parse import urlsplit

import idna
from yarl import URL

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL = 2048
MAX_NAME = 253
URLS = 1_000

BLOCKED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("unspecified", ("0.0.0.0/8", "::/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("cloud metadata", ("169.254.169.254/32", "169.254.170.2/32", "100.100.100.200/32", "168.63.129.16/32")),
    ("cloud metadata", ("192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::/32")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
    ("shared", ("100.64.0.0/10",)),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("site-local", ("fec0::/10",)),
    ("protocol assignments", ("192.0.0.0/24", "2001::/23")),
    ("documentation", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    ("relay", ("192.88.99.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "2620:4f:8000::/48")),
    ("benchmarking", ("198.18.0.0/15",)),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("reserved", ("240.0.0.0/4",)),
    ("discard", ("100::/64", "100:0:0:1::/64")),
    ("segment routing", ("5f00::/16",)),
    # Only 2000::/3 is handed out (RFC 4291); everything else of IPv6 goes nowhere good.
    ("unassigned", ("::/3", "4000::/2", "8000::/1")),
)
_TABLE: tuple[tuple[str, Network], ...] = tuple(
    (reason, ipaddress.ip_network(text)) for reason, texts in BLOCKED for text in texts
)
_MAPPED = ipaddress.ip_network("::ffff:0:0/96")
_LOW = 0xFFFFFFFF
# What carries an IPv4 address inside: how many bits above the lowest, and what it is disguised with (RFC 4380).
_CARRIERS = (
    ("IPv4-compatible", ipaddress.IPv6Network("::/96"), 0, 0),
    ("IPv4-translated", ipaddress.IPv6Network("::ffff:0:0:0/96"), 0, 0),
    ("NAT64", ipaddress.IPv6Network("64:ff9b::/96"), 0, 0),
    ("NAT64", ipaddress.IPv6Network("64:ff9b:1::/48"), 0, 0),
    ("6to4", ipaddress.IPv6Network("2002::/16"), 80, 0),
    ("Teredo", ipaddress.IPv6Network("2001::/32"), 0, _LOW),
)


class ForbiddenUrl(ValueError):
    """This address may not be called; the text says why."""


class Guard:
    """Judges addresses and URLs; networks in `allowed` win over the table, for the operator's own receivers."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        # Nothing here depends on more than the text; names are judged when they are resolved.
        self._checked = lru_cache(maxsize=URLS)(self._check)

    def refusal(self, address: Address) -> str | None:
        """Why the address may not be reached, or None. Mapped addresses are judged as the IPv4 address they mean.
        Other forms that carry an IPv4 address are refused whole, for no honest receiver needs them; where the operator
        allows such a form, as IPv6-only networks must allow NAT64, the address inside is judged."""
        address = _unmapped(address)
        carrier = _carrier(address)
        if self._listed(address):
            return None if carrier is None else self.refusal(carrier[1])
        if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
            return "link-local zone"
        if carrier is not None:
            return f"{carrier[0]} address"
        for reason, network in _TABLE:
            if address.version == network.version and address in network:
                return f"{reason} address"
        return None

    def allows(self, address: Address) -> bool:
        """Whether the operator allowed this address by name of its network, and the address inside it too."""
        address = _unmapped(address)
        carrier = _carrier(address)
        return self._listed(address) and (carrier is None or self.allows(carrier[1]))

    def _listed(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._allowed)

    def check_url(self, url: str) -> URL:
        """The URL as it will be sent, byte for byte; raises ForbiddenUrl.

        http or https with a host, nothing that parsers read differently, https unless the address is one that the
        operator allowed. A literal address is judged here in every spelling that a resolver takes; a name only when it
        is resolved, at each attempt.
        """
        return self._checked(url)

    def _check(self, url: str) -> URL:
        parsed = _parsed(url)
        host = (parsed.raw_host or "").lower()
        literal = address_of(host)
        if literal is not None:
            if (reason := self.refusal(literal)) is not None:
                raise ForbiddenUrl(f"the host is a {reason}")
        elif not _is_name(host):
            raise ForbiddenUrl("the host is not a name or an address")
        elif self._is_local_name(host):
            raise ForbiddenUrl("the host is a name of this machine or its network")
        if parsed.scheme == "http" and not self._plain_is_fine(literal):
            raise ForbiddenUrl("must be https")
        return parsed

    def _plain_is_fine(self, literal: Address | None) -> bool:
        # A name may use http where the operator allowed networks; the client then takes it to those networks only.
        return bool(self._allowed) if literal is None else self.allows(literal)

    def _is_local_name(self, host: str) -> bool:
        if _LOCAL_NAME.fullmatch(host):
            return not self.allows(ipaddress.IPv4Address("127.0.0.1"))
        # In a private network a bare name may well be the operator's own receiver; its address decides then.
        return not self._allowed and ("." not in host.rstrip(".") or host.rstrip(".").endswith(_LOCAL_SUFFIXES))


_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Parsers take a host that ends in a number for an address, each in its own way, or not at all.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL_SUFFIXES = (".local", ".internal", ".lan", ".home.arpa")
_LOCAL_NAME = re.compile(r"(?:[a-z0-9-]+\.)*localhost\.?")


def _is_name(host: str) -> bool:
    name = host.removesuffix(".")
    labels = name.split(".")
    return len(name) <= MAX_NAME and all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])


def address_of(host: str) -> Address | None:
    """The address that a host means when it is no name: dotted, decimal, octal, hexadecimal, short, IPv6."""
    text = host.strip("[]").rstrip(".")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if not text or not re.fullmatch(r"[0-9a-fx.]+", text):
        return None
    try:
        # inet_aton reads every historic spelling, just as resolvers do.
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):
        return None


def _parsed(url: str) -> URL:
    if len(url) > MAX_URL:
        raise ForbiddenUrl("longer than 2048 characters")
    if any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
        raise ForbiddenUrl("has a character that no address needs")
    try:
        parts = urlsplit(url)
        port = parts.port
        raw_host = parts.hostname or ""
        host = raw_host if raw_host.isascii() else idna.encode(raw_host, uts46=True).decode()
        parsed = URL(url, encoded=True)
        if not raw_host.isascii():
            parsed = parsed.with_host(host)
    except (ValueError, UnicodeError):
        raise ForbiddenUrl("is not an address") from None
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ForbiddenUrl("must be http or https with a host")
    if "@" in parts.netloc or parts.fragment:
        raise ForbiddenUrl("must have no user, password or fragment")
    if port == 0:
        raise ForbiddenUrl("has a port that nothing listens on")
    if "[" in parts.netloc and ":" not in host:
        raise ForbiddenUrl("has a host that is no IPv6 address")
    if "%" in parts.netloc or (parsed.raw_host or "").lower() != host.lower():
        raise ForbiddenUrl("has a host that parsers read differently")
    return parsed


def _unmapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address) and address in _MAPPED:
        return ipaddress.IPv4Address(int(address) & _LOW)
    return address


def _carrier(address: Address) -> tuple[str, ipaddress.IPv4Address] | None:
    """What kind of carrier the address is, and the address inside. Unspecified and loopback are none."""
    if isinstance(address, ipaddress.IPv4Address) or int(address) <= 1:
        return None
    for kind, network, above, disguise in _CARRIERS:
        if address in network:
            return kind, ipaddress.IPv4Address(int(address) >> above & _LOW ^ disguise)
    return None
