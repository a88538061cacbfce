"""DevDraft v0: payment links with a slug of the merchant's choice, priced in stablecoins.

Documentation: the "Create Payment Link" page and the public OpenAPI document. Known differences: checkout addresses
carry the merchant's handle (/pay/<handle>/<slug>), so slugs are unique per merchant; what no page states is in
`inferred.py`, the webhook signature above all.
"""

import functools
import secrets
import shlex
from collections.abc import Mapping

from payglot.dialects.contract import Dialect
from payglot.dialects.devdraft import auth, elsewhere, errors, health, mapping, routes
from payglot.dialects.devdraft.checkout import DevdraftFlow
from payglot.dialects.devdraft.customers import routes as customers
from payglot.dialects.devdraft.endpoints import routes as endpoints
from payglot.dialects.devdraft.products import routes as products
from payglot.dialects.devdraft.rehearsals import routes as rehearsals
from payglot.dialects.devdraft.taxes import routes as taxes
from payglot.dialects.devdraft.webhooks import DevdraftWebhooks
from payglot.web import app, json
from payglot.web.limits import Standing


def example(base_url: str, headers: Mapping[str, str], expires_at: str) -> str:
    body = {
        "title": "Premium Subscription",
        # A link's address is unique: another one for each time the example is shown.
        "url": f"premium-{secrets.token_hex(3)}",
        "linkType": "PRODUCT",
        "allowQuantityAdjustment": True,
        "allowMobilePayment": True,
        "currency": "usdc",
        "description": "Get access to **all** premium features",
        "amount": 29.99,
        "expiration_date": expires_at,
    }
    sent = {**headers, "Content-Type": "application/json"}
    flags = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.items())
    return f"curl -sS -X POST {base_url}/api/v0/payment-links {flags} -d {shlex.quote(json.dumps(body).decode())}"


def limit_headers(standing: Standing) -> dict[str, str]:
    """Source: "Rate Limiting"."""
    return {
        "X-RateLimit-Limit": str(standing.amount),
        "X-RateLimit-Remaining": str(standing.remaining),
        "X-RateLimit-Reset": str(standing.resets_at),
    }


DIALECT = Dialect(
    name=auth.NAME,
    title="DevDraft",
    prefixes=("/api/v0",),
    build=functools.partial(
        app.build,
        routers=(
            routes.router,
            products.router,
            taxes.router,
            customers.router,
            endpoints.router,
            rehearsals.router,
            health.router,
            # The last, for it takes what none of the others does.
            elsewhere.router,
        ),
        render=errors.render,
        title="Payglot: compatible with DevDraft v0 payment links",
        description="Payment links for products, donations and subscriptions.",
        security={
            "clientKey": {"type": "apiKey", "in": "header", "name": "x-client-key"},
            "clientSecret": {"type": "apiKey", "in": "header", "name": "x-client-secret"},
        },
        limit_headers=limit_headers,
    ),
    flow=DevdraftFlow(),
    webhooks=DevdraftWebhooks(),
    issue=auth.issue,
    endpoint_details=lambda _merchant_id: {},
    read_id=mapping.any_id,
    limits="100 per minute",
    example=example,
)
