"""Accounts: what they are worth now, and how they got there."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import Accounts
from botcore.control.handlers.pricing import prices_age
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Handling
from botcore.control.history_port import History, Sample
from botcore.control.operations import Page, Request
from botcore.control.schema.accounts import (
    Account,
    EquityCurve,
    EquityPoint,
    GetAccount,
    GetEquity,
    ListAccounts,
    Meter,
)
from botcore.control.schema.values import Money, instant
from botcore.control.views import AccountView, PlatformView
from botcore.control.wording import STALE_AFTER_S
from botcore.domain.modes import Mode
from botcore.domain.numbers import exact

SAMPLES_READ: Final = 100_000
"""Most samples that one question reads; older ones of its range are left out, and that is said."""
_DIGITS: Final = 8


class AccountHandlers:
    """Answers what accounts are worth.

    Args:
        engine: shows them at the last prices.
        history: what was stored.
    """

    def __init__(self, *, engine: EnginePort, history: History) -> None:
        self._engine = engine
        self._history = history
        self._accounts = Accounts(engine=engine, stored=history)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            GetAccount: Handling(self.show),
            ListAccounts: Handling(self.listed),
            GetEquity: Handling(self.equity),
        }

    async def show(self, _context: Context, request: GetAccount) -> Account:
        """Return one account."""
        shown = self._accounts.shown(request.account)
        return account_of(shown, self._accounts.platform(), self._engine.view_age_s())

    async def listed(self, _context: Context, _request: ListAccounts) -> Page[Account]:
        """Return all accounts."""
        view, age_s = self._accounts.platform(), self._engine.view_age_s()
        return Page(items=tuple(account_of(each, view, age_s) for each in view.accounts))

    def equity(self, _context: Context, request: GetEquity) -> EquityCurve:
        """Return the equity curve, thinned out."""
        name = self._accounts.name_blocking(request.account)
        span = span_of(request.start, request.end)
        samples = list(self._history.samples(name, span, limit=SAMPLES_READ + 1))
        is_whole = len(samples) <= SAMPLES_READ
        if not is_whole:
            del samples[0]
        currency = ""
        view = self._engine.view()
        for account in () if view is None else view.accounts:
            if account.id == name:
                currency = account.currency
                samples += _newer(samples, account, span.start, span.end)
        falls = [_fall(sample) for sample in samples]
        kept = thinned([sample.equity for sample in samples], request.points)
        return EquityCurve(
            account=name,
            currency=currency,
            points=tuple(
                EquityPoint(
                    at=instant(samples[index].ts),
                    equity=_amount(samples[index].equity),
                    drawdown_frac=falls[index],
                )
                for index in kept
            ),
            samples=len(samples),
            is_whole=is_whole,
            max_drawdown_frac=max(falls, default=0.0),
        )


def account_of(account: AccountView, view: PlatformView, age_s: float) -> Account:
    """Return an account from the platform's document, `age_s` seconds after it arrived."""
    currency = account.currency

    def money(text: str) -> Money:
        return Money(Decimal(text), currency)

    cash, locked = Decimal(account.cash), Decimal(account.locked)
    return Account(
        id=account.id,
        kind=account.kind,
        currency=currency,
        equity=money(account.equity),
        cash=money(account.cash),
        locked=money(account.locked),
        free=Money(cash - locked, currency),
        day_result=money(account.day_result),
        day_result_frac=account.day_result_frac,
        drawdown_frac=account.drawdown_frac,
        fees_today=money(account.fees_today),
        fees_today_frac=account.fees_today_frac,
        fees_total=money(account.fees_total),
        mode=Mode(account.mode),
        mode_cause=account.mode_cause,
        meters=tuple(
            Meter(name=meter.name, used_frac=meter.used_frac, limit=meter.limit)
            for meter in account.meters
        ),
        as_of=instant(view.wall_ts),
        age_s=round(age_s, 3),
        is_stale=age_s > STALE_AFTER_S,
        prices=prices_age(view, age_s),
    )


def thinned(values: Sequence[float], most: int) -> list[int]:
    """Return the places of at most `most` values that tell the same story.

    The first and the last stay, and of each stretch between them the lowest and the highest, in
    their order: no fall disappears by looking from further away.
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    stretches = (most - 2) // 2
    inner = count - 2
    kept = [0]
    for number in range(stretches):
        first = 1 + inner * number // stretches
        last = 1 + inner * (number + 1) // stretches
        stretch = range(first, last)
        lowest = min(stretch, key=values.__getitem__)
        highest = max(stretch, key=values.__getitem__)
        kept += sorted({lowest, highest})
    return [*kept, count - 1]


def _newer(
    samples: Sequence[Sample], account: AccountView, start: int | None, end: int | None
) -> list[Sample]:
    """Return the engine's own points that are newer than what is stored of them."""
    last = samples[-1] if samples else None
    peak = 0.0 if last is None else last.peak
    found = []
    for ts, equity in account.equity_points:
        if (last is not None and ts <= last.ts) or (start is not None and ts < start):
            continue
        if end is not None and ts >= end:
            continue
        peak = max(peak, equity)
        found.append(Sample(ts, equity, peak))
    return found


def _fall(sample: Sample) -> float:
    """Return how far below the highest equity a sample is, as a fraction."""
    return max(0.0, 1.0 - sample.equity / sample.peak) if sample.peak > 0 else 0.0


def _amount(equity: float) -> Decimal:
    return exact(round(equity, _DIGITS), what="equity")
