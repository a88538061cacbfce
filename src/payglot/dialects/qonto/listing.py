"""Pages, filters and order, as all lists of the API have them: page numbers, words, one `sort_by`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, get_args

from starlette.requests import Request

from payglot.dialects.qonto import mapping, schemas
from payglot.dialects.qonto.errors import Unacceptable, in_query
from payglot.domain.link import LinkStatus
from payglot.domain.payment import Payment
from payglot.operations.links import NEWEST, Order
from payglot.web import openapi

T = TypeVar("T")

MAX_PER_PAGE = 100
MAX_PAGE = 1_000_000
LINK_STATUSES: tuple[str, ...] = ("open", "expired", "canceled", "paid", "processing")
PAYMENT_STATUSES: tuple[str, ...] = get_args(mapping.PaymentWord)
LINK_ORDERS = {
    "amount:asc": Order(by="amount", descending=False),
    "amount:desc": Order(by="amount", descending=True),
    "expiration_date:asc": Order(by="expires_at", descending=False),
    "expiration_date:desc": Order(by="expires_at", descending=True),
}
PAYMENT_ORDERS = ("creation_date:asc", "creation_date:desc")

PAGES = (
    openapi.query("page", "Page, from 1", type="integer", minimum=1, maximum=MAX_PAGE, default=1),
    openapi.query("per_page", "Entries a page", type="integer", minimum=1, maximum=MAX_PER_PAGE, default=100),
)


def parameters(statuses: Sequence[str], orders: Sequence[str]) -> tuple[dict[str, object], ...]:
    """For the OpenAPI document."""
    words = {"type": "string", "enum": list(statuses)}
    return (
        *PAGES,
        openapi.query("status[]", "Only these", type="array", items=words),
        openapi.query("sort_by", "Order", type="string", enum=list(orders)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """`statuses` empty means all, `order` None the list's own."""

    page: int
    per_page: int
    statuses: frozenset[str] = frozenset()
    order: str | None = None

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


def read(request: Request, statuses: Sequence[str] = (), orders: Sequence[str] = ()) -> Wanted:
    """Raises Unacceptable naming every bad parameter. `status` may be repeated, bracketed or comma-separated."""
    failures: list[schemas.Failure] = []
    query = request.query_params
    given = [*query.getlist("status[]"), *query.getlist("status")] if statuses else []
    words = frozenset(word for text in given for word in text.split(",") if word)
    if words - set(statuses):
        failures.append(in_query("status", f"must be one of: {', '.join(statuses)}", "not_in_list"))
    order = query.get("sort_by") if orders else None
    if order is not None and order not in orders:
        failures.append(in_query("sort_by", f"must be one of: {', '.join(orders)}", "not_in_list"))
    page_number = _number(query.get("page"), "page", 1, MAX_PAGE, failures)
    per_page = _number(query.get("per_page"), "per_page", MAX_PER_PAGE, MAX_PER_PAGE, failures)
    if failures:
        raise Unacceptable(failures)
    return Wanted(page=page_number, per_page=per_page, statuses=words, order=order)


def link_statuses(wanted: Wanted) -> frozenset[LinkStatus] | None:
    """The words of our own for the provider's, which are the same; None for all."""
    return frozenset(status for status in LinkStatus if status.value in wanted.statuses) if wanted.statuses else None


def link_order(wanted: Wanted) -> Order:
    """Newest first when the caller names none."""
    return NEWEST if wanted.order is None else LINK_ORDERS[wanted.order]


def payments(wanted: Wanted, payments: Sequence[Payment]) -> schemas.PaymentPage:
    """A link's payments are few: they are filtered and cut here. Newest first when the caller names no order."""
    shown = [mapping.payment(each) for each in payments]
    if wanted.statuses:
        shown = [each for each in shown if each["status"] in wanted.statuses]
    if wanted.order != PAYMENT_ORDERS[0]:
        shown.reverse()
    return {"payments": cut(wanted, shown), "meta": meta(wanted, len(shown))}


def cut(wanted: Wanted, entries: Sequence[T]) -> list[T]:
    """The page's part of all entries."""
    return list(entries[wanted.offset : wanted.offset + wanted.per_page])


def meta(wanted: Wanted, total: int) -> schemas.Meta:
    pages = -(-total // wanted.per_page)
    return {
        "current_page": wanted.page,
        "next_page": wanted.page + 1 if wanted.page < pages else None,
        "prev_page": wanted.page - 1 if wanted.page > 1 else None,
        "total_pages": pages,
        "total_count": total,
        "per_page": wanted.per_page,
    }


def _number(text: str | None, name: str, default: int, highest: int, failures: list[schemas.Failure]) -> int:
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 7 and 1 <= int(text) <= highest:
        return int(text)
    failures.append(in_query(name, f"must be a whole number from 1 to {highest}"))
    return default
