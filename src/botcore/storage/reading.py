"""Reading the journal: in order, a bounded number of rows at a time, the chain checked."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from botcore.domain.ids import AccountId
from botcore.domain.keys import Key
from botcore.domain.records import SCHEMA, Record, RecordKind
from botcore.storage.chain import START, Head, link
from botcore.storage.faults import StoreRefused
from botcore.storage.store import Store
from botcore.storage.tables import journal, journal_head
from botcore.storage.upcasting import UPCASTERS, Upcaster, upcast

CHUNK = 4_096
_KINDS = {str(kind): kind for kind in RecordKind}
_NEXT = (
    sa.select(journal)
    .where(journal.c.lsn > sa.bindparam("after"))
    .order_by(journal.c.lsn)
    .limit(CHUNK)
)


def head_of(connection: sa.Connection) -> Head:
    """Return where the journal says it ends."""
    row = connection.execute(sa.select(journal_head.c.lsn, journal_head.c.digest)).one_or_none()
    if row is None:
        raise broken("its head is missing")
    return Head(row.lsn, bytes(row.digest))


def rows_after(connection: sa.Connection, after: int) -> list[tuple[Record, bytes]]:
    """Return the next rows as stored, each with its digest; empty at the end.

    Raises:
        StoreRefused: a row is of no kind this version knows.
    """
    return [
        (
            Record(
                lsn=lsn,
                schema=schema,
                kind=_kind(kind, lsn),
                key=Key(ts, rank, source, seq),
                account=AccountId(account),
                payload=bytes(payload),
            ),
            bytes(digest),
        )
        for lsn, schema, kind, ts, rank, source, seq, account, payload, digest in (
            connection.execute(_NEXT, {"after": after})
        )
    ]


def chunks(
    connection: sa.Connection,
    after: int = 0,
    *,
    upcasters: Mapping[int, Upcaster] = UPCASTERS,
) -> Iterator[list[Record]]:
    """Read on from `after` on one connection, as `read_journal` does, a list at a time."""
    previous = _before(connection, after)
    while True:
        # The head first: a row that is committed between the two is then only read early.
        head = head_of(connection)
        rows = rows_after(connection, previous.lsn)
        if not rows:
            _must_end(previous, head)
            return
        records = []
        for record, digest in rows:
            previous = _checked(previous, record, digest)
            records.append(_current(record, upcasters))
        yield records


def read_journal(
    store: Store, after: int = 0, *, upcasters: Mapping[int, Upcaster] = UPCASTERS
) -> Iterator[Record]:
    """Yield the records after `after`, oldest first, as the current schema writes them.

    No transaction is held open between chunks, so that a slow reader holds nobody up.

    Raises:
        StoreRefused: a row was edited, deleted or swapped; or it is of a newer schema.
        StorageError: the store cannot be read.
    """
    with store.reading() as connection:
        previous = _before(connection, after)
    while True:
        with store.reading() as connection:
            head = head_of(connection)
            rows = rows_after(connection, previous.lsn)
        if not rows:
            _must_end(previous, head)
            return
        for record, digest in rows:
            previous = _checked(previous, record, digest)
            yield _current(record, upcasters)


def _before(connection: sa.Connection, after: int) -> Head:
    if after == 0:
        return START
    digest = connection.execute(
        sa.select(journal.c.digest).where(journal.c.lsn == after)
    ).scalar_one_or_none()
    if digest is None:
        raise broken(f"there is no row with lsn {after} to read on from")
    return Head(after, bytes(digest))


def _checked(previous: Head, record: Record, digest: bytes) -> Head:
    if record.lsn != previous.lsn + 1:
        raise broken(f"lsn {previous.lsn} is followed by {record.lsn}")
    if link(previous.digest, record) != digest:
        raise broken(f"the row with lsn {record.lsn} is not what was written")
    return Head(record.lsn, digest)


def _must_end(previous: Head, head: Head) -> None:
    if previous != head:
        raise broken(f"it ends at lsn {previous.lsn}, and should end at lsn {head.lsn}")


def _current(record: Record, upcasters: Mapping[int, Upcaster]) -> Record:
    if record.schema == SCHEMA:
        return record
    payload = upcast(record.schema, record.kind, record.payload, steps=upcasters)
    return Record(record.lsn, SCHEMA, record.kind, record.key, record.account, payload)


def _kind(kind: str, lsn: int) -> RecordKind:
    found = _KINDS.get(kind)
    if found is None:
        raise broken(f"the row with lsn {lsn} is of kind {kind!r}")
    return found


def broken(how: str) -> StoreRefused:
    """Return the refusal of a journal that is not what was written."""
    return StoreRefused(
        code="JOURNAL_BROKEN",
        cause=f"the journal is damaged: {how}",
        fix="restore the last backup; `botcore doctor` says what is damaged",
    )
