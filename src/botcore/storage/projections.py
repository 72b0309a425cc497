"""Projections in SQL: written in the journal's own transaction, dropped and refilled at will."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from botcore.domain.events import Fact
from botcore.domain.records import Record, RecordKind, decode_fact
from botcore.storage import tables
from botcore.storage.faults import StoreRefused
from botcore.storage.projector import ORDER_CHANGES, Projector, Row, Rows
from botcore.storage.reading import chunks
from botcore.storage.store import Store

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

_CHANGE_ORDERS = (
    sa.update(tables.orders)
    .where(tables.orders.c.client_order_id == sa.bindparam("order_id"))
    .values(
        {
            name: sa.func.coalesce(
                sa.bindparam(name, type_=tables.orders.c[name].type), tables.orders.c[name]
            )
            for name in ORDER_CHANGES
        }
    )
)


def write(connection: sa.Connection, rows: Rows) -> None:
    """Write the rows within the caller's transaction: one statement for each table."""
    if rows.placed:
        # An upsert: one id placed twice must mean the same within a batch and across two.
        placed = _upsert(tables.orders, connection.dialect.name)
        connection.execute(placed, list(rows.placed.values()))
    if rows.changed:
        connection.execute(_CHANGE_ORDERS, list(rows.changed.values()))
    for table, appended in rows.logs.items():
        connection.execute(sa.insert(table), appended)
    for table, last in rows.states.items():
        connection.execute(_upsert(table, connection.dialect.name), list(last.values()))


def load(connection: sa.Connection) -> Projector:
    """Return a projector that goes on from what the store holds."""
    return Projector(
        balances=_all(connection, tables.balances), strategies=_all(connection, tables.strategies)
    )


def facts_of(records: Iterator[Record] | list[Record]) -> Iterator[tuple[int, Fact]]:
    """Decode the facts among `records`, each with its lsn.

    Raises:
        StoreRefused: one of them cannot be read.
    """
    for record in records:
        if record.kind is RecordKind.FACT:
            try:
                yield record.lsn, decode_fact(record.payload)
            except (msgspec.MsgspecError, ValueError) as error:
                raise StoreRefused(
                    code="RECORD_UNREADABLE",
                    cause=f"the fact with lsn {record.lsn} cannot be read: {error}",
                    fix="report this as a bug, with the version that wrote the store",
                ) from error


def rebuild(connection: sa.Connection) -> int:
    """Drop every projection row and fold the journal again, in the caller's transaction.

    Returns:
        How many records were folded.
    """
    for table in tables.PROJECTIONS:
        connection.execute(sa.delete(table))
    projector, count = Projector(), 0
    for records in chunks(connection):
        write(connection, projector.fold(facts_of(records)))
        count += len(records)
    return count


def rebuild_projections(store: Store) -> int:
    """Drop and refill the projections of a store nobody else writes to; all or nothing.

    Returns:
        How many records were folded.

    Raises:
        StorageError: the store cannot be read or written, or a record is unreadable.
    """
    store.upgrade()
    with store.writing() as connection:
        return rebuild(connection)


def _all(connection: sa.Connection, table: sa.Table) -> list[Row]:
    return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


@lru_cache  # a statement is slow to put together; each table needs one
def _upsert(table: sa.Table, dialect: str) -> sa.Insert:
    keys = [column.name for column in table.primary_key]
    insert = _postgres_insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_update(
        index_elements=keys,
        set_={c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys},
    )


def _postgres_insert(table: sa.Table) -> "postgresql.Insert":
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # loads drivers nobody needs here

    return postgresql.insert(table)
