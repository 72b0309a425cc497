"""Decimals as people write them: no zeros behind the last digit that counts, no ``0E-8``."""

from decimal import Context, Decimal
from typing import Final, TypeVar, cast

import msgspec

from botcore.domain.numbers import MONEY

T = TypeVar("T")
_MEASURED: Final = Context(prec=12)
"""Twelve digits: more than a price or an equity has, and fewer than a float keeps."""


def plainly(value: T) -> T:
    """Return an answer, or a part of one, with every decimal in it written plainly."""
    return cast(T, _plain(value))


def measured(number: Decimal) -> Decimal:
    """Return a figure that floats went into, such as a mean of two prices, without their noise."""
    return _MEASURED.plus(number)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return Decimal(f"{MONEY.normalize(value):f}") if value else Decimal(0)
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value
