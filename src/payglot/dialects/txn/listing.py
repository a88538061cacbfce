"""Pages, order and filters of a list. Source: "Listing payment links", "Listing invoices"."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from starlette.requests import Request

from payglot.dialects.txn import frame, inferred, validation
from payglot.dialects.txn.errors import BadParameters, of_parameter
from payglot.operations import payments
from payglot.web import instants, openapi

T = TypeVar("T")

_MILLISECOND = timedelta(milliseconds=1)

PAGING = (
    openapi.query("order", "What the list is ordered by", type="string", enum=["created_at"], default="created_at"),
    openapi.query("order_type", "Direction", type="string", enum=["asc", "desc"], default=inferred.ORDER_TYPE),
    openapi.query("page", "Page, from 1", type="integer", minimum=1, maximum=inferred.MAX_PAGE, default=1),
    openapi.query(
        "per_page",
        "Records a page",
        type="integer",
        minimum=1,
        maximum=inferred.MAX_PER_PAGE,
        default=inferred.PER_PAGE,
    ),
    openapi.query(
        "reference", "Exactly this reference", type="string", minLength=1, maxLength=inferred.MAX_REFUND_REFERENCE
    ),
    openapi.query("created_at_from", "Created then or later", type="string", format="date-time"),
    openapi.query("created_at_to", "Created then or earlier", type="string", format="date-time"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """`created_until` is exclusive: the millisecond after the one asked for, which is as fine as instants are shown."""

    page: int
    per_page: int
    descending: bool
    reference: str | None
    created_from: datetime | None
    created_until: datetime | None

    @property
    def of_children(self) -> payments.Where:
        """The filter, for lists of what hangs on links."""
        return payments.Where(
            reference=self.reference, created_from=self.created_from, created_until=self.created_until
        )

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


def read(request: Request) -> Wanted:
    """Raises BadParameters, which names every bad one."""
    failures: list[frame.Failure] = []

    def take(name: str, parse: Callable[[str], T], default: T, rule: str) -> T:
        text = request.query_params.get(name)
        try:
            return default if text is None else parse(text)
        except ValueError:
            failures.append(of_parameter(name, f"invalid_{name}", f"{name} must be {rule}"))
            return default

    take("order", _one_of("created_at"), "", "created_at")
    order_type = take("order_type", _one_of("asc", "desc"), inferred.ORDER_TYPE, "asc or desc")
    until = take("created_at_to", instants.parse, None, "an ISO 8601 date-time")
    wanted = Wanted(
        page=take("page", _up_to(inferred.MAX_PAGE), 1, f"a whole number from 1 to {inferred.MAX_PAGE}"),
        per_page=take(
            "per_page",
            _up_to(inferred.MAX_PER_PAGE),
            inferred.PER_PAGE,
            f"a whole number from 1 to {inferred.MAX_PER_PAGE}",
        ),
        descending=order_type == "desc",
        reference=take("reference", _reference, None, f"1 to {inferred.MAX_REFUND_REFERENCE} visible characters"),
        created_from=take("created_at_from", instants.parse, None, "an ISO 8601 date-time"),
        created_until=until + _MILLISECOND if until else None,
    )
    # JSON:API's other spellings would be passed over, and every page then be the first.
    families = {name.partition("[")[0] for name in request.query_params if "[" in name}
    failures += [
        of_parameter(name, "unsupported_parameter", _FOREIGN) for name in ("filter", "page") if name in families
    ]
    if failures:
        raise BadParameters(failures)
    return wanted


def document(wanted: Wanted, data: list[Any], included: list[Any], total: int) -> dict[str, Any]:
    """`included` is left out when there is nothing in it, and holds everything once."""
    parts = {(each["type"], each["id"]): each for each in included}
    return {
        "data": data,
        **({"included": list(parts.values())} if parts else {}),
        "meta": {"page": wanted.page, "per_page": wanted.per_page, "total": total},
        "jsonapi": {"version": "1.0"},
    }


_FOREIGN = "Unsupported parameter: the parameters are page, per_page, reference, created_at_from and created_at_to"


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return parse


def _up_to(highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= highest):
            raise ValueError
        return int(text)

    return parse


def _reference(text: str) -> str:
    """Of a refund, perhaps, whose reference is longer than any that a client chooses."""
    if not validation.is_reference(text, inferred.MAX_REFUND_REFERENCE):
        raise ValueError
    return text
