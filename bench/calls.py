"""What a client of each dialect sends: its documented example to create a link, and the path to read one."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bench.load import UNIQUE
from payglot.dialects import DIALECTS

READ_PATHS = {
    "bridge": "/v2/payment-links/{}",
    "devdraft": "/api/v0/payment-links/{}",
    "p100": "/v1/payment-link/{}",
    "qonto": "/v2/payment_links/{}",
    "txn": "/api/public/v1/payment_links/{}",
}
# Where a second link may not carry the same value.
UNIQUE_FIELD = {"devdraft": re.compile(r"premium-\w+"), "txn": re.compile(r"order-\w+")}


@dataclass(frozen=True, kw_only=True)
class Calls:
    """`create` is a request as `bench.load` takes it."""

    dialect: str
    headers: Mapping[str, str]
    create: dict[str, Any]

    def read(self, id: str) -> dict[str, Any]:
        return {"method": "GET", "path": READ_PATHS[self.dialect].format(id), "headers": dict(self.headers)}


def of(dialect: str, headers: Mapping[str, str]) -> Calls:
    expires_at = f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%dT%H:%M:%S.000}Z"
    words = shlex.split(DIALECTS[dialect].example("http://127.0.0.1", headers, expires_at))
    sent = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    if dialect in UNIQUE_FIELD:
        body = UNIQUE_FIELD[dialect].sub(f"bench-{UNIQUE}", body)
    url = next(word for word in words if word.startswith("http://"))
    create = {"method": "POST", "path": urlsplit(url).path, "headers": sent, "body": body}
    return Calls(dialect=dialect, headers=headers, create=create)


def id_in(answer: bytes | str) -> str:
    """The id of the link that an answer to a create call names."""
    told = json.loads(answer)
    for key in ("payment_link", "data"):
        told = told.get(key, told)
    id: str = told.get("id") or told.get("paymentLinkId")
    return id
