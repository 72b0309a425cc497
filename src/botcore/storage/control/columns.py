"""Column types of the control process's tables: text that any database takes, and lists of it."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Plain(TypeDecorator[str]):
    """Text; what no database can store (NUL, half a surrogate pair) becomes U+FFFD."""

    impl = sa.Text
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        """What a value of it is: cursors are checked by it."""
        return str

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        """Write text that can be written."""
        return None if value is None else storable(value)


class Listed(TypeDecorator[tuple[str, ...]]):
    """Short texts as a JSON array."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, _dialect: sa.Dialect) -> str | None:
        """Write the texts in their order."""
        return None if value is None else json.dumps([storable(each) for each in value])

    def process_result_value(self, value: Any, _dialect: sa.Dialect) -> tuple[str, ...] | None:  # noqa: ANN401  # of the driver
        """Read them back."""
        return None if value is None else tuple(json.loads(value))


def storable(text: str) -> str:
    """Return `text` with U+FFFD for what no database can store."""
    return _UNSTORABLE.sub("\ufffd", text)
