"""Forms that only our own pages can send."""

import hmac
import secrets

from starlette.requests import Request

from payglot.operations.vault import Vault


def nonce() -> str:
    """Names one rendering of a form, so that sending it twice is recognised."""
    return secrets.token_hex(16)


def proof(vault: Vault, purpose: str, subject: str, nonce: str) -> str:
    return vault.form_token("form", purpose, subject, nonce)


def is_ours(request: Request, vault: Vault, purpose: str, subject: str, values: dict[str, str], origin: str) -> bool:
    """Whether a form came from a page of ours: by what the browser says of its origin, and by the proof in it."""
    site, sent_from = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        if site not in ("same-origin", "none"):
            return False
    elif sent_from is not None and sent_from != origin:
        return False
    expected = proof(vault, purpose, subject, values.get("nonce", ""))
    return hmac.compare_digest(expected.encode(), values.get("proof", "").encode())
