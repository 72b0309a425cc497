"""What no field may hold, whatever its type says: text that stores refuse, numbers without bound.

Nor documents nested so deeply that one reader of them manages and the next does not: the audit
keeps what was asked, refused or not, and a list of it must not fail on one entry.

JSON Schema cannot say it and msgspec does not: a decimal may be ``NaN``, infinite or have a
million digits, an instant may lack its zone.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from botcore.api.rest.refusals import WrongField
from botcore.control.schema.values import YEAR_MAX, YEAR_MIN

DIGITS_MAX: Final = 40
EXPONENT_MAX: Final = 30
"""A decimal has at most so many digits, and at most so many zeros before or behind them."""
DEPTH_MAX: Final = 64
"""How many objects and lists may stand inside one another; a Python of ours reads about 950."""
_TOO_DEEP: Final = f"is nested more than {DEPTH_MAX} deep"


def refuse_unsound(value: object, field: str = "", depth: int = 0) -> None:
    """Look through a request and all that it holds.

    Args:
        value: a decoded one.
        field: where it stands.
        depth: inside how many others.

    Raises:
        WrongField: a decimal or a float is not finite or too long, an instant has no zone, a text
            holds a NUL or half a surrogate, or it is nested too deeply.
    """
    if depth > DEPTH_MAX:
        raise _unsound(field.partition(".")[0].partition("[")[0], _TOO_DEEP)
    match value:
        case str():
            _refuse_unsound_text(value, field)
        case bool() | int() | None:
            pass
        case float():
            if not math.isfinite(value):
                raise _unsound(field, "is not a finite number")
        case Decimal():
            _refuse_unsound_decimal(value, field)
        case datetime():
            if value.tzinfo is None:
                raise _unsound(field, "has no time zone; write it in UTC, with a Z behind it")
            if not YEAR_MIN <= value.year <= YEAR_MAX:
                raise _unsound(field, f"lies outside the years {YEAR_MIN} to {YEAR_MAX}")
        case msgspec.Struct():
            for name in value.__struct_fields__:
                refuse_unsound(getattr(value, name), _below(field, name), depth + 1)
        case Mapping():
            for name, each in value.items():
                refuse_unsound(name, field)
                refuse_unsound(each, _below(field, str(name)), depth + 1)
        case list() | tuple() | set() | frozenset():
            for index, each in enumerate(value):
                refuse_unsound(each, f"{field}[{index}]", depth + 1)
        case _:
            pass


def _refuse_unsound_text(value: str, field: str) -> None:
    if "\0" in value or not (value.isascii() or _is_text(value)):
        raise _unsound(field, "holds a character that cannot be stored")


def _refuse_unsound_decimal(value: Decimal, field: str) -> None:
    if not value.is_finite():
        raise _unsound(field, "is not a finite number")
    _, digits, exponent = value.as_tuple()
    if len(digits) > DIGITS_MAX or not isinstance(exponent, int) or abs(exponent) > EXPONENT_MAX:
        raise _unsound(
            field, f"has more than {DIGITS_MAX} digits or an exponent beyond {EXPONENT_MAX}"
        )


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _below(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _unsound(field: str, why: str) -> WrongField:
    return WrongField(
        code="FIELD_INVALID",
        cause=f"{field or 'the request'} {why}",
        fix="see the schema of this route at /api/v1/docs",
        details={"field": field},
    )
