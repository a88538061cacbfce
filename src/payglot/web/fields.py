"""Field types that several dialects' request bodies share."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise PydanticCustomError("number_type", "must be a number")
    return Decimal(value)


LiteralNumber = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
"""A JSON number taken by its literal; a string or boolean is none. Problems have the type `number_type`."""
