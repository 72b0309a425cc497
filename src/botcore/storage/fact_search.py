"""Facts of a few kinds out of the journal: the newest of them, and how many came before."""

from collections import deque
from collections.abc import Collection, Iterator
from typing import Final

import msgspec
import sqlalchemy as sa

from botcore.domain.events import Fact
from botcore.domain.records import SCHEMA, RecordKind, decode_fact, encode
from botcore.storage.reading import broken, head_of
from botcore.storage.store import Store
from botcore.storage.tables import journal
from botcore.storage.upcasting import upcast

_CHUNK: Final = 50_000
"""Numbers looked through in one read: it holds no writer up for longer than that takes."""
LOOKED_MAX: Final = 5_000_000
"""How far back it is looked: days of a busy engine, seconds of reading."""


class FoundFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found behind a place in the journal.

    Attributes:
        head: where the journal ended; everything up to here is counted.
        facts: the newest ones with their lsn, oldest first.
        earlier: how many of the same kinds came before them.
        unseen: how many records before those were not looked at, because they are too many.
    """

    head: int
    facts: tuple[tuple[int, Fact], ...]
    earlier: int
    unseen: int


def head_lsn(store: Store) -> int:
    """Return where the journal ends; 0 while it is empty.

    Raises:
        StorageError: the store cannot be read, or is not made yet.
    """
    with store.reading() as connection:
        return head_of(connection).lsn


def newest_facts(
    store: Store,
    kinds: Collection[type[Fact]],
    *,
    after: int,
    most: int,
    looked_max: int = LOOKED_MAX,
) -> FoundFacts:
    """Find facts of these kinds behind `after`, the newest `most` of them.

    The chain is not checked: that is the check of the store before each start.

    Raises:
        StoreRefused: a payload is damaged, or of a newer schema.
        StorageError: the store cannot be read.
    """
    head = head_lsn(store)
    start = max(after, head - looked_max)
    facts: deque[tuple[int, Fact]] = deque(maxlen=most)
    found = 0
    for lsn, fact in _facts(store, kinds, start, head):
        facts.append((lsn, fact))
        found += 1
    return FoundFacts(
        head=head,
        facts=tuple(facts),
        earlier=found - len(facts),
        unseen=max(0, start - after),
    )


def _facts(
    store: Store, kinds: Collection[type[Fact]], start: int, head: int
) -> Iterator[tuple[int, Fact]]:
    c = journal.c
    query = (
        sa.select(c.lsn, c.schema, c.payload)
        .where(
            c.lsn > sa.bindparam("after"),
            c.lsn <= sa.bindparam("until"),
            c.kind == str(RecordKind.FACT),
            sa.or_(*(_is_of(kind) for kind in kinds)),
        )
        .order_by(c.lsn)
    )
    for after in range(start, head, _CHUNK):
        until = min(head, after + _CHUNK)
        with store.reading() as connection:
            rows = connection.execute(query, {"after": after, "until": until}).all()
        for lsn, schema, payload in rows:
            yield lsn, _decoded(lsn, schema, bytes(payload))


def _is_of(kind: type[Fact]) -> sa.ColumnElement[bool]:
    """Whether a payload is of one kind, said by the database: most are not, and stay there.

    A tagged struct is a map, whose header takes one byte, and its tag comes first.
    """
    tag = encode("type") + encode(kind.__name__)
    first = sa.func.substr(journal.c.payload, 2, len(tag), type_=sa.LargeBinary)
    return first == sa.literal(tag, sa.LargeBinary)


def _decoded(lsn: int, schema: int, payload: bytes) -> Fact:
    if schema != SCHEMA:
        payload = upcast(schema, RecordKind.FACT, payload)
    try:
        return decode_fact(payload)
    except msgspec.MsgspecError as error:
        raise broken(f"the row with lsn {lsn} cannot be read: {error}") from error
