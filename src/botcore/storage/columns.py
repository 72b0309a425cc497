"""Column types that keep numbers exact on every database, and instants as people read them."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.domain.numbers import MONEY

_SCALE = 18

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64-bit integer; on SQLite ``INTEGER``, so that a primary key is the row id itself."""


class Exact(TypeDecorator[Decimal]):
    """A `Decimal` that comes back equal: text on SQLite, ``NUMERIC(38, 18)`` on PostgreSQL."""

    impl = sa.Numeric(38, _SCALE)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Choose the type of the database at hand."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(sa.Numeric(38, _SCALE))

    def process_bind_param(
        self, value: Decimal | None, dialect: sa.Dialect
    ) -> Decimal | str | None:
        """Write the number, or refuse one that a database would round without a word."""
        if value is None:
            return None
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -_SCALE:
            raise StorageError(
                code="NUMBER_TOO_FINE",
                cause=f"{value} has more than {_SCALE} decimal places",
                fix="report this as a bug; nothing was stored",
            )
        return f"{value:f}" if dialect.name == "sqlite" else value

    def process_result_value(
        self, value: Decimal | str | None, _dialect: sa.Dialect
    ) -> Decimal | None:
        """Read the number, without the zeros that a database pads it with."""
        return None if value is None else _read(value)


@lru_cache(maxsize=4_096)  # rows of one list repeat their sizes, prices and zeros
def _read(value: Decimal | str) -> Decimal:
    # Not the thread's own context, which may be one of 28 digits.
    number = MONEY.normalize(Decimal(value))
    return Decimal(f"{number:f}")


def iso(ts_ns: int) -> str:
    """Return an instant as ISO 8601, UTC, with nine decimals, so that text sorts like time."""
    seconds, rest = divmod(ts_ns, SECOND_NS)
    return f"{_second(seconds)}.{rest:09d}Z"


@lru_cache(maxsize=1024)  # facts of one batch share a few seconds, and formatting is slow
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
