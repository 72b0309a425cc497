"""The work of the daily report: reads the engine's store, and counts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from botcore.app.composition import PAPER
from botcore.app.history import ReasonWords, StoredHistory
from botcore.app.home import Home
from botcore.app.jobs.reporting import Reporting
from botcore.app.settings import load_settings
from botcore.control.daily import Closed, report
from botcore.control.history_port import Asked, Execution, Nothing, Span
from botcore.control.round_trips import RoundTrips
from botcore.control.schema.values import PAGE_MAX
from botcore.domain.ids import SECOND_NS
from botcore.storage import ReadingStore

_CHUNK = 5_000


def daily_report(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Report on one UTC day of the account."""
    settings = load_settings(**overrides)
    home = Home(settings.home, settings.market_folder)
    store = ReadingStore(home.journal_url)
    history = StoredHistory(store, words=ReasonWords({}, None))
    day = datetime.strptime(str(request["day"]), "%Y-%m-%d").replace(tzinfo=UTC)
    start = int(day.timestamp()) * SECOND_NS
    end = int((day + timedelta(days=1)).timestamp()) * SECOND_NS
    week = int((day - timedelta(days=6)).timestamp()) * SECOND_NS
    span = Span(start=start, end=end)
    trips, fees = RoundTrips(), Decimal(0)
    while movements := history.movements(PAPER, after=trips.number, limit=_CHUNK):
        trips.take(movements)
        fees += sum(
            (
                _fee(each)
                for each in movements
                if isinstance(each, Execution) and start <= each.ts < end
            ),
            start=Decimal(0),
        )
    closed = [
        (trip.closed, Closed(strategy=trip.strategy, profit=trip.profit))
        for trip in trips.closed
        if trip.profit is not None and week <= trip.closed < end
    ]
    samples = history.samples(PAPER, span, limit=2_000)
    modes = history.mode_changes(Asked(account=PAPER, only=Nothing(), span=span, limit=PAGE_MAX))
    found = report(
        day=str(request["day"]),
        account=PAPER,
        currency="USDT",
        equity=[each.equity for each in samples],
        executions=history.count_fills(span),
        fees=fees,
        today=[each for ts, each in closed if ts >= start],
        week=[each for _, each in closed],
        denials=history.count_denials(PAPER, span),
        modes=[f"{each.previous} → {each.mode}: {each.cause}" for each in modes.items],
        daily_loss_frac=settings.limits.daily_loss_frac,
    )
    for each in found.proposals:
        to.say(f"proposal for {each.subject}: {each.proposal} ({each.reason})")
    result: dict[str, Any] = msgspec.to_builtins(found)
    return result


def _fee(execution: Execution) -> Decimal:
    """Return a fee in quote units; one in a third currency is not counted."""
    if execution.fee_currency == execution.quote:
        return execution.fee
    if execution.fee_currency == execution.base:
        return execution.fee * execution.quote_amount / execution.quantity
    return Decimal(0)
