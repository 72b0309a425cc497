"""Alert rules: what somebody wants to be told of; their conditions are their owner's to read."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from botcore.storage.control.locking import one_at_a_time
from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import alert_rules as table


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    Attributes:
        owner: id of the user who made it.
        kind: what it watches: a price, exposure, drawdown, staleness, mode.
        state: ``armed``, ``fired``, ``expired`` or ``off``.
        document: JSON: condition, level, instrument, how often.
        created_at, expires_at, fired_at: nanoseconds since 1970; 0 is never.
        fired_count: how often it has fired.
        detail: what it saw when it fired last, one line for people.
    """

    id: str
    owner: str
    kind: str
    state: str
    document: str
    created_at: int
    expires_at: int = 0
    fired_at: int = 0
    fired_count: int = 0
    detail: str = ""


class AlertStore:
    """Every method raises `StorageError` where the store cannot be read or written.

    Args:
        store: opened.
    """

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    async def add(self, rule: AlertRule, *, rules_max: int) -> bool:
        """Add one, durably; False where its id is taken or its owner has `rules_max` already."""

        def act(connection: sa.Connection) -> bool:
            one_at_a_time(connection, f"{table.name}/{rule.owner}")
            known = sa.select(table.c.id).where(table.c.id == rule.id)
            if connection.execute(known).first() is not None:
                return False
            count = sa.select(sa.func.count(table.c.id)).where(table.c.owner == rule.owner)
            if connection.execute(count).scalar_one() >= rules_max:
                return False
            connection.execute(sa.insert(table).values(**msgspec.structs.asdict(rule)))
            return True

        return await self._store.write(act)

    async def in_states(self, states: Collection[str]) -> Sequence[AlertRule]:
        """Return every rule in one of these states, oldest first: what must be watched."""
        return await self._read(
            sa.select(table)
            .where(table.c.state.in_(states))
            .order_by(table.c.created_at, table.c.id)
        )

    async def save(self, rule: AlertRule, *, was: Collection[str] = ()) -> bool:
        """Overwrite one, by id; False where there is none, or its state is none of `was`."""
        change = sa.update(table).where(table.c.id == rule.id)
        if was:
            change = change.where(table.c.state.in_(was))
        change = change.values(**msgspec.structs.asdict(rule))
        return await self._store.write(lambda c: c.execute(change).rowcount == 1)

    async def remove(self, id_: str) -> bool:
        """Remove one; False where there is none."""
        gone = sa.delete(table).where(table.c.id == id_)
        return await self._store.write(lambda c: c.execute(gone).rowcount == 1)

    async def _read(self, query: sa.Select[Any]) -> list[AlertRule]:
        return await self._store.read(
            lambda c: [AlertRule(**row._mapping) for row in c.execute(query)]
        )
