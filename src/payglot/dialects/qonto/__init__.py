"""Qonto Business API: payment links for a basket or an invoice, in EUR, paid by card, Apple Pay, PayPal or iDEAL.

Documentation: https://docs.qonto.com ("Create a payment link"). Known differences: a paid link goes on to `paid`;
merchants start connected to the payment provider, unless set otherwise; any invoice id is taken, for there are no
invoices here; a merchant signs in to OAuth with a code from the operator. All of them, and what is inferred:
docs/dialects/qonto.md.
"""

import functools
import shlex
from collections.abc import Mapping

from payglot.dialects.contract import Dialect
from payglot.dialects.qonto import (
    auth,
    connections,
    consent,
    errors,
    id_tokens,
    oauth,
    onboarding,
    routes,
    subscriptions,
    webhooks,
)
from payglot.dialects.qonto.checkout import QontoFlow
from payglot.dialects.qonto.webhooks import QontoWebhooks
from payglot.web import app, json


def example(base_url: str, headers: Mapping[str, str], expires_at: str) -> str:
    item = {
        "title": "Item 1",
        "quantity": 1,
        "unit_price": {"value": "10.99", "currency": "EUR"},
        "vat_rate": "21.0",
        "type": "good",
        "description": "Item 1 description",
        "measure_unit": "unit",
    }
    body = {"payment_link": {"potential_payment_methods": ["credit_card"], "reusable": True, "items": [item]}}
    url = shlex.quote(f"{base_url}/v2/payment_links")
    sent = {**headers, "Content-Type": "application/json"}
    flags = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.items())
    return f"curl -sS -X POST {url} {flags} -d {shlex.quote(json.dumps(body).decode())}"


DIALECT = Dialect(
    name=auth.NAME,
    title="Qonto",
    prefixes=(
        "/v2/payment_links",
        "/v2/webhook_subscriptions",
        "/v2/oauth2",
        "/oauth2",
        id_tokens.CONFIGURATION_PATH,
        id_tokens.KEYS_PATH,
    ),
    build=functools.partial(
        app.build,
        routers=(
            connections.router,
            routes.router,
            subscriptions.router,
            onboarding.router,
            consent.router,
            oauth.router,
            id_tokens.router,
        ),
        render=errors.render,
        title="Payglot: compatible with Qonto payment links",
        description="Payment links for a basket or an invoice.",
        security={"oauth": {"type": "http", "scheme": "bearer"}},
    ),
    flow=QontoFlow(),
    webhooks=QontoWebhooks(),
    issue=auth.issue,
    endpoint_details=webhooks.endpoint_details,
    limits="1000 per 10 seconds; 10000 per 10 minutes",
    failures="200 per hour",
    example=example,
    oauth_scopes=auth.OAUTH_SCOPES,
)
