"""Figures of the engine's newest document."""

from collections.abc import Callable, Mapping
from typing import Final

from botcore.control.views import AccountView, FeedStatus, PlatformView, StreamView
from botcore.domain.ids import SECOND_NS
from botcore.domain.modes import Mode
from botcore.observability import catalogue as c
from botcore.observability.sheet import Sheet

STRATEGY_STATES: Final = ("running", "warming up", "paused", "quarantined", "stopped")
STARTING: Final = "starting"
"""The mode of an account that is not reconciled yet, whatever it may do afterwards."""
_TRADING: Final = (Mode.NORMAL, Mode.REDUCE_ONLY)
_MODES: Final = (*(mode.value.lower() for mode in Mode), STARTING)


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
        sheet.add(c.STREAM_LAST, feed.last_event / SECOND_NS, feed.name, "market")
        if feed.stream is not None:
            self._stream(sheet, feed.stream, feed.name)
        for symbol, age_s in _capped(feed.ages, max).items():
            sheet.add(c.STALENESS, age_s + self._age_s, symbol)
        self._engine(sheet, view)
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
            decided = max((each.ts for each in strategy.decisions), default=0)
            if decided:
                sheet.add(c.STRATEGY_STEP, decided / SECOND_NS, strategy.id)
            for state in STRATEGY_STATES:
                sheet.add(c.STRATEGY_STATE, strategy.status == state, strategy.id, state)

    def _engine(self, sheet: Sheet, view: PlatformView) -> None:
        sheet.add(c.EPOCH, view.epoch)
        sheet.add(c.OUTBOX, view.facts_unpublished)
        for queue in view.queues:
            add_queue(sheet, queue.name, queue.depth, queue.capacity)
        run = view.reconciling
        if run is None:
            return
        sheet.add(c.RECONCILE_RUNS, run.done, "ok")
        sheet.add(c.RECONCILE_RUNS, run.failed, "failed")
        sheet.add(c.RECONCILE_OVERDUE, run.overdue_s)
        if run.last_wall:
            sheet.add(c.RECONCILE_LAST, run.last_wall / SECOND_NS)
            sheet.add(c.RECONCILE_TOOK, run.last_s)

    def _stream(self, sheet: Sheet, stream: StreamView, venue: str) -> None:
        for reason, count in stream.reconnects.items():
            sheet.add(c.STREAM_RECONNECTS, count, venue, "market", reason)
        sheet.add(c.STREAM_GAPS, stream.gaps, venue, "market")
        sheet.add(c.STREAM_UNREADABLE, stream.unreadable, venue, "market")
        for reason, count in stream.refused.items():
            sheet.add(c.REFUSED, count, reason)
        sheet.add(c.BOOK_RESYNCS, stream.book_resyncs)
        for symbol, is_valid in _capped(stream.books, min).items():
            sheet.add(c.BOOK_VALID, is_valid, symbol)
        if stream.clock_offset_s is not None:
            sheet.add(c.CLOCK_OFFSET, abs(stream.clock_offset_s), venue)

    def _account(self, sheet: Sheet, view: PlatformView, account: AccountView) -> None:
        name = account.id
        is_starting = not account.is_reconciled and account.mode in _TRADING
        shown = STARTING if is_starting else account.mode.lower()
        for mode in _MODES:
            sheet.add(c.UP_MODE, shown == mode, name, mode)
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
        sheet.add(c.EXPOSURE, float(account.exposure), name, "account", "")
        exposures = {symbol: float(amount) for symbol, amount in account.exposures.items()}
        for symbol, amount in _capped(exposures, _sum).items():
            sheet.add(c.EXPOSURE, amount, name, "symbol", symbol)
        for scope, most in account.caps.items():
            sheet.add(c.CAP, float(most), name, scope)
        for strategy, earned in account.realised.items():
            sheet.add(c.REALISED, float(earned), name, strategy)
        self._positions(sheet, view, name)
        self._held(sheet, view, name)

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

    def _held(self, sheet: Sheet, view: PlatformView, account: str) -> None:
        """Write down how much of each symbol is held and what it cost; not of those beyond."""
        quantities: dict[str, float] = {}
        costs: dict[str, float] = {}
        for position in view.positions:
            if position.account != account:
                continue
            symbol, quantity = position.instrument, float(position.quantity)
            if symbol not in quantities and len(quantities) >= c.SYMBOLS_MAX:
                continue  # base units of two symbols make no sum
            quantities[symbol] = quantities.get(symbol, 0.0) + quantity
            cost = quantity * float(position.average_price)
            costs[symbol] = costs.get(symbol, 0.0) + cost
        for symbol, quantity in quantities.items():
            sheet.add(c.POSITION_BASE, quantity, account, symbol)
            if quantity:
                sheet.add(c.ENTRY_PRICE, costs[symbol] / quantity, account, symbol)


def add_queue(sheet: Sheet, name: str, depth: int, capacity: int) -> None:
    """Write down how full a queue is."""
    sheet.add(c.QUEUE_DEPTH, depth, name)
    sheet.add(c.QUEUE_CAPACITY, capacity, name)
    sheet.add(c.QUEUE_USED, depth / capacity, name)


def _capped(
    figures: Mapping[str, float], together: Callable[[float, float], float]
) -> dict[str, float]:
    """Return the figures of as many symbols as have labels; those of the others, in one."""
    found: dict[str, float] = {}
    for symbol, value in figures.items():
        label = symbol if len(found) < c.SYMBOLS_MAX else c.OTHER
        found[label] = together(found[label], value) if label in found else value
    return found


def _sum(one: float, other: float) -> float:
    return one + other


def _number(text: str) -> float:
    """Return a figure; what has no price (``?``) is unknown, and NaN says so."""
    return float("nan") if text == "?" else float(text)
