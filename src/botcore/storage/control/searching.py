"""Searching the audit and the access log: by the same words, newest or oldest first."""

import json
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import access_log, audit
from botcore.storage.paging import Order, Row, Rows, read_page

AUDIT: Final = Order("audit", (audit.c.seq,))
AUDIT_BY_TIME: Final = Order("audit by time", (audit.c.ts, audit.c.seq))
ACCESS: Final = Order("access", (access_log.c.id,))
ACCESS_BY_TIME: Final = Order("access by time", (access_log.c.ts, access_log.c.id))


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; empty asks for all.

    Attributes:
        actor: name of who did it, ``person:alice``.
        user: id of the user who answers for it; of the audit only.
        action: name of the operation; of the access log, the route's template.
        result: ``asked``, ``done``, ``refused`` or ``failed``; of the access log, the status.
        text: what the detail contains, in this spelling; of the audit only.
        correlation: id of a call.
        since, until: instants, ``since ≤ ts < until``.
    """

    actor: str = ""
    user: str = ""
    action: str = ""
    result: str = ""
    text: str = ""
    correlation: str = ""
    since: int | None = None
    until: int | None = None


class Searching:
    """Pages of the audit and of the access log.

    Args:
        store: opened.
    """

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    async def audit(
        self, search: Search, *, is_newest: bool = True, cursor: str = "", limit: int = 100
    ) -> Rows:
        """Return entries of the audit; ``request`` is what it was, no longer JSON.

        Raises:
            ConfigError: the cursor is none of ours.
            StorageError: the store cannot be read.
        """
        query, order = audit_query(search)
        found = await self._store.read(
            lambda c: read_page(c, query, order, is_newest=is_newest, cursor=cursor, limit=limit)
        )
        return Rows([_told(row) for row in found.rows], found.next_cursor)

    async def access(
        self, search: Search, *, is_newest: bool = True, cursor: str = "", limit: int = 100
    ) -> Rows:
        """Return rows of the access log.

        Raises:
            ConfigError: the cursor is none of ours.
            StorageError: the store cannot be read.
        """
        query, order = access_query(search)
        return await self._store.read(
            lambda c: read_page(c, query, order, is_newest=is_newest, cursor=cursor, limit=limit)
        )


def audit_query(search: Search) -> tuple[sa.Select[Any], Order]:
    """Return the question to the audit without its order, and the order an index gives it in."""
    c = audit.c
    wanted = [
        *([c.actor == search.actor] if search.actor else []),
        *([c.user_id == search.user] if search.user else []),
        *([c.action == search.action] if search.action else []),
        *([c.result == search.result] if search.result else []),
        *([_within(c.detail, search.text)] if search.text else []),
        *_common(audit, search),
    ]
    return sa.select(audit).where(*wanted), _order(search, AUDIT, AUDIT_BY_TIME)


def access_query(search: Search) -> tuple[sa.Select[Any], Order]:
    """Return the question to the access log without its order, and its order."""
    c = access_log.c
    wanted = [
        *([c.actor == search.actor] if search.actor else []),
        *([c.route == search.action] if search.action else []),
        *([c.status == _status(search.result)] if search.result else []),
        *_common(access_log, search),
    ]
    return sa.select(access_log).where(*wanted), _order(search, ACCESS, ACCESS_BY_TIME)


def _within(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Return whether a text holds another, in its spelling: LIKE would know no case on SQLite."""
    return sa.func.replace(column, text, "") != column


def _order(search: Search, plain: Order, by_time: Order) -> Order:
    is_bounded = search.since is not None or search.until is not None
    return by_time if is_bounded else plain


def _common(table: sa.Table, search: Search) -> list[sa.ColumnElement[bool]]:
    c = table.c
    return [
        *([c.correlation == search.correlation] if search.correlation else []),
        *([c.ts >= search.since] if search.since is not None else []),
        *([c.ts < search.until] if search.until is not None else []),
    ]


def _status(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) == 3 else -1  # noqa: PLR2004  # digits of a status


def _told(row: Row) -> Row:
    return {**row, "request": json.loads(row["request"])}
