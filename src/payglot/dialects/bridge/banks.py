"""The banks, all invented, and the Demo Bank's logins, each of which leads a test payment to an end of its own.

Source: "Test your payment flow".
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from payglot.web.flow import Outcome

DEMO_ID = 574
LATER = timedelta(hours=1)

_REJECTED = re.compile(r"id_rjct_([a-z]{2}[a-z0-9]{2})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bank:
    id: int
    name: str
    country: str
    group: int | None = None
    """The id of the group that it is found in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Banks under one name, which the list shows in their place."""

    id: int
    name: str
    country: str


BANKS = (
    Bank(id=DEMO_ID, name="Demo Bank", country="fr"),
    Bank(id=90001, name="Banque Exemple", country="fr"),
    Bank(id=90002, name="Crédit Modèle", country="fr"),
    Bank(id=90003, name="Musterbank", country="de"),
    Bank(id=90004, name="Beispielkasse", country="de"),
    Bank(id=90005, name="Banco Ejemplo", country="es"),
    Bank(id=90006, name="Sample Bank", country="gb"),
    Bank(id=90101, name="Groupe Modèle Nord", country="fr", group=90100),
    Bank(id=90102, name="Groupe Modèle Sud", country="fr", group=90100),
)
GROUPS = (Group(id=90100, name="Groupe Modèle", country="fr"),)
LISTED: tuple[Bank | Group, ...] = (*(bank for bank in BANKS if bank.group is None), *GROUPS)
BY_VALUE = {str(bank.id): bank for bank in BANKS}
"""As forms and sandbox calls name them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """`outcome` is what comes of the confirmation; `reason` is why the payment is rejected, at once or in the end."""

    outcome: Outcome
    reason: str | None = None


_LOGINS = {
    "id_acsc": Login(outcome=Outcome.PAID),
    "id_pdng_acsc": Login(outcome=Outcome.PROCESSING),
    "id_pdng_rjct": Login(outcome=Outcome.PROCESSING, reason="MS03"),
}


def login(text: str) -> Login | None:
    """Older pages write them with underscores, newer ones with hyphens."""
    name = text.replace("-", "_")
    if match := _REJECTED.fullmatch(name):
        return Login(outcome=Outcome.FAILED, reason=match[1].upper())
    return _LOGINS.get(name)


def expectation(known: Login, now: datetime, execution_date: datetime | None) -> dict[str, Any]:
    """What the sandbox is told with the payment. A pending one ends an hour later, or when it is to be executed; one
    that is executed on its confirmation is never pending."""
    told: dict[str, Any] = {} if known.reason is None else {"sandbox_reason": known.reason}
    if known.outcome is Outcome.PAID:
        told["sandbox_instant"] = True
    if known.outcome is Outcome.PROCESSING:
        told["sandbox_ends_at"] = max(now + LATER, execution_date or now).isoformat()
    return told
