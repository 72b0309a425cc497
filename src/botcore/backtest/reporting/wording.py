"""Figures as people read them; what is not known is a dash."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from botcore.domain.ids import MINUTE_NS, SECOND_NS

UNKNOWN: Final = "–"
_PARTS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_WHOLE: Final = 1.0
_TELLING: Final = 0.001


class Unit(StrEnum):
    """What a figure is measured in."""

    MONEY = "money"
    """The account's currency."""
    CHANGE = "money gained"
    FRACTION = "fraction"
    SHARE = "share"
    """A fraction that no second decimal place makes clearer."""
    RETURN = "fraction gained"
    RATIO = "ratio"
    PROBABILITY = "probability"
    COUNT = "count"
    RATE = "count a day"
    DAYS = "days"
    DURATION = "duration"
    """Nanoseconds."""
    INSTANT = "instant"
    """Nanoseconds UTC."""


def worded(value: float, unit: Unit, currency: str = "") -> str:
    """Return a figure in words: ``1,002.52 USDT``, ``+1.20%``, ``3 h 5 min``; ``–`` for NaN."""
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    match unit:
        case Unit.MONEY:
            return f"{amount(value)} {currency}".rstrip()
        case Unit.CHANGE:
            return f"{signed_amount(value)} {currency}".rstrip()
        case Unit.FRACTION:
            return percent(value)
        case Unit.SHARE:
            return f"{value:.1%}"
        case Unit.RETURN:
            return f"{value:+,.2%}"
        case Unit.RATIO:
            return f"{value:,.2f}"
        case Unit.PROBABILITY:
            return f"{value:.3f}" if value >= _TELLING else f"< {_TELLING}"
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.RATE:
            return f"{value:,.2f}"
        case Unit.DAYS:
            return f"{value:,.0f} days"
        case Unit.DURATION:
            return duration(int(value))
        case Unit.INSTANT:
            return instant(int(value))


def amount(value: float) -> str:
    """Return money: two places, or three digits where it is less than one."""
    if value and abs(value) < _WHOLE:
        return f"{value:.3g}" if "e" not in f"{value:.3g}" else f"{value:.8f}"
    return f"{value:,.2f}"


def signed_amount(value: float) -> str:
    """Return money with its sign; zero has none."""
    return f"+{amount(value)}" if value > 0 else amount(value)


def percent(value: float) -> str:
    """Return a fraction in per cent."""
    return f"{value:,.2%}"


def duration(length_ns: int) -> str:
    """Return a length of time with the two units that matter: ``2 d 3 h``, ``45 min``."""
    seconds = length_ns // SECOND_NS
    for position, (unit, size) in enumerate(_PARTS):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            if position + 1 == len(_PARTS):
                return f"{whole:,} {unit}"
            smaller, length = _PARTS[position + 1]
            return f"{whole:,} {unit}" + (f" {rest // length} {smaller}" if rest // length else "")
    return "0 s"


def instant(ts: int) -> str:
    """Return an instant, UTC, as people read it."""
    moment = datetime.fromtimestamp(ts // SECOND_NS, UTC)
    return moment.strftime("%Y-%m-%d %H:%M" if ts % MINUTE_NS == 0 else "%Y-%m-%d %H:%M:%S")


def stamp(ts: int) -> str:
    """Return an instant as ISO 8601, UTC, exact to the nanosecond: ``2022-05-12T13:10:00Z``."""
    moment = datetime.fromtimestamp(ts // SECOND_NS, UTC)
    part = ts % SECOND_NS
    fine = f".{part:09d}".rstrip("0") if part else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fine}Z"


def money(value: float) -> str:
    """Return money as a decimal string of at most 8 places, for other programs."""
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def exact(value: Decimal) -> str:
    """Return an exact amount as it is, without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
