"""Plans and renewals as JSON, read back. Money travels as its minor units and currency, instants as ISO 8601."""

from typing import Any

from pydantic import TypeAdapter

from payglot.domain.plan import Plan, Renewal

_plan = TypeAdapter(Plan)
_renewal = TypeAdapter(Renewal)


def read(stored: dict[str, Any] | None) -> Plan | None:
    return None if stored is None else _plan.validate_python(stored)


def read_renewal(stored: dict[str, Any] | None) -> Renewal | None:
    return None if stored is None else _renewal.validate_python(stored)
