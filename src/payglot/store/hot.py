"""The few statements that run on nearly every request, sent by the driver's own connection. See decision 0006."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Insert, Select, Update
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from payglot.store.database import JSON_OPTIONS, Single, Tx

_DIALECT = asyncpg.dialect(paramstyle="numeric_dollar", **JSON_OPTIONS)  # type: ignore[no-untyped-call]


class Hot:
    """A statement written and compiled by SQLAlchemy, once. Where each statement commits by itself it goes to the
    driver with SQLAlchemy's own conversions; in a transaction it is executed as any other."""

    def __init__(self, statement: Select[Any] | Insert | Update | ReturningInsert[Any] | ReturningUpdate[Any]) -> None:
        self._statement = statement
        compiled: Any = statement.compile(dialect=_DIALECT)
        self._sql = str(compiled)
        self._arguments = [(name, _processor(compiled.binds[name].type, "bind")) for name in compiled.positiontup]
        results = ((column.name, _processor(column.type, "result")) for column in statement.exported_columns)
        self._results = [(name, convert) for name, convert in results if convert is not None]

    async def rows(self, tx: Tx, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The statement's rows, by column name."""
        if not isinstance(tx, Single):
            return [dict(row) for row in (await tx.execute(self._statement, values)).mappings()]
        arguments = [values[name] if convert is None else convert(values[name]) for name, convert in self._arguments]
        return [self._converted(row) for row in await tx.fetch(self._sql, arguments)]

    def _converted(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        row = dict(record)
        for name, convert in self._results:
            row[name] = convert(row[name])
        return row


def _processor(type: Any, direction: str) -> Callable[[Any], Any] | None:
    implementation = type.dialect_impl(_DIALECT)
    found: Callable[[Any], Any] | None = (
        implementation.bind_processor(_DIALECT)
        if direction == "bind"
        else implementation.result_processor(_DIALECT, None)
    )
    return found
