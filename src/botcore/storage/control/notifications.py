"""Notifications in the product: what a user was told, and whether it was read."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from botcore.domain.ids import DAY_NS
from botcore.storage.control.locking import one_at_a_time
from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import announced
from botcore.storage.control.tables import notifications as table
from botcore.storage.paging import Order, read_page

_BY_NUMBER: Final = Order("notifications", (table.c.id,))
_KEPT_MAX: Final = 1_000
_CLEANED: Final = 5_000


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One notification as it is made.

    Attributes:
        user_id: who is told.
        kind: what it is about: ``alert``, ``account``, ``job``, ``trading`` …
        severity: ``info``, ``warning`` or ``critical``.
        code: stable, upper case.
        text: for people.
        link: where it leads within the product; empty is nowhere.
        created_at: nanoseconds since 1970.
    """

    user_id: str
    kind: str
    severity: str
    code: str
    text: str
    link: str = ""
    created_at: int


class Notification(Told, frozen=True, kw_only=True):
    """One notification as it is kept: its number, and when it was read (0 is never)."""

    id: int
    read_at: int = 0


class NotificationPage(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a list; `next_cursor` is None at the end."""

    items: tuple[Notification, ...]
    next_cursor: str | None


class NotificationStore:
    """Every method raises `StorageError` where the store cannot be read or written.

    Of each user the last 1,000 are kept.

    Args:
        store: opened.
    """

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    async def add(self, told: Collection[Told]) -> Sequence[Notification]:
        """Keep notifications, all or none, and return them with their numbers."""

        def act(connection: sa.Connection) -> list[Notification]:
            one_at_a_time(connection, table.name)
            return _kept(connection, told)

        return await self._store.write(act)

    async def announced(self, source: str) -> int | None:
        """Return up to which number of a journal people were told; None before the first time."""
        query = sa.select(announced.c.lsn).where(announced.c.source == source)
        return await self._store.read(lambda c: c.execute(query).scalar_one_or_none())

    async def announce(
        self, source: str, told: Collection[tuple[int, Told]], *, upto: int
    ) -> Sequence[Notification]:
        """Keep what is told of a journal's numbers, and up to where it is told, or nothing.

        What stands at a number up to which people were told already is left out, so that each is
        told once, also where nobody knows what became of the write before.

        Args:
            source: names the journal.
            told: each with its number.
            upto: nothing up to here is told again.
        """

        def act(connection: sa.Connection) -> list[Notification]:
            one_at_a_time(connection, table.name)
            here = announced.c.source == source
            query = sa.select(announced.c.lsn).where(here)
            known = connection.execute(query).scalar_one_or_none()
            if known is None:
                connection.execute(sa.insert(announced).values(source=source, lsn=upto))
            elif known < upto:
                connection.execute(sa.update(announced).where(here).values(lsn=upto))
            return _kept(connection, [each for lsn, each in told if lsn > (known or 0)])

        return await self._store.write(act)

    async def announce_from(self, source: str, lsn: int) -> None:
        """Begin anew behind `lsn`, further back or further on than before."""

        def act(connection: sa.Connection) -> None:
            connection.execute(sa.delete(announced).where(announced.c.source == source))
            connection.execute(sa.insert(announced).values(source=source, lsn=lsn))

        await self._store.write(act)

    async def page(
        self,
        user_id: str,
        *,
        only_unread: bool = False,
        kinds: Collection[str] = (),
        is_newest: bool = True,
        cursor: str = "",
        limit: int = 100,
    ) -> NotificationPage:
        """Return what a user was told.

        Raises:
            ConfigError: the cursor is none of ours.
        """
        query = sa.select(table).where(table.c.user_id == user_id)
        if only_unread:
            query = query.where(table.c.read_at == 0)
        if kinds:
            query = query.where(table.c.kind.in_(kinds))
        found = await self._store.read(
            lambda c: read_page(
                c, query, _BY_NUMBER, is_newest=is_newest, cursor=cursor, limit=limit
            )
        )
        return NotificationPage(
            items=tuple(Notification(**row) for row in found.rows), next_cursor=found.next_cursor
        )

    async def unread(self, user_id: str) -> int:
        """Return how many a user has not read."""
        query = (
            sa.select(sa.func.count())
            .select_from(table)
            .where(table.c.user_id == user_id, table.c.read_at == 0)
        )
        return await self._store.read(lambda c: c.execute(query).scalar_one())

    async def mark_read(self, user_id: str, ts: int, *, ids: Collection[int] | None = None) -> int:
        """Mark a user's as read, all or those named; return how many were not before."""
        change = (
            sa.update(table)
            .where(table.c.user_id == user_id, table.c.read_at == 0)
            .values(read_at=ts)
        )
        if ids is not None:
            change = change.where(table.c.id.in_(ids))
        return await self._store.write(lambda c: c.execute(change).rowcount)

    def clean_up(self, now: int, *, days_kept: int = 90) -> Callable[[sa.Connection], int]:
        """Return the act that removes some of what is older, and says how many."""
        old = (
            sa.select(table.c.id)
            .where(table.c.created_at < now - days_kept * DAY_NS)
            .order_by(table.c.id)
            .limit(_CLEANED)
        )
        return lambda connection: (
            connection.execute(
                sa.delete(table).where(table.c.id.in_(old.scalar_subquery()))
            ).rowcount
        )


def _kept(connection: sa.Connection, told: Collection[Told]) -> list[Notification]:
    last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    made = [
        Notification(id=number, **msgspec.structs.asdict(each))
        for number, each in enumerate(told, last + 1)
    ]
    if made:
        connection.execute(sa.insert(table), [msgspec.structs.asdict(each) for each in made])
    for user in {each.user_id for each in made}:
        _trim(connection, user)
    return made


def _trim(connection: sa.Connection, user_id: str) -> None:
    beyond = (
        sa.select(table.c.id)
        .where(table.c.user_id == user_id)
        .order_by(table.c.id.desc())
        .offset(_KEPT_MAX)
        .limit(1)
    )
    oldest = connection.execute(beyond).scalar()
    if oldest is not None:
        connection.execute(sa.delete(table).where(table.c.user_id == user_id, table.c.id <= oldest))
