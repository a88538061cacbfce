"""Whether a webhook's signature verifies, by each provider's documented recipe for receivers.

Written from the documentation alone. No code is shared with the senders, or both could be wrong in the same way.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

TOLERANCE_SECONDS = 300
MATCHES = "The signature matches."


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`reason` is a sentence for people."""

    verified: bool
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """`headers` by lower-case name; `secrets` are all those that are valid at `at`."""

    headers: Mapping[str, str]
    body: bytes
    secrets: Sequence[str]
    at: datetime


def verify(dialect: str, received: Received) -> Verdict:
    """Judge one request; `dialect` must be one of RECIPES."""
    if not received.secrets:
        return _no("None of the merchant's endpoints has this address, so there is no secret to check with.")
    return RECIPES[dialect](received)


def _p100(received: Received) -> Verdict:
    """The `Authorization` header is the shared token itself, without a scheme (Webhooks; FAQ)."""
    token = received.headers.get("authorization")
    if token is None:
        return _missing("Authorization")
    if _any_equal(token, received.secrets):
        return Verdict(verified=True, reason="The token matches.")
    return _no("The token in Authorization is not the endpoint's.")


def _devdraft(received: Received) -> Verdict:
    """`X-Devdraft-Signature: sha256=<hex of HMAC-SHA256 over "timestamp.body">`."""
    signature, stamp = (received.headers.get(f"x-devdraft-{part}") for part in ("signature", "timestamp"))
    if signature is None:
        return _missing("X-Devdraft-Signature")
    if stamp is None:
        return _missing("X-Devdraft-Timestamp")
    if stale := _stale(stamp, received.at):
        return stale
    expected = [f"sha256={_hex(secret, stamp, received.body)}" for secret in received.secrets]
    return _judge([signature], expected)


def _bridge(received: Received) -> Verdict:
    """`BridgeApi-Signature: v1=<UPPER-CASE HEX>[,v1=…]` over the raw body; other schemes are ignored (Secure your
    webhooks). Compared as live receivers do: exactly, without trimming."""
    header = received.headers.get("bridgeapi-signature")
    if header is None:
        return _missing("BridgeApi-Signature")
    offered = [element for element in header.split(",") if element.startswith("v1=")]
    if not offered:
        return _no("BridgeApi-Signature holds no v1 signature.")
    expected = [
        f"v1={hmac.digest(secret.encode(), received.body, 'sha256').hex().upper()}" for secret in received.secrets
    ]
    return _judge(offered, expected)


def _qonto(received: Received) -> Verdict:
    """`X-Qonto-Signature: t=<seconds>,v1=<hex of HMAC-SHA256 over "t.body">`, refused when older than 5 minutes."""
    header = received.headers.get("x-qonto-signature")
    if header is None:
        return _missing("X-Qonto-Signature")
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    offered = [value for name, _, value in parts if name == "v1"]
    if len(stamps) != 1 or not offered:
        return _no("X-Qonto-Signature is not of the form t=…,v1=….")
    if stale := _stale(stamps[0], received.at):
        return stale
    return _judge(offered, [_hex(secret, stamps[0], received.body) for secret in received.secrets])


def _txn(received: Received) -> Verdict:
    """The Svix scheme: base64 HMAC-SHA256 over "id.timestamp.body", under the decoded part of the secret after
    `whsec_`; the header lists several, any may match (Verifying webhooks)."""
    values: dict[str, str] = {}
    for name in ("svix-id", "svix-timestamp", "svix-signature"):
        if name not in received.headers:
            return _missing(name)
        values[name] = received.headers[name]
    stamp = values["svix-timestamp"]
    if stale := _stale(stamp, received.at, also_early=True):
        return stale
    signed = b".".join((values["svix-id"].encode(), stamp.encode(), received.body))
    expected = []
    for secret in received.secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return _no("The endpoint's secret is not base64 after whsec_.")
        expected.append(f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}")
    return _judge(values["svix-signature"].split(" "), expected)


RECIPES: Mapping[str, Callable[[Received], Verdict]] = {
    "p100": _p100,
    "devdraft": _devdraft,
    "bridge": _bridge,
    "qonto": _qonto,
    "txn": _txn,
}


def _stale(stamp: str, at: datetime, *, also_early: bool = False) -> Verdict | None:
    """A refusal when the signed time, in Unix seconds, is out of tolerance."""
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return _no("The timestamp is not in Unix seconds.")
    age = at.timestamp() - int(stamp)
    if age > TOLERANCE_SECONDS:
        return _no(f"The timestamp is more than {TOLERANCE_SECONDS} seconds old.")
    if also_early and age < -TOLERANCE_SECONDS:
        return _no(f"The timestamp is more than {TOLERANCE_SECONDS} seconds ahead.")
    return None


def _hex(secret: str, stamp: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()


def _judge(offered: Iterable[str], expected: Sequence[str]) -> Verdict:
    matches = [_any_equal(one, expected) for one in offered]
    if any(matches):
        return Verdict(verified=True, reason=MATCHES)
    return _no("The signature does not match the body under the endpoint's secret.")


def _any_equal(offered: str, expected: Iterable[str]) -> bool:
    """In constant time for each, on bytes."""
    return any(hmac.compare_digest(offered.encode(), one.encode()) for one in expected)


def _missing(header: str) -> Verdict:
    return _no(f"The header {header} is missing.")


def _no(reason: str) -> Verdict:
    return Verdict(verified=False, reason=reason)
