"""Test mode: simulated payments, the movable clock, the webhook inbox; and the home page and API reference.

Knows no dialect's code. What it needs of them comes as values (`wiring`), and webhooks are verified from the providers'
documentation alone (`verify`), so that sender and inbox cannot agree on a mistake.
"""

from payglot.sandbox.entrances import build_home, build_sandbox
from payglot.sandbox.wiring import Api, Demo, Wiring

__all__ = ["Api", "Demo", "Wiring", "build_home", "build_sandbox"]
