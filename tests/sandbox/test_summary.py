"""What the inbox says of a webhook in one line: the provider's event, and the merchant's own name for the thing."""

from typing import Any

import pytest

from payglot.sandbox.summary import summarize

BODIES: list[tuple[str, dict[str, Any], str, str]] = [
    ("p100", {"status": "CONFIRMED", "reference": "order_1", "paymentLinkId": "a"}, "CONFIRMED", "order_1"),
    ("p100", {"status": "CONFIRMED", "reference": None, "paymentLinkId": "a"}, "CONFIRMED", "a"),
    (
        "txn",
        {"data": {"type": "invoices", "id": "a", "attributes": {"status": "completed", "reference": "order-1"}}},
        "invoices · completed",
        "order-1",
    ),
    (
        "txn",
        {"data": {"type": "invoices", "id": "a", "attributes": {"status": "completed", "reference": None}}},
        "invoices · completed",
        "a",
    ),
]


@pytest.mark.parametrize(("dialect", "body", "event", "about"), BODIES)
def test_a_webhook_is_named_by_the_merchants_reference_where_it_has_one(
    dialect: str, body: dict[str, Any], event: str, about: str
) -> None:
    summary = summarize(dialect, {}, body)
    assert (summary.event, summary.about) == (event, about)
