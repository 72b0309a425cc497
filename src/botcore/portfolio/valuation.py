"""Valuation: what an account is worth at the last marks, float for every bar, exact on demand.

Equity is the cash in the reporting currency, plus net quantity × mark of each held instrument in
order of instrument id, plus holdings of other currencies in order of currency. The order is part of
the definition: a float sum depends on it (P16).

A missing price is reported by `unpriced` and never taken as 0 (E94): a position without a mark is
carried at what it cost; an amount of a currency without a rate has no value that could be added and
is left out, by name.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from botcore.domain.errors import DataError
from botcore.domain.events import PerformanceUpdate
from botcore.domain.ids import AccountId, Currency, InstrumentId, StrategyId
from botcore.domain.market import Bar
from botcore.domain.numbers import EXACT, MONEY, ZERO, exact
from botcore.portfolio.holdings import Holdings
from botcore.portfolio.ledger import fees_path
from botcore.portfolio.portfolio import Portfolio

USDT = Currency("USDT")
_INFINITY = math.inf
_add = EXACT.add


class Profit(msgspec.Struct, frozen=True, gc=False):
    """What one strategy earned on one instrument, in the instrument's quote currency.

    Attributes:
        currency: of every figure without another one.
        realised: by closing, before fees.
        unrealised: at the last mark, dust included; None while there is no mark.
        fees: paid in quote and base; negative when rebates prevail.
        fees_elsewhere: paid in other currencies, as they were paid, sorted.
        net: realised + unrealised − all fees, each other currency converted once at its mark;
            None while something is unpriced.
        unpriced: the instruments and currencies that have no mark, sorted.
    """

    currency: Currency
    realised: Decimal
    unrealised: float | None
    fees: Decimal
    fees_elsewhere: tuple[tuple[Currency, Decimal], ...]
    net: float | None
    unpriced: tuple[str, ...]


class _Account:
    """What `equity` needs of an account, remade when its holdings have changed.

    `quantities` and `amounts` are exact, the rest float.
    """

    __slots__ = (
        "abroad",
        "amounts",
        "cash",
        "coins",
        "currency",
        "held",
        "holdings",
        "is_plain",
        "marks",
        "quantities",
        "revision",
        "with_foreign",
        "with_gaps",
    )

    def __init__(
        self,
        holdings: Holdings,
        currency: Currency,
        *,
        marks: Mapping[InstrumentId, float],
        with_gaps: "Callable[[_Account], float]",
        with_foreign: "Callable[[float, _Account], float]",
    ) -> None:
        self.holdings = holdings
        self.currency = currency
        self.marks = marks
        self.with_gaps = with_gaps
        self.with_foreign = with_foreign
        self.refresh()

    def equity(self) -> float:
        """Return the account's worth in its reporting currency at the last marks."""
        if self.revision != self.holdings.revision:
            self.refresh()
        total = self.cash
        marks = self.marks
        try:
            for instrument, quantity in self.held:
                total += quantity * marks[instrument]
        except KeyError:
            return self.with_gaps(self)
        return total if self.is_plain else self.with_foreign(total, self)

    def refresh(self) -> None:
        """Read the holdings: instruments quoted in the reporting currency, others, and money."""
        holdings, currency = self.holdings, self.currency
        self.revision = holdings.revision
        self.held: list[tuple[InstrumentId, float]] = []
        self.abroad: list[tuple[InstrumentId, float]] = []
        self.quantities = holdings.held()
        self.amounts = holdings.unassigned()
        for instrument, quantity in self.quantities:
            at_home = holdings.pairs[instrument][1] == currency
            (self.held if at_home else self.abroad).append((instrument, float(quantity)))
        self.cash = 0.0
        self.coins: list[tuple[Currency, float]] = []
        for coin, amount in self.amounts:
            if coin == currency:
                self.cash = float(amount)
            else:
                self.coins.append((coin, float(amount)))
        self.is_plain = not self.abroad and not self.coins


