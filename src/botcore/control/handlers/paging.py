"""Pages of lists that are in memory: sorted by a key, the cursor is the last key that was given."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from botcore.control.operations import Page
from botcore.control.problems import Malformed

T = TypeVar("T")


def page_of(
    items: Sequence[T], *, key: Callable[[T], str], limit: int, cursor: str, is_newest: bool = False
) -> Page[T]:
    """Return the items that follow the cursor.

    Args:
        items: in any order.
        key: of an item; unique.
        limit: how many at most.
        cursor: of the page before; empty begins.
        is_newest: the largest key comes first.

    Raises:
        Malformed: the cursor is none of ours.
    """
    after = decode_cursor(cursor)
    found = sorted(items, key=key, reverse=is_newest)
    if after:
        found = [each for each in found if (key(each) < after if is_newest else key(each) > after)]
    shown = tuple(found[:limit])
    more = len(found) > limit
    return Page(items=shown, next_cursor=encode_cursor(key(shown[-1])) if more else None)


def encode_cursor(text: str) -> str:
    """Return an opaque cursor that holds a text."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Return the text of a cursor; an empty one holds none.

    Raises:
        Malformed: it is none of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Malformed(
            code="CURSOR_MALFORMED",
            cause="the cursor is not one that this server gave",
            fix="take `next_cursor` of the page before as it is, or leave it out to begin",
        ) from error
