"""Pages, filters and order of a link's payments, which are few."""

from dataclasses import dataclass
from typing import get_args

from starlette.requests import Request

from payglot.dialects.qonto import mapping, schemas
from payglot.dialects.qonto.errors import Unacceptable, in_query
from payglot.domain.payment import Payment
from payglot.web import openapi

MAX_PER_PAGE = 100
STATUSES: tuple[str, ...] = get_args(mapping.PaymentWord)
ORDERS = ("creation_date:asc", "creation_date:desc")

PARAMETERS = (
    openapi.query("page", "Page, from 1", type="integer", minimum=1, default=1),
    openapi.query("per_page", "Entries a page", type="integer", minimum=1, maximum=MAX_PER_PAGE, default=100),
    openapi.query("status[]", "Only these", type="array", items={"type": "string", "enum": list(STATUSES)}),
    openapi.query("sort_by", "Order", type="string", enum=list(ORDERS)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    page: int
    per_page: int
    statuses: frozenset[str]
    oldest_first: bool


def read(request: Request) -> Wanted:
    """Raises Unacceptable naming every bad parameter. `status` may be repeated, bracketed or comma-separated."""
    failures: list[schemas.Failure] = []
    query = request.query_params
    given = [*query.getlist("status[]"), *query.getlist("status")]
    statuses = frozenset(word for text in given for word in text.split(",") if word)
    if statuses - set(STATUSES):
        failures.append(in_query("status", f"must be one of: {', '.join(STATUSES)}", "not_in_list"))
    order = query.get("sort_by", ORDERS[1])
    if order not in ORDERS:
        failures.append(in_query("sort_by", f"must be one of: {', '.join(ORDERS)}", "not_in_list"))
    page_number = _number(query.get("page"), "page", 1, 1_000_000, failures)
    per_page = _number(query.get("per_page"), "per_page", MAX_PER_PAGE, MAX_PER_PAGE, failures)
    if failures:
        raise Unacceptable(failures)
    return Wanted(page=page_number, per_page=per_page, statuses=statuses, oldest_first=order == ORDERS[0])


def page(wanted: Wanted, payments: list[Payment]) -> schemas.PaymentPage:
    shown = [mapping.payment(each) for each in payments]
    if wanted.statuses:
        shown = [each for each in shown if each["status"] in wanted.statuses]
    if not wanted.oldest_first:
        shown.reverse()
    pages = -(-len(shown) // wanted.per_page)
    start = (wanted.page - 1) * wanted.per_page
    return {
        "payments": shown[start : start + wanted.per_page],
        "meta": {
            "current_page": wanted.page,
            "next_page": wanted.page + 1 if wanted.page < pages else None,
            "prev_page": wanted.page - 1 if wanted.page > 1 else None,
            "total_pages": pages,
            "total_count": len(shown),
            "per_page": wanted.per_page,
        },
    }


def _number(text: str | None, name: str, default: int, highest: int, failures: list[schemas.Failure]) -> int:
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 7 and 1 <= int(text) <= highest:
        return int(text)
    failures.append(in_query(name, f"must be a whole number from 1 to {highest}"))
    return default