class Valuation:
    """Last prices, and equity by them.

    Args:
        portfolio: whose holdings are valued.
        reporting: the reporting currency of each account; USDT where none is named. Amounts of
            another currency are converted by the mark of ``<CURRENCY><REPORTING>``; of several
            venues' marks the first by instrument id counts.

    Attributes:
        price: gives the last mark of an instrument; None before the first.
    """

    def __init__(
        self, portfolio: Portfolio, *, reporting: Mapping[AccountId, Currency] | None = None
    ) -> None:
        self._portfolio = portfolio
        self._reporting = dict(reporting or {})
        self._marks: dict[InstrumentId, float] = {}
        self.price = self._marks.get
        self._accounts: dict[AccountId, _Account] = {}
        self._rates: dict[str, InstrumentId] = {}
        self._rates_of = 0

    def mark(self, instrument: InstrumentId, price: float) -> None:
        """Take the last price of an instrument, quote units a base unit.

        Raises:
            DataError: ``MARK_REFUSED``: it is not a finite number above 0; the old mark stays.
        """
        if not 0.0 < price < _INFINITY:
            raise _refused(instrument, price)
        self._marks[instrument] = price

    def mark_bars(self, bars: Sequence[Bar]) -> None:
        """Take the closes of one stamp's bars: of several timeframes the first given counts.

        Raises:
            DataError: ``MARK_REFUSED``, as `mark`.
        """
        marks = self._marks
        if len(bars) > 1:
            bars = bars[::-1]
        for bar in bars:
            if not 0.0 < bar.close < _INFINITY:
                raise _refused(bar.instrument, bar.close)
            marks[bar.instrument] = bar.close

    def marks(self) -> tuple[tuple[InstrumentId, float], ...]:
        """Return all marks sorted by instrument, as `PerformanceUpdate` carries them."""
        return tuple(sorted(self._marks.items()))

    def fold(self, fact: object) -> None:
        """Take the marks of a `PerformanceUpdate`; every other fact is none of its business."""
        if type(fact) is PerformanceUpdate:
            for instrument, price in fact.marks:
                self.mark(instrument, price)

    def reporting(self, account: AccountId) -> Currency:
        """Return the currency an account's equity is told in."""
        return self._reporting.get(account, USDT)

    def equity(self, account: AccountId) -> float:
        """Return the account's worth in its reporting currency at the last marks."""
        return self.worth(account)()

    def equity_over(
        self, account: AccountId, marks: Mapping[InstrumentId, Sequence[float]], count: int
    ) -> list[float] | None:
        """Return `equity` for each of several moments, instruments without marks as they are.

        None where the account holds what is quoted in another currency, or has no mark: such
        equity is told mark by mark.

        Args:
            account: whose.
            marks: of each instrument that moves, one a moment.
            count: how many moments.
        """
        known = self._current(account)
        if not known.is_plain:
            return None
        # In the order of `held`, as a single mark is added up: floats are not associative.
        before, totals = known.cash, None
        for name, quantity in known.held:
            moving = marks.get(name)
            if moving is None:
                other = self._marks.get(name)
                if other is None:
                    return None
                worth = quantity * other
                if totals is None:
                    before += worth
                else:
                    totals = [total + worth for total in totals]
            elif totals is None:
                totals = [before + quantity * mark for mark in moving]
            else:
                totals = [
                    total + quantity * mark for total, mark in zip(totals, moving, strict=True)
                ]
        return [before] * count if totals is None else totals

    def worth(self, account: AccountId) -> Callable[[], float]:
        """Return what tells an account's `equity`, for who asks at every bar."""
        return (self._accounts.get(account) or self._know(account)).equity

    def equity_exact(self, account: AccountId) -> Decimal:
        """Return equity as a decimal sum over the same marks, each read as the decimal it prints.

        It is exact as long as 38 digits hold it, which only a chain of two rates can exceed.
        """
        known = self._current(account)
        holdings, currency = known.holdings, known.currency
        total = ZERO
        for coin, amount in known.amounts:
            rate = self._rate_exact(coin, currency)
            if rate is not None:
                total = MONEY.add(total, MONEY.multiply(amount, rate))
        for instrument, quantity in known.quantities:
            rate = self._rate_exact(holdings.pairs[instrument][1], currency)
            if rate is not None:
                mark = self._marks.get(instrument)
                value = (
                    self._cost(account, instrument)
                    if mark is None
                    else MONEY.multiply(quantity, exact(mark, what="a mark"))
                )
                total = MONEY.add(total, MONEY.multiply(value, rate))
        return total

    def unpriced(self, account: AccountId) -> tuple[str, ...]:
        """Return the held instruments and currencies that have no price, sorted."""
        known = self._current(account)
        holdings, currency = known.holdings, known.currency
        instruments = {i for i, _ in holdings.held()}
        coins = {coin for coin, _ in holdings.unassigned()}
        coins |= {holdings.pairs[i][1] for i in instruments}
        missing: set[str] = {i for i in instruments if i not in self._marks}
        missing |= {coin for coin in coins if self._rate(coin, currency) is None}
        return tuple(sorted(missing))

    def profit(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Profit | None:
        """Return what a strategy earned on an instrument; None when it never traded it.

        Fees in a third currency are told as they were paid, and converted here only (E75).
        """
        pair = self._portfolio.holdings(account).pairs.get(instrument)
        if pair is None:
            return None
        quote = pair[1]
        position = self._portfolio.position(account, strategy, instrument)
        quantity = float(_add(position.quantity, position.dust))
        mark = self._marks.get(instrument)
        missing: set[str] = set()
        unrealised: float | None = 0.0
        if quantity:
            cost = float(_add(position.cost, position.dust_cost))
            unrealised = None if mark is None else quantity * mark - cost
            if mark is None:
                missing.add(instrument)
        paid = self._portfolio.ledger.at(fees_path(account, strategy, instrument))
        elsewhere = tuple(
            (coin, fee) for coin, fee in sorted(paid.items()) if fee and coin not in pair
        )
        net = float(_add(position.realised, position.fees.copy_negate()))
        for coin, fee in elsewhere:
            rate = self._rate(coin, quote)
            if rate is None:
                missing.add(coin)
            else:
                net -= float(fee) * rate
        return Profit(
            currency=quote,
            realised=position.realised,
            unrealised=unrealised,
            fees=position.fees,
            fees_elsewhere=elsewhere,
            net=None if missing or unrealised is None else net + unrealised,
            unpriced=tuple(sorted(missing)),
        )

    def _know(self, account: AccountId) -> _Account:
        known = _Account(
            self._portfolio.holdings(account),
            self.reporting(account),
            marks=self._marks,
            with_gaps=self._equity_with_gaps,
            with_foreign=self._with_foreign,
        )
        self._accounts[account] = known
        return known

    def _current(self, account: AccountId) -> _Account:
        known = self._accounts.get(account) or self._know(account)
        if known.revision != known.holdings.revision:
            known.refresh()
        return known

    def _equity_with_gaps(self, known: _Account) -> float:
        total = known.cash
        for instrument, quantity in known.held:
            mark = self._marks.get(instrument)
            if mark is None:
                total += float(self._cost(known.holdings.account, instrument))
            else:
                total += quantity * mark
        return self._with_foreign(total, known)

    def _with_foreign(self, total: float, known: _Account) -> float:
        """Add what is quoted or held in other currencies, where a rate is known."""
        for instrument, quantity in known.abroad:
            rate = self._rate(known.holdings.pairs[instrument][1], known.currency)
            if rate is not None:
                mark = self._marks.get(instrument)
                if mark is None:
                    total += float(self._cost(known.holdings.account, instrument)) * rate
                else:
                    total += quantity * mark * rate
        for coin, amount in known.coins:
            rate = self._rate(coin, known.currency)
            if rate is not None:
                total += amount * rate
        return total

    def _cost(self, account: AccountId, instrument: InstrumentId) -> Decimal:
        """Return what the account's holding of an instrument cost, dust included."""
        total = ZERO
        for position in self._portfolio.positions(account):
            if position.instrument == instrument:
                total = _add(_add(total, position.cost), position.dust_cost)
        return total

    def _rate(self, coin: Currency, currency: Currency) -> float | None:
        """Return how much of `currency` one `coin` is, or None when no mark says."""
        if coin == currency:
            return 1.0
        if self._rates_of != len(self._marks):
            # A new instrument has a mark: the first by id counts, whichever was marked first.
            self._rates_of = len(self._marks)
            self._rates = {}
            for instrument in sorted(self._marks):
                self._rates.setdefault(instrument.partition(".")[0], instrument)
        found = self._rates.get(f"{coin}{currency}")
        return None if found is None else self._marks[found]

    def _rate_exact(self, coin: Currency, currency: Currency) -> Decimal | None:
        rate = self._rate(coin, currency)
        return None if rate is None else exact(rate, what="a rate")


def _refused(instrument: InstrumentId, price: float) -> DataError:
    return DataError(
        code="MARK_REFUSED",
        cause=f"a price of {price!r} for {instrument}",
        fix="drop or repair the record it came from",
    )
