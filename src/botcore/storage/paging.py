"""Lists a page at a time: the cursor is the key of the last row, so that no page costs more."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from botcore.domain.errors import ConfigError

Row = dict[str, Any]
"""Column name → value."""
_CURSOR_MAX: Final = 512


class Rows(NamedTuple):
    """Part of a list.

    Attributes:
        rows: in the order that was asked for.
        next_cursor: asks for what follows; None at the end.
    """

    rows: list[Row]
    next_cursor: str | None


class Order(NamedTuple):
    """How a list is sorted.

    Attributes:
        name: of the list; a cursor of another one is refused.
        keys: columns to sort by, the first foremost; together they are unique.
    """

    name: str
    keys: tuple[sa.Column[Any], ...]


def read_page(
    connection: sa.Connection,
    query: sa.Select[Any],
    order: Order,
    *,
    is_newest: bool,
    cursor: str,
    limit: int,
) -> Rows:
    """Return the rows of a query that follow a cursor.

    Args:
        connection: to ask on.
        query: without order and limit; it selects the keys, too.
        order: how it is sorted.
        is_newest: the largest keys come first.
        cursor: of the page before; empty begins.
        limit: how many rows at most, 1 or more.

    Raises:
        ConfigError: the cursor is none of ours, or of another list or order.
    """
    found = connection.execute(paged(query, order, is_newest=is_newest, cursor=cursor, limit=limit))
    rows = rows_of(found)
    if len(rows) <= limit:
        return Rows(rows, None)
    last = rows[limit - 1]
    keys = [last[key.name] for key in order.keys]
    return Rows(rows[:limit], _encoded(order, is_newest, keys))


def rows_of(found: sa.CursorResult[Any]) -> list[Row]:
    """Return what a question has found."""
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found.all()]


def paged(
    query: sa.Select[Any], order: Order, *, is_newest: bool, cursor: str, limit: int
) -> sa.Select[Any]:
    """Return the statement of `read_page`; it reads one row more than the page has."""
    if cursor:
        after = sa.tuple_(
            *(
                sa.literal(value, key.type)
                for key, value in zip(order.keys, _decoded(order, is_newest, cursor), strict=True)
            )
        )
        keys = sa.tuple_(*order.keys)
        query = query.where(keys < after if is_newest else keys > after)
    sorted_ = (key.desc() if is_newest else key.asc() for key in order.keys)
    return query.order_by(*sorted_).limit(limit + 1)


def _encoded(order: Order, is_newest: bool, keys: Sequence[object]) -> str:
    content = msgspec.msgpack.encode((order.name, is_newest, keys))
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(order: Order, is_newest: bool, cursor: str) -> list[int | str]:
    if len(cursor) > _CURSOR_MAX:
        raise _refused("it is too long")
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
        name, newest, keys = msgspec.msgpack.decode(content, type=tuple[str, bool, list[int | str]])
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise _refused("this server did not give it") from error
    if (name, newest) != (order.name, is_newest):
        raise _refused("it belongs to another list, or to another order of it")
    kinds = [key.type.python_type for key in order.keys]
    if len(keys) != len(kinds) or any(
        type(value) is not kind for value, kind in zip(keys, kinds, strict=True)
    ):
        raise _refused("this server did not give it")
    if any(isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 for value in keys):
        raise _refused("this server did not give it")
    return keys


def _refused(why: str) -> ConfigError:
    return ConfigError(
        code="CURSOR_MALFORMED",
        cause=f"the cursor cannot be used: {why}",
        fix="take `next_cursor` of the page before as it is, or leave it out to begin",
    )
