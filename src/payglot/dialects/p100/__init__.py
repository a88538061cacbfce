"""P100 Partner API: crypto payment links for a fiat amount, settled in EUR.

Documentation: https://partner-api-docs.p100.io ("Payment link & Checkout Link"). Known differences: everything in
`inferred.py` is a reasoned guess, because those pages are not public.
"""

import functools
import shlex
from collections.abc import Mapping

from payglot.dialects.contract import Dialect
from payglot.dialects.p100 import auth, errors, routes
from payglot.dialects.p100.checkout import P100Flow
from payglot.dialects.p100.webhooks import HEALTH, P100Webhooks
from payglot.web import app, json


def example(base_url: str, headers: Mapping[str, str], expires_at: str) -> str:
    body = {"amount": "123.45", "expiresAt": expires_at, "reference": "example_ref_123"}
    sent = {**headers, "Content-Type": "application/json"}
    flags = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.items())
    return f"curl -sS -X POST {base_url}/v1/payment-link {flags} -d {shlex.quote(json.dumps(body).decode())}"


DIALECT = Dialect(
    name=auth.NAME,
    title="P100",
    prefixes=("/v1",),
    build=functools.partial(
        app.build,
        routers=(routes.router,),
        render=errors.render,
        title="Payglot: compatible with the P100 Partner API",
        description="Crypto payment links for a fiat amount.",
        security={"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    ),
    flow=P100Flow(),
    webhooks=P100Webhooks(),
    issue=auth.issue,
    endpoint_details=lambda _merchant_id: {},
    limits="",
    example=example,
    health=HEALTH,
)
