"""The few statements that run on nearly every request, sent by the driver's own connection. See decision 0006."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Insert, Select, Update
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from payglot.store.database import JSON_OPTIONS, Tx

_DIALECT = asyncpg.dialect(paramstyle="numeric_dollar", **JSON_OPTIONS)  # type: ignore[no-untyped-call]


class Hot:
    """A statement written and compiled by SQLAlchemy, once, and given to the driver with SQLAlchemy's own
    conversions."""

    def __init__(self, statement: Select[Any] | Insert | Update | ReturningInsert[Any] | ReturningUpdate[Any]) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT)
        self._sql = str(compiled)
        self._arguments = [(name, _to_driver(compiled.binds[name].type)) for name in compiled.positiontup]
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        results = ((column.name, _from_driver(column.type)) for column in statement.exported_columns)
        self._results = [(name, convert) for name, convert in results if convert is not None]

    async def rows(self, tx: Tx, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The statement's rows, by column name."""
        return [self._converted(row) for row in await tx.fetch(self._sql, self._given(values))]

    async def each(self, tx: Tx, values: Iterable[Mapping[str, Any]]) -> None:
        """The statement for each of the values, in one round trip."""
        await tx.each(self._sql, [self._given(each) for each in values])

    def _given(self, values: Mapping[str, Any]) -> list[Any]:
        known = {**self._constants, **values}
        return [known[name] if convert is None else convert(known[name]) for name, convert in self._arguments]

    def _converted(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        row = dict(record)
        for name, convert in self._results:
            row[name] = convert(row[name])
        return row


def _to_driver(type: Any) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return found


def _from_driver(type: Any) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
    return found
