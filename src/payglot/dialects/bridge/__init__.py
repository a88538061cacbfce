"""Bridge: open-banking payment links in EUR, API versions 2021-06-01 (v2) and 2025-01-15 (v3).

Documentation: https://docs.bridgeapi.io ("Create a payment link"). Known differences: the beneficiary is frozen when a
link is made (Bridge pays the account configured last); webhooks come from your own server's address, so plugins that
check nothing but Bridge's source addresses need theirs changed; the banks are invented. All: docs/dialects/bridge.md.
"""

import functools
import shlex
from collections.abc import Mapping

from payglot.dialects.bridge import auth, errors, paths, request_routes, routes, selection
from payglot.dialects.bridge.checkout import BridgeFlow
from payglot.dialects.bridge.webhooks import BridgeWebhooks
from payglot.dialects.contract import Dialect
from payglot.web import app, json


def example(base_url: str, headers: Mapping[str, str], expires_at: str) -> str:
    body = {
        "user": {"first_name": "Thomas", "last_name": "Pichet", "external_reference": "REF-USER-1234_AZ"},
        "expired_date": expires_at,
        "client_reference": "ABCDE_FG-HI_12345",
        "transactions": [
            {"amount": 120.98, "currency": "EUR", "label": "Refund 123456", "end_to_end_id": "E2E_ID-1234"}
        ],
    }
    url = base_url + paths.LINKS[auth.Version.V2]
    sent = {**headers, "Content-Type": "application/json"}
    flags = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.items())
    return f"curl -sS -X POST {shlex.quote(url)} {flags} -d {shlex.quote(json.dumps(body).decode())}"


DIALECT = Dialect(
    name=auth.NAME,
    title="Bridge",
    prefixes=("/v2/payment-links", "/v2/payment-requests", "/v3"),
    build=functools.partial(
        app.build,
        routers=(routes.router, request_routes.router),
        render=errors.render,
        title="Payglot: compatible with Bridge payment links",
        description="Open-banking payment links, API versions 2021-06-01 and 2025-01-15.",
        security={
            "clientId": {"type": "apiKey", "in": "header", "name": "Client-Id"},
            "clientSecret": {"type": "apiKey", "in": "header", "name": "Client-Secret"},
        },
    ),
    flow=BridgeFlow(),
    webhooks=BridgeWebhooks(),
    issue=auth.issue,
    endpoint_details=lambda _merchant_id: {},
    endpoint_choices=selection.choose,
    limits="2000 per 5 minutes",
    example=example,
)
