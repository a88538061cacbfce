"""`skip` and `take`, which the provider's documentation declares now as numbers, now as text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from payglot.dialects.devdraft import inferred
from payglot.dialects.devdraft.rules import RULE
from payglot.web import openapi
from payglot.web.refusals import Invalid

_WHOLE = re.compile(r"(-?[0-9]{1,18})(?:\.0{1,9})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    skip: int
    take: int


def read(request: Request, *, most: int | None = inferred.MAX_TAKE) -> Page:
    """`most` is how many may be asked for; None: any number, of which the first are given. Raises Invalid."""
    problems: list[dict[str, Any]] = []
    skip = _whole(request, "skip", 0, 0, None, problems)
    take = _whole(request, "take", inferred.TAKE, 1, most, problems)
    if problems:
        raise Invalid(problems)
    return Page(skip=skip, take=min(take, inferred.MAX_GIVEN))


def text(request: Request, name: str, *, longest: int) -> str | None:
    """What to look for. Raises Invalid."""
    value = request.query_params.get(name)
    if value is not None and len(value) > longest:
        raise Invalid([problem(name, f"must be shorter than or equal to {longest} characters")])
    if value is not None and not value.isprintable():
        raise Invalid([problem(name, "must not contain control characters")])
    return value


def one_of(request: Request, name: str, values: Sequence[str]) -> str | None:
    """Raises Invalid."""
    value = request.query_params.get(name)
    if value is not None and value not in values:
        raise Invalid([problem(name, f"must be one of the following values: {', '.join(values)}")])
    return value


def parameters(*, most: int | None = inferred.MAX_TAKE) -> tuple[dict[str, Any], ...]:
    """As the document tells them."""
    bound: dict[str, Any] = {} if most is None else {"maximum": most}
    return (
        openapi.query("skip", "How many to leave out", type="integer", minimum=0, default=0),
        openapi.query("take", "How many to give", type="integer", minimum=1, **bound, default=inferred.TAKE),
    )


def problem(field: str, says: str) -> dict[str, Any]:
    return {"type": RULE, "loc": (field,), "msg": says}


def _whole(
    request: Request, name: str, default: int, least: int, most: int | None, problems: list[dict[str, Any]]
) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    found = _WHOLE.fullmatch(text)
    number = default if found is None else int(found[1])
    if found is None:
        problems.append(problem(name, "must be an integer number"))
    elif number < least:
        problems.append(problem(name, f"must not be less than {least}"))
    elif most is not None and number > most:
        problems.append(problem(name, f"must not be greater than {most}"))
    return number
