"""Txn: crypto payment links in a JSON:API 1.0 dialect.

Documentation: https://docs.txn.io ("Creating payment link"). Known differences: the hosted page's address carries a
random token beside the documented query; fees are zero; what arrives late, or is too much or too little, is credited at
the locked rate; addresses are not screened for risk; merchants have no balances; Binance Pay and NFT are not served.
"""

import functools
import secrets
import shlex
from collections.abc import Mapping

from payglot.dialects.contract import Dialect
from payglot.dialects.txn import auth, discovery, errors, invoice_routes, jsonapi, payout_routes, routes, subscriptions
from payglot.dialects.txn.checkout import TxnFlow
from payglot.dialects.txn.webhooks import TxnWebhooks
from payglot.web import app, json


def example(base_url: str, headers: Mapping[str, str], expires_at: str) -> str:
    attributes = {
        "amount": "100",
        "currency": "EUR",
        "accountCurrency": "EUR",
        # References are unique for ever: another one for each time the example is shown.
        "reference": f"order-{secrets.token_hex(4)}",
        "expires_at": expires_at,
        "paymentType": "Invoice",
        "paymentMethods": ["on_chain"],
        "payCurrencies": ["USDC"],
        "successRedirectUrl": "https://example.com/success",
        "unsuccessRedirectUrl": "https://example.com/fail",
    }
    body = {"data": {"type": "payment_links", "attributes": attributes}}
    sent = {**headers, "Content-Type": jsonapi.MEDIA_TYPE}
    flags = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.items())
    path = "/api/public/v1/payment_links"
    return f"curl -sS -X POST {base_url}{path} {flags} -d {shlex.quote(json.dumps(body).decode())}"


DIALECT = Dialect(
    name=auth.NAME,
    title="Txn",
    prefixes=("/api/public/v1",),
    build=functools.partial(
        app.build,
        # Before what takes any word for an id.
        routers=(discovery.router, routes.router, invoice_routes.router, payout_routes.router),
        render=errors.render,
        title="Payglot: compatible with Txn payment links",
        description="Crypto payment links, as JSON:API documents.",
        security={"apiKey": {"type": "http", "scheme": "bearer"}},
    ),
    flow=TxnFlow(),
    webhooks=TxnWebhooks(),
    issue=auth.issue,
    endpoint_details=lambda _merchant_id: {},
    endpoint_choices=subscriptions.choose,
    limits="",
    example=example,
)
