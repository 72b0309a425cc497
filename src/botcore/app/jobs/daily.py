"""The work of the daily report: reads the engine's store, and counts, account by account."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from botcore.app.history import ReasonWords, StoredHistory
from botcore.app.home import Home
from botcore.app.jobs.reporting import Reporting
from botcore.app.known_market import KnownAccount, known_account
from botcore.app.settings import load_settings
from botcore.control.daily import Closed, DailyReport, report
from botcore.control.history_port import Asked, Execution, Nothing, Span
from botcore.control.round_trips import RoundTrips
from botcore.control.schema.values import PAGE_MAX
from botcore.domain.ids import SECOND_NS
from botcore.storage import ReadingStore, ReadModels

_CHUNK = 5_000
_SAMPLES_MAX = 2_000


class _Day(NamedTuple):
    """A UTC day and the seven days that end with it, nanoseconds."""

    name: str
    start: int
    end: int
    week: int


def daily_report(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Report on one UTC day of every account that the engine was composed with.

    Raises:
        StorageError: the engine's store cannot be read.
    """
    settings = load_settings(**overrides)
    home = Home(settings.home, settings.market_folder)
    store = ReadingStore(home.journal_url)
    history, models = StoredHistory(store, words=ReasonWords({}, None)), ReadModels(store)
    day = _day(str(request["day"]))
    known = [known_account(models, each) for each in history.accounts()]
    reports = [_report(history, account, day, to) for account in known if account is not None]
    for found in reports:
        for each in found.proposals:
            to.say(f"{found.account}: proposal for {each.subject}: {each.proposal} ({each.reason})")
    return {"day": day.name, "accounts": msgspec.to_builtins(reports)}


def _day(name: str) -> _Day:
    day = datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC)
    start, end, week = (
        int((day + timedelta(days=days)).timestamp()) * SECOND_NS for days in (0, 1, -6)
    )
    return _Day(name, start, end, week)


def _report(history: StoredHistory, account: KnownAccount, day: _Day, to: Reporting) -> DailyReport:
    worth = _Worth(history, account.reporting)
    trips, fees, executions = RoundTrips(), Decimal(0), 0
    while movements := history.movements(account.id, after=trips.number, limit=_CHUNK):
        trips.take(movements)
        for each in movements:
            if isinstance(each, Execution) and day.start <= each.ts < day.end:
                executions += 1
                fees += worth.of(_fee(each), each.quote, each.ts) or Decimal(0)
    closed = []
    for trip in trips.closed:
        if trip.profit is None or not day.week <= trip.closed < day.end:
            continue
        profit = worth.of(trip.profit, trip.quote, trip.closed)
        if profit is not None:
            closed.append((trip.closed, Closed(strategy=trip.strategy, profit=profit)))
    span = Span(start=day.start, end=day.end)
    samples = history.samples(account.id, span, limit=_SAMPLES_MAX)
    asked = Asked(account=account.id, only=Nothing(), span=span, limit=PAGE_MAX)
    modes = history.mode_changes(asked)
    if worth.unknown:
        to.say(
            f"{account.id}: {worth.unknown} amounts have no known worth in {account.reporting}"
            " and are not counted"
        )
    return report(
        day=day.name,
        account=account.id,
        currency=account.reporting,
        equity=[each.equity for each in samples],
        executions=executions,
        fees=fees,
        today=[each for ts, each in closed if ts >= day.start],
        week=[each for _, each in closed],
        denials=history.count_denials(account.id, span),
        modes=[f"{each.previous} → {each.mode}: {each.cause}" for each in modes.items],
        daily_loss_frac=account.daily_loss_frac,
    )


class _Worth:
    """Amounts in one currency; how often nobody here knew a price is counted.

    Args:
        history: knows the last price that was traded at.
        currency: in which.
    """

    def __init__(self, history: StoredHistory, currency: str) -> None:
        self._history = history
        self._currency = currency
        self.unknown = 0

    def of(self, amount: Decimal, asset: str, ts: int) -> Decimal | None:
        """Return what an amount was worth at an instant; None where that is not known."""
        rate = self._history.rate(asset, self._currency, ts)
        if rate is None:
            self.unknown += 1
            return None
        return amount * rate


def _fee(execution: Execution) -> Decimal:
    """Return a fee in quote units; one in a third currency is not counted."""
    if execution.fee_currency == execution.quote:
        return execution.fee
    if execution.fee_currency == execution.base:
        return execution.fee * execution.quote_amount / execution.quantity
    return Decimal(0)
