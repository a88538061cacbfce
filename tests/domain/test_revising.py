"""What a merchant's change of a link's terms does to its status."""

from datetime import timedelta
from typing import Any

import pytest

from payglot.domain import link as links, payment as payments
from payglot.domain.errors import IllegalTransition
from payglot.domain.event import EventKind
from payglot.domain.link import LinkStatus as L
from tests.domain.build import NOW, a_link, an_opening, euros

PAST, FUTURE = NOW - timedelta(seconds=1), NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "active", "terms", "after", "kind"),
    [
        ({}, None, {"title": "New"}, L.OPEN, EventKind.LINK_UPDATED),
        ({}, True, {}, L.OPEN, EventKind.LINK_UPDATED),
        ({}, False, {}, L.CANCELED, EventKind.LINK_CANCELED),
        ({"status": L.PROCESSING, "taken": 1}, False, {}, L.CANCELED, EventKind.LINK_CANCELED),
        ({"status": L.CANCELED}, False, {}, L.CANCELED, EventKind.LINK_UPDATED),
        ({"status": L.CANCELED}, None, {"title": "New"}, L.CANCELED, EventKind.LINK_UPDATED),
        ({"status": L.CANCELED}, True, {}, L.OPEN, EventKind.LINK_REOPENED),
        ({"status": L.CANCELED, "expires_at": PAST}, True, {"expires_at": None}, L.OPEN, EventKind.LINK_REOPENED),
        ({"status": L.EXPIRED, "expires_at": PAST}, None, {"title": "New"}, L.EXPIRED, EventKind.LINK_UPDATED),
        ({"status": L.EXPIRED, "expires_at": PAST}, None, {"expires_at": FUTURE}, L.OPEN, EventKind.LINK_REOPENED),
        ({"expires_at": PAST}, None, {"expires_at": FUTURE}, L.OPEN, EventKind.LINK_UPDATED),
        ({"status": L.PAID, "taken": 1, "paid": 1}, None, {"title": "New"}, L.PAID, EventKind.LINK_UPDATED),
        ({"status": L.PAID, "taken": 1, "paid": 1}, False, {}, L.PAID, EventKind.LINK_UPDATED),
        ({"status": L.PAID, "taken": 1, "paid": 1}, None, {"max_payments": 2}, L.OPEN, EventKind.LINK_REOPENED),
        ({"status": L.PAID, "taken": 1, "paid": 1}, True, {"max_payments": None}, L.OPEN, EventKind.LINK_REOPENED),
        ({"status": L.PROCESSING, "taken": 1}, None, {"max_payments": 2}, L.OPEN, EventKind.LINK_REOPENED),
        ({"max_payments": 5, "taken": 1}, None, {"max_payments": 1}, L.PROCESSING, EventKind.LINK_PROCESSING),
        ({"max_payments": 5, "taken": 2, "paid": 2}, None, {"max_payments": 2}, L.PAID, EventKind.LINK_PAID),
        ({"max_payments": 5, "taken": 2, "paid": 2}, None, {"max_payments": 3}, L.OPEN, EventKind.LINK_UPDATED),
    ],
)
def test_new_terms_move_a_link_where_they_say(
    before: dict[str, Any], active: bool | None, terms: dict[str, Any], after: L, kind: EventKind
) -> None:
    link = a_link(**before)
    change = links.revise(link, NOW, active=active, **terms)
    assert (change.after.status, change.event.kind) == (after, kind)
    assert change.after.sequence == change.event.sequence == link.sequence + 1
    assert change.after.updated_at == NOW
    assert all(getattr(change.after, name) == value for name, value in terms.items())


@pytest.mark.parametrize(
    ("before", "active"),
    [
        ({"status": L.EXPIRED, "expires_at": PAST}, True),
        ({"status": L.EXPIRED, "expires_at": PAST}, False),
        ({"expires_at": PAST}, True),
        ({"expires_at": PAST}, False),
        ({"status": L.CANCELED, "expires_at": PAST}, True),
        ({"status": L.CANCELED, "taken": 1, "paid": 1}, True),
        ({"status": L.PAID, "taken": 1, "paid": 1}, True),
    ],
)
def test_what_has_ended_for_good_is_not_moved_by_a_wish(before: dict[str, Any], active: bool) -> None:
    with pytest.raises(IllegalTransition):
        links.revise(a_link(**before), NOW, active=active)


def test_a_payment_under_way_keeps_its_amount() -> None:
    started = payments.start(a_link(), an_opening(), 1, NOW)
    revised = links.revise(started.link.after, NOW, amount=euros(99))
    confirmed = payments.confirm(revised.after, started.payment.after, NOW)
    assert (confirmed.payment.after.amount, confirmed.link.after.amount) == (euros(1000), euros(99))


@pytest.mark.parametrize("status", [L.OPEN, L.EXPIRED, L.CANCELED])
@pytest.mark.parametrize("active", [None, True, False])
def test_places_that_are_taken_are_not_taken_away(status: L, active: bool | None) -> None:
    link = a_link(status=status, max_payments=3, taken=2)
    with pytest.raises(IllegalTransition):
        links.revise(link, NOW, active=active, max_payments=1)
