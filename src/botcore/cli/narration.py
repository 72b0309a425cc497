"""What happened between two documents, told one event at a time: for plain lines and JSON logs."""

from collections.abc import Iterator
from typing import Final

import msgspec

from botcore.cli.way_in import FRESH
from botcore.control import wording
from botcore.control.changes import new_fills
from botcore.control.views import FillView, PlatformView
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock
from botcore.observability.events import LogEvent

STATUS_EVERY_S: Final = 30.0
_PAST: Final = {"BUY": "bought", "SELL": "sold"}


class Told(msgspec.Struct, frozen=True):
    """One event: a sentence for people, and the same as fields.

    Attributes:
        ts: when it happened, in the feed's clock; None is now.
    """

    event: LogEvent
    sentence: str
    fields: dict[str, object] = {}
    ts: int | None = None


class Narrator:
    """Compares each document with the one before, and says what is new.

    What had happened before this run is not told again.

    Args:
        clock: paces the status line, monotonic.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._before: PlatformView | None = None
        self._state: wording.Condition | None = None
        self._status_at: int | None = None

    def tell(self, view: PlatformView | None, age_s: float) -> Iterator[Told]:
        """Yield what is new, in the order of importance: freshness, modes, fills, status."""
        state = wording.condition(view, age_s)
        if view is not None and self._before is None:
            yield from _opening(view)
        if self._state is None or state.freshness is not self._state.freshness:
            fields: dict[str, object] = {"freshness": str(state.freshness), "detail": state.detail}
            sentence = f"{state.word.lower()}: {state.detail}"
            yield Told(LogEvent.FRESHNESS_CHANGED, sentence, fields)
        self._state = state
        if view is None:
            return
        yield from _modes(self._before, view)
        yield from _strategies(self._before, view)
        yield from _alerts(self._before, view)
        for fill in new_fills(self._before, view):
            if self._before is not None or _is_of_this_run(fill, view):
                yield _fill(fill)
        self._before = view
        now = self._clock.monotonic_ns()
        if self._status_at is None or now - self._status_at >= STATUS_EVERY_S * SECOND_NS:
            self._status_at = now
            yield from _status(view, state)


def _opening(view: PlatformView) -> Iterator[Told]:
    feed = view.feed
    banner = f"{feed.banner}; " if feed.banner else ""
    sentence = f"ready: {banner}times are in this clock: {feed.clock}; home {view.home}"
    fields: dict[str, object] = {
        "feed": feed.name,
        "banner": feed.banner,
        "clock": feed.clock,
        "home": view.home,
        "engine_pid": view.engine_pid,
    }
    yield Told(LogEvent.PLATFORM_READY, sentence, fields)
    if view.continued:
        yield Told(LogEvent.SESSION_CONTINUED, view.continued)
    # The link itself stands in no line: lines are kept, and it lets in whoever reads it first.
    yield Told(LogEvent.SIGN_IN_OFFERED, f"sign in: {FRESH}")


def _modes(before: PlatformView | None, view: PlatformView) -> Iterator[Told]:
    old = {account.id: account.mode for account in before.accounts} if before else {}
    for account in view.accounts:
        if old.get(account.id) == account.mode:
            continue
        cause = f": {account.mode_cause}" if account.mode_cause else ""
        sentence = f"account {account.id} is in mode {account.mode}{cause}"
        fields: dict[str, object] = {
            "account": account.id,
            "mode": account.mode,
            "cause": account.mode_cause,
        }
        yield Told(LogEvent.MODE_CHANGED, sentence, fields)


def _strategies(before: PlatformView | None, view: PlatformView) -> Iterator[Told]:
    old = {each.id: each.status for each in before.strategies} if before else {}
    for each in view.strategies:
        if old.get(each.id, "running") == each.status:
            continue
        cause = f": {each.status_cause}" if each.status_cause else ""
        fields: dict[str, object] = {
            "strategy": each.id,
            "status": each.status,
            "cause": each.status_cause,
        }
        sentence = f"strategy {each.id} is {each.status}{cause}"
        yield Told(LogEvent.STRATEGY_STATUS, sentence, fields)


def _alerts(before: PlatformView | None, view: PlatformView) -> Iterator[Told]:
    known = set(before.alerts) if before else set()
    for alert in sorted(set(view.alerts) - known, key=lambda each: (each.ts, each.code)):
        fields: dict[str, object] = {"code": alert.code, "detail": alert.detail}
        yield Told(LogEvent.ALERT, f"alert {alert.code}: {alert.detail}", fields, alert.ts)


def _is_of_this_run(fill: FillView, view: PlatformView) -> bool:
    return fill.ts >= view.feed.now - round(view.uptime_s * SECOND_NS)


def _fill(fill: FillView) -> Told:
    sentence = (
        f"fill: {fill.strategy} {_PAST.get(fill.side, fill.side)} {wording.quantity(fill.quantity)}"
        f" {fill.instrument} at {wording.price(fill.price)},"
        f" fee {wording.amount(fill.fee, 4)} {fill.fee_currency} – {fill.reason}"
    )
    fields = msgspec.structs.asdict(fill)
    fields["ts_event"] = fields.pop("ts")  # `ts` is when the line was written
    return Told(LogEvent.FILL, sentence, fields, fill.ts)


def _status(view: PlatformView, state: wording.Condition) -> Iterator[Told]:
    for account in view.accounts:
        held = sum(position.account == account.id for position in view.positions)
        working = sum(order.account == account.id for order in view.orders)
        sentence = (
            f"status: equity {wording.amount(account.equity)} {account.currency},"
            f" today {wording.signed_amount(account.day_result)}"
            f" ({wording.signed_percent(account.day_result_frac)}),"
            f" drawdown {wording.percent(account.drawdown_frac)},"
            f" fees today {wording.amount(account.fees_today)}"
            f" ({wording.percent(account.fees_today_frac, 3)} of equity),"
            f" mode {account.mode}, {_count(held, 'position')}, {_count(working, 'working order')},"
            f" {state.word.lower()}: {state.detail}"
        )
        fields: dict[str, object] = {
            "account": account.id,
            "equity": account.equity,
            "currency": account.currency,
            "day_result": account.day_result,
            "drawdown_frac": account.drawdown_frac,
            "fees_today": account.fees_today,
            "mode": account.mode,
            "positions": held,
            "working_orders": working,
            "freshness": str(state.freshness),
            "feed": view.feed.name,
            "banner": view.feed.banner,
        }
        yield Told(LogEvent.STATUS, sentence, fields)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
