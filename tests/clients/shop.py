"""A merchant as their programs see Payglot."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.clients.receiving import Receiver


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """`given` is what `payglot provision --json` printed; `hooks` receives the merchant's webhooks."""

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
        answer = httpx.post(
            f"{self.base_url}/admin/v1/merchants/{self.given['merchant_id']}/{path}", json=body, timeout=30,
            headers={"Authorization": f"Bearer {self.given['admin_token']}"},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made
