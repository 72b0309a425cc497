"""Figures of the engine's newest document."""

from typing import Final

from botcore.control.views import AccountView, FeedStatus, PlatformView
from botcore.domain.ids import SECOND_NS
from botcore.domain.modes import Mode
from botcore.observability import catalogue as c
from botcore.observability.sheet import Sheet

STRATEGY_STATES: Final = ("running", "warming up", "paused", "quarantined", "stopped")
_MODES: Final = tuple(mode.value.lower() for mode in Mode)


class ViewFigures:
    """Remembers the newest document, and counts what no single one says."""

    def __init__(self) -> None:
        self._view: PlatformView | None = None
        self._age_s = float("inf")
        self._starts = 0
        self._recomposed: int | None = None

    def recomposed(self, pid: int) -> None:
        """Expect another engine after this one: it was asked to begin anew, and did not fail."""
        self._recomposed = pid

    def observe(self, view: PlatformView | None, age_s: float) -> None:
        """Take a document in."""
        if view is not None:
            before = view.engine_pid if self._view is None else self._view.engine_pid
            if before not in (view.engine_pid, self._recomposed):
                self._starts += 1
            self._view = view
        self._age_s = age_s

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        sheet.add(c.VIEW_AGE, self._age_s)
        if self._view is not None:
            sheet.add(c.ENGINE_STARTS, self._starts)
            self._platform(sheet, self._view)

    def _platform(self, sheet: Sheet, view: PlatformView) -> None:
        feed = view.feed
        sheet.add(c.UPTIME, view.uptime_s)
        sheet.add(c.STORAGE_OK, view.storage == "ok")
        sheet.add(c.STREAM_CONNECTED, feed.status is not FeedStatus.DOWN, feed.name, "market")
        sheet.add(c.STREAM_FRESH, feed.status is FeedStatus.LIVE, feed.name, "market")
        sheet.add(c.STREAM_AGE, feed.age_s + self._age_s, feed.name, "market")
        sheet.add(c.ALERTS, len(view.alerts))
        for stage, quantile, seconds in (
            ("decision", "0.5", view.decision_p50_s),
            ("decision", "0.99", view.decision_p99_s),
            ("persist", "0.5", view.persist_p50_s),
            ("persist", "0.99", view.persist_p99_s),
        ):
            if seconds is not None:
                sheet.add(c.ORDER_STAGE, seconds, stage, quantile)
        if view.core_wait_s is not None:
            sheet.add(c.CORE_WAIT, view.core_wait_s, "engine")
        for account in view.accounts:
            self._account(sheet, view, account)
        for strategy in view.strategies:
            sheet.add(c.STRATEGY_RESULT, _number(strategy.result), strategy.id)
            for state in STRATEGY_STATES:
                sheet.add(c.STRATEGY_STATE, strategy.status == state, strategy.id, state)

    def _account(self, sheet: Sheet, view: PlatformView, account: AccountView) -> None:
        name = account.id
        for mode in _MODES:
            sheet.add(c.UP_MODE, account.mode.lower() == mode, name, mode)
        sheet.add(c.EQUITY, float(account.equity), name)
        sheet.add(c.DRAWDOWN, account.drawdown_frac, name)
        sheet.add(c.DAILY_LOSS, max(0.0, -float(account.day_result)), name)
        sheet.add(c.FEES, float(account.fees_total), name)
        for meter in account.meters:
            # What stands in brackets (which instrument) changes; the limit's name does not.
            limit = meter.name.partition(" (")[0]
            sheet.add(c.RISK_USED, meter.used_frac, name, limit)
        sheet.add(c.ORDERS_OPEN, account.orders_open, name)
        sheet.add(c.IN_DOUBT, account.orders_in_doubt, name)
        since = account.in_doubt_since
        sheet.add(c.IN_DOUBT_OLDEST, (view.feed.now - since) / SECOND_NS if since else 0.0, name)
        sheet.add(c.CANCELS_OWED, account.cancels_owed, name)
        self._positions(sheet, view, name)

    def _positions(self, sheet: Sheet, view: PlatformView, account: str) -> None:
        unrealised = dict.fromkeys((strategy.id for strategy in view.strategies), 0.0)
        held: dict[str, float] = {}
        for position in view.positions:
            if position.account != account:
                continue
            earned = unrealised.get(position.strategy, 0.0) + _number(position.unrealised)
            unrealised[position.strategy] = earned
            symbol = position.instrument
            if symbol not in held and len(held) >= c.SYMBOLS_MAX:
                symbol = c.OTHER
            held[symbol] = held.get(symbol, 0.0) + _number(position.value)
        for strategy, earned in unrealised.items():
            sheet.add(c.UNREALISED, earned, account, strategy)
        for symbol, value in held.items():
            sheet.add(c.POSITION, value, account, symbol)


def _number(text: str) -> float:
    """Return a figure; what has no price (``?``) is unknown, and NaN says so."""
    return float("nan") if text == "?" else float(text)
