"""The views' document in words and figures people read: the same on the page and in the terminal.

Decimal strings are only rounded and grouped for the eye here; nothing calculates with them.
"""

from datetime import UTC, datetime
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

import msgspec

from botcore.control.views import FeedStatus, PlatformView, StrategyView
from botcore.domain.commands import MANUAL

STALE_AFTER_S: Final = 3.0
"""A document older than this is not shown as if it were now; the engine sends one each second."""

BY_HAND: Final = "placed by hand"
"""The reason of what a person orders."""
MINUS: Final = "−"
_STOPPED: Final = "stopped"
_SECOND_NS: Final = 1_000_000_000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400


class Freshness(StrEnum):
    """Whether what is shown is now."""

    STARTING = "starting"
    LIVE = "live"
    STALE = "stale"


class Condition(msgspec.Struct, frozen=True):
    """How fresh a view is: one word, and the sentence behind it."""

    freshness: Freshness
    word: str
    detail: str


def condition(view: PlatformView | None, age_s: float) -> Condition:
    """Return how fresh the newest document is.

    Args:
        view: the newest document, or None before the first.
        age_s: how long ago it arrived, seconds.
    """
    if view is None:
        return Condition(Freshness.STARTING, "Starting", "waiting for the engine's first report")
    if age_s > STALE_AFTER_S:
        since = duration(age_s)
        return Condition(Freshness.STALE, "Stale", f"engine not answering since {since}")
    price_age = duration(feed_age_s(view, age_s))
    match view.feed.status:
        case FeedStatus.LIVE:
            return Condition(Freshness.LIVE, "Live", f"last price {price_age} ago")
        case FeedStatus.STALE:
            return Condition(Freshness.STALE, "Stale", f"no new price since {price_age}")
        case FeedStatus.DOWN:
            detail = f"the feed is down, last price {price_age} ago"
            return Condition(Freshness.STALE, "No feed", detail)


def feed_age_s(view: PlatformView, age_s: float) -> float:
    """Return how old the newest price is now: its age in the document and the document's own."""
    return view.feed.age_s + max(0.0, age_s)


def duration(seconds: float) -> str:
    """Return a length of time with the two units that matter: ``0.4 s``, ``12 s``, ``2 h 5 min``.

    Infinity is ``ever``; a negative one (a clock set back) is ``0 s``.
    """
    if seconds == float("inf"):
        return "ever"
    if seconds < 1:
        return f"{max(0.0, seconds):.1f} s" if seconds > 0 else "0 s"
    whole = int(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < _DAY_S:
        return _two(whole // _HOUR_S, "h", whole % _HOUR_S // _MINUTE_S, "min")
    return _two(whole // _DAY_S, "d", whole % _DAY_S // _HOUR_S, "h")


def clock_time(ts: int, now: int) -> str:
    """Return an instant as ``14:05:30``, with its date when that is not the date of `now`.

    Both are nanoseconds in one clock; an instant of zero, which means never, is ``–``.
    """
    if ts <= 0:
        return "–"
    instant = _utc(ts)
    if instant.date() == _utc(now).date():
        return f"{instant:%H:%M:%S}"
    return f"{instant:%d %b %H:%M:%S}"


def date_time(ts: int) -> str:
    """Return an instant in full: ``2026-11-21 14:05:30``; UTC of whatever clock it is from."""
    return f"{_utc(ts):%Y-%m-%d %H:%M:%S}" if ts > 0 else "–"


def amount(text: str, places: int = 2) -> str:
    """Return money rounded for the eye: ``10,234.57``; what is not a number comes back as it is."""
    value = _number(text)
    return text if value is None else _minus(f"{_rounded(value, places):,f}")


def signed_amount(text: str, places: int = 2) -> str:
    """Return money with its sign: ``+12.30``, ``−4.00``, and ``0.00`` without one."""
    value = _number(text)
    if value is None:
        return text
    rounded = _rounded(value, places)
    return _minus(f"{rounded:+,f}" if rounded else f"{rounded:,f}")


def price(text: str) -> str:
    """Return a price with the digits that matter at its size: 2 from 100 on, 4 from 1, else 8."""
    value = _number(text)
    if value is None:
        return text
    magnitude = abs(value)
    return amount(text, 2 if magnitude >= 100 else 4 if magnitude >= 1 else 8)  # noqa: PLR2004 – said above


def quantity(text: str) -> str:
    """Return a quantity in full, without the zeros behind it."""
    value = _number(text)
    if value is None:
        return text
    plain = f"{value:,f}"
    return _minus(plain.rstrip("0").rstrip(".") if "." in plain else plain)


def percent(fraction: float, places: int = 2) -> str:
    """Return a fraction as per cent: 0.0123 is ``1.23 %``."""
    return _minus(f"{fraction * 100:.{places}f} %")


def signed_percent(fraction: float, places: int = 2) -> str:
    """Return a fraction as per cent with its sign; what rounds to zero has none."""
    text = f"{fraction * 100:+.{places}f}"
    return _minus(f"{text if text.strip('+-0.') else text[1:]} %")


def direction(text: str) -> str:
    """Return ``up``, ``down`` or ``flat`` for the sign of a decimal string."""
    value = _number(text)
    if not value:
        return "flat"
    return "up" if value > 0 else "down"


def undecided(strategy: StrategyView) -> str:
    """Return why a strategy shows no decision."""
    if strategy.id == MANUAL:
        return "Orders that a person gives; nothing decides here."
    if strategy.status == _STOPPED:
        return "It is stopped, and not asked."
    return "No decision yet: the first bar has not closed."


def title(view: PlatformView | None, state: Condition) -> str:
    """Return the page's title: equity first, for a tab; never as live when it is not."""
    if view is None or not view.accounts:
        return f"{state.word} – Bot Core"
    account = view.accounts[0]
    figure = f"{amount(account.equity)} {account.currency}"
    mark = "" if state.freshness is Freshness.LIVE else f"({state.word.lower()}) "
    feed = f" ({view.feed.name})" if view.feed.banner else ""
    return f"{mark}{figure}{feed} – Bot Core"


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    return value if value.is_finite() else None


def _rounded(value: Decimal, places: int) -> Decimal:
    with localcontext() as context:
        context.prec = 60  # more than any balance has, so that rounding for the eye cannot fail
        context.traps = dict.fromkeys(context.traps, False)
        rounded = value.quantize(Decimal(1).scaleb(-places))
        return rounded if rounded else abs(rounded)  # no minus before a zero


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def _utc(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // _SECOND_NS, UTC)
