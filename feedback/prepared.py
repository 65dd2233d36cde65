"""Statements of the hot path: compiled once for each kind of database, then given to its driver as they are.

SQLAlchemy's care around each execution costs several times what SQLite needs to run it (bench/results), and these run ten times for
every message. The types of the columns convert as they always do; only what looks at every statement anew is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Insert, Select, Table, UpdateBase, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine

from feedback.tables import Json

Values = Mapping[str, Any]
Conversion = Callable[[Any], Any]
POSTGRESQL = "postgresql"
#: Rows that go to SQLite in one insert: its driver lets go of the interpreter at each call, and whoever is busy takes it.
AT_ONCE = 20


class Prepared:
    """One statement, made for the database of that name (`sqlite`, `postgresql`), its parameters by name."""

    def __init__(self, made_for: Callable[[str], Select[Any] | UpdateBase]) -> None:
        self._made_for = made_for
        self._ready: dict[str, _Ready] = {}

    def rows(self, connection: Connection, values: Values) -> list[tuple[Any, ...]]:
        """What it finds or returns."""
        ready = self._for(connection, values)
        cursor = driven(connection, ready.sql, ready.bound(values))
        try:
            found: list[tuple[Any, ...]] = cursor.fetchall()
            if ready.reads is None:
                ready.reads = _conversions(ready.columns, connection.dialect, cursor.description)
        finally:
            cursor.close()
        return [ready.read(row) for row in found] if ready.reads else found

    def write(self, connection: Connection, many: Sequence[Values]) -> int:
        """Runs it for each of these, all with the same names; how many rows of its table were changed."""
        if not many:
            return 0
        ready, left = self._for(connection, many[0]), many
        changed = 0
        while ready.sql_at_once and len(left) >= AT_ONCE:
            some, left = left[:AT_ONCE], left[AT_ONCE:]
            changed += _changed(driven(connection, ready.sql_at_once, [value for one in some for value in ready.bound(one)]))
        if left:
            changed += _changed(driven(connection, ready.sql, [ready.bound(one) for one in left], how="executemany"))
        return changed

    def _for(self, connection: Connection, values: Values) -> _Ready:
        dialect = connection.dialect
        if dialect.name not in self._ready:
            self._ready[dialect.name] = _compiled(self._made_for(dialect.name), dialect, list(values))
        return self._ready[dialect.name]


def once(table: Table, *key: str) -> Prepared:
    """An insert of the columns it is given, which leaves a row of the same key as it is."""
    return Prepared(lambda database: inserting(table, database).on_conflict_do_nothing(index_elements=key))


def replacing(table: Table, *key: str) -> Prepared:
    """An insert that takes the place of a row of the same key."""

    def made_for(database: str) -> UpdateBase:
        new = inserting(table, database)
        return new.on_conflict_do_update(index_elements=key, set_=dict(new.excluded))

    return Prepared(made_for)


def inserting(table: Table, database: str) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if database == POSTGRESQL else sqlite.insert(table)


def among(column: ColumnElement[Any], name: str, database: str) -> ColumnElement[bool]:
    """Whether the column holds one of the list given as `name`."""
    if database == POSTGRESQL:
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    return column.in_(select(func.json_each(bindparam(name, type_=Json)).table_valued("value").c.value))


@dataclass(slots=True)
class _Ready:
    """A statement as one kind of driver takes it."""

    sql: str
    parameters: tuple[tuple[str, Conversion | None], ...]  #: in their order
    fixed: dict[str, Any]  #: for which the statement itself has a value
    by_place: bool  #: and not by name
    columns: tuple[TypeEngine[Any], ...]  #: of what it returns
    sql_at_once: str | None = None  #: the same for `AT_ONCE` rows, where it is SQLite's and nothing but an insert
    reads: tuple[tuple[int, Conversion], ...] | None = None  #: known when the driver has said how it returns them

    def bound(self, values: Values) -> Sequence[Any] | Values:
        given = {**self.fixed, **values} if self.fixed else values
        if self.by_place:
            return [convert(given[name]) if convert else given[name] for name, convert in self.parameters]
        return {name: convert(given[name]) if convert else given[name] for name, convert in self.parameters}

    def read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        columns = list(row)
        for place, convert in self.reads or ():
            columns[place] = convert(columns[place])
        return tuple(columns)


def _compiled(statement: Select[Any] | UpdateBase, dialect: Dialect, names: list[str]) -> _Ready:
    compiled: Any = statement.compile(dialect=dialect, column_keys=names if isinstance(statement, Insert) else None)
    into = {name: _conversion(bind.type.dialect_impl(dialect), dialect) for name, bind in compiled.binds.items()}
    sql, row = str(compiled), f"({', '.join('?' * len(into))})"
    return _Ready(
        sql=sql,
        sql_at_once=sql.replace(row, ", ".join([row] * AT_ONCE)) if f"VALUES {row}" in sql and "RETURNING" not in sql else None,
        parameters=tuple((name, into[name]) for name in (compiled.positiontup if compiled.positional else into)),
        fixed={name: bind.value for name, bind in compiled.binds.items() if not bind.required},
        by_place=compiled.positional,
        columns=tuple(column.type for column in statement.exported_columns),
    )


def _conversion(column: TypeEngine[Any], dialect: Dialect) -> Conversion | None:
    """What SQLAlchemy would do to a parameter, without its own step in between where it has nothing to do; to one moment, once."""
    if column.python_type is datetime:
        convert = column.bind_processor(dialect)
        return lru_cache(maxsize=64)(convert) if convert else None
    if isinstance(column, TypeDecorator) and column.impl_instance.bind_processor(dialect) is None:
        return partial(column.process_bind_param, dialect=dialect)
    return column.bind_processor(dialect)


def _conversions(
    columns: Sequence[TypeEngine[Any]], dialect: Dialect, description: Sequence[Sequence[Any]]
) -> tuple[tuple[int, Conversion], ...]:
    """How to convert each column that needs it, by its place."""
    converts = (
        column.dialect_impl(dialect).result_processor(dialect, said[1]) for column, said in zip(columns, description, strict=True)
    )
    return tuple((place, convert) for place, convert in enumerate(converts) if convert)


def _changed(cursor: Any) -> int:
    """How many rows; the cursor is done with."""
    rows: int = cursor.rowcount
    cursor.close()
    return rows


def driven(connection: Connection, sql: str, bound: Any = (), how: str = "execute") -> Any:
    """The driver's cursor after it ran this; its errors as SQLAlchemy would raise them, without what was bound."""
    cursor = connection.connection.cursor()
    try:
        getattr(cursor, how)(sql, bound)
    except connection.dialect.loaded_dbapi.Error as error:
        cursor.close()
        raise DBAPIError(None, None, error, hide_parameters=True) from None
    return cursor
