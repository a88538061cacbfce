"""The verifiers that receivers of webhooks use: `svix`, `standardwebhooks`, and `stripe` for its `t=…,v1=…` scheme.

Each raises an error of its own unless the webhook is genuine.
"""

import standardwebhooks
import steps
import stripe
import svix

TOLERANCE_SECONDS = 300


def by_svix(secret: str, headers: dict[str, str], body: str) -> None:
    svix.Webhook(secret).verify(body, headers)


def by_standardwebhooks(secret: str, headers: dict[str, str], body: str) -> None:
    # The same scheme under the names that the standard gives it.
    renamed = {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
    standardwebhooks.Webhook(secret).verify(body, renamed)


def by_stripe(secret: str, header: str, body: str) -> None:
    stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)


if __name__ == "__main__":
    steps.take(globals())
