"""Secrets at rest: what we must only recognise is hashed, what we must use again is sealed."""

import base64
import hmac
import re
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

OPENED = 1_000


class Vault:
    """Keys are derived from the operator's secret key, which lives outside the database (RFC 5869)."""

    def __init__(self, secret_key: str) -> None:
        self._pepper = _derive(secret_key, b"payglot credentials")
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret_key, b"payglot secrets")))
        self._forms = _derive(secret_key, b"payglot forms")
        self._seeds = _derive(secret_key, b"payglot seeds")
        # Every attempt signs with a secret that hardly ever changes.
        self._opened = lru_cache(maxsize=OPENED)(self._open)

    def fingerprint(self, dialect: str, value: str) -> bytes:
        """32 bytes to recognise a credential by; useless without the secret key."""
        return hmac.digest(self._pepper, f"{dialect}\0{value}".encode(), "sha256")

    def seal(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Raises SecretUnreadable when it was sealed under another secret key."""
        return self._opened(sealed)

    def _open(self, sealed: bytes) -> str:
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SecretUnreadable from None

    def form_token(self, *parts: str) -> str:
        """Proof that we rendered a form for just these parts."""
        return hmac.digest(self._forms, "\0".join(parts).encode(), "sha256").hex()

    def seed(self, purpose: str) -> bytes:
        """32 bytes that a key of one purpose may follow from, the same as long as the secret key is."""
        return hmac.digest(self._seeds, purpose.encode(), "sha256")


class SecretUnreadable(Exception):
    """A stored secret does not open: PAYGLOT_SECRET_KEY is not the one it was sealed with."""


def random_text(length: int, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def handle_from(name: str) -> str:
    """A merchant's name as the start of a handle: lower-case letters, digits, single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "merchant"


def _derive(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
