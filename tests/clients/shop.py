"""A merchant as their programs see Payglot."""

from dataclasses import dataclass
from typing import Any

import httpx

from payglot.dialects import DIALECTS
from tests.clients.receiving import Receiver

DOMAIN = "shop.example"
_BENEFICIARY = {"name": "Atelier Nord", "iban": "FR7618888007770001122334486"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """`given` is what `payglot provision --json` prints; `hooks` receives the merchant's webhooks."""

    base_url: str
    given: dict[str, Any]
    hooks: Receiver

    def headers(self, dialect: str) -> dict[str, str]:
        found: dict[str, str] = self.given["dialects"][dialect]["headers"]
        return found

    def webhook_secret(self, dialect: str) -> str:
        found: str = self.given["dialects"][dialect]["webhook_secret"]
        return found

    def pay(self, url: str, outcome: str = "paid", **wish: Any) -> dict[str, Any]:
        """The payer's part, in the sandbox."""
        wanted = {"url": url, "outcome": outcome, **wish}
        answer = httpx.post(f"{self.base_url}/sandbox/v1/pay", json=wanted, timeout=30)
        assert answer.status_code == 200, answer.text
        played: dict[str, Any] = answer.json()
        return played

    def administer(self, path: str, **body: Any) -> dict[str, Any]:
        """The operator's part: makes something for this merchant."""
        return _made(self.base_url, self.given["admin_token"], f"merchants/{self.given['merchant_id']}/{path}", body)

    def another(self, hooks: Receiver) -> "Shop":
        """A merchant of the same operator's, with all that this one has."""
        settings = {"redirect_domains": [DOMAIN], "default_beneficiary": _BENEFICIARY}
        token = self.given["admin_token"]
        merchant = _made(self.base_url, token, "merchants", {"name": "Another Shop", "settings": settings})
        given = {"merchant_id": merchant["id"], "admin_token": token, "dialects": {}}
        made = Shop(base_url=self.base_url, given=given, hooks=hooks)
        for dialect in DIALECTS:
            issued = made.administer("credentials", dialect=dialect)
            endpoint = made.administer("endpoints", dialect=dialect, url=hooks.url)
            given["dialects"][dialect] = {
                "headers": issued["headers"], "webhook_secret": endpoint["secret"], **issued["extra"],
            }  # fmt: skip
        return made


def _made(base_url: str, token: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{base_url}/admin/v1/{path}", json=body, headers=headers, timeout=30)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
