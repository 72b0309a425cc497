"""Any sequence of fills against a recomputation in fractions: I2, I3, I4 and replay (I12)."""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

from hypothesis import event, example, given
from hypothesis import strategies as st
from tests.unit.portfolio.builders import (
    BITCOIN,
    BNB,
    BNBUSDT,
    BTC,
    BTCUSDT,
    EMA,
    MAIN,
    RSI,
    USDT,
    a_fill,
    an_instrument,
    buy,
    deposit,
    sell,
)

from botcore.domain.events import LedgerPosted, OrderFilled, PositionChanged
from botcore.domain.ids import Currency, Nanos, StrategyId
from botcore.domain.orders import Side
from botcore.domain.records import decode_fact, encode
from botcore.portfolio import Portfolio, Valuation

QUANTUM = Decimal("1E-8")
DUSTY = an_instrument(lot=Decimal("0.5"), min_quantity=Decimal("0.5"), min_notional=Decimal(1))
START = {USDT: Fraction(100_000), BNB: Fraction(50)}
STEPS_MAX = 25

quantities = st.one_of(
    st.integers(1, 5_000_000).map(lambda n: Decimal(n).scaleb(-6)),
    st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(2)]),
)
prices = st.integers(1, 10**11).map(lambda n: Decimal(n).scaleb(-6))
rates = st.integers(-1_000, 3_000).map(lambda ppm: Decimal(ppm).scaleb(-6))


@dataclass(frozen=True)
class Sweep:
    """Set the strategy's remainder aside as dust, if it is small enough."""

    strategy: StrategyId
    price: Decimal


@dataclass(frozen=True)
class Close:
    """Trade the strategy's whole position away, without a fee."""

    strategy: StrategyId
    price: Decimal


Step = OrderFilled | Sweep | Close


def venue_fill(
    side: Side,
    quantity: Decimal,
    price: Decimal,
    *,
    strategy: StrategyId,
    rate: Decimal = Decimal(0),
    fee_currency: Currency = USDT,
    trade: int = 1,
) -> OrderFilled:
    """A fill with the venue's figures: both the amount and the fee are rounded against us."""
    against_us = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    amount = (price * quantity).quantize(QUANTUM, against_us)
    basis = {USDT: amount, BTC: quantity, BNB: amount / 600}[fee_currency]
    return a_fill(
        side,
        str(quantity),
        str(price),
        quote_amount=str(amount),
        fee=str((basis * rate).quantize(QUANTUM, ROUND_CEILING)),
        fee_currency=fee_currency,
        strategy=strategy,
        trade=trade,
    )


fills = st.builds(
    venue_fill,
    st.sampled_from(Side),
    quantities,
    prices,
    strategy=st.sampled_from([EMA, RSI]),
    rate=rates,
    fee_currency=st.sampled_from([USDT, BTC, BNB]),
    trade=st.integers(1, 10**6),
)


sweeps = st.builds(Sweep, strategy=st.sampled_from([EMA, RSI]), price=prices)
closes = st.builds(Close, strategy=st.sampled_from([EMA, RSI]), price=prices)
histories = st.lists(st.one_of(fills, fills, fills, sweeps, closes), max_size=STEPS_MAX)


@dataclass
class Line:
    """One strategy, recomputed exactly: average cost, nothing rounded."""

    quantity: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)

    def fill(self, filled: OrderFilled) -> None:
        fill = filled.fill
        quantity, amount, fee = map(Fraction, (fill.quantity, fill.quote_amount, fill.fee))
        sign = filled.side.sign
        change, paid = sign * quantity, sign * amount
        if fill.fee_currency == USDT:
            self.fees += fee
        elif fill.fee_currency == BTC:
            change -= fee
            paid -= fee * Fraction(fill.price)
            self.fees += fee * Fraction(fill.price)
        closing = change if self.quantity * change < 0 else Fraction(0)
        if abs(closing) > abs(self.quantity):
            closing = -self.quantity
        if closing:
            released = -self.cost * closing / self.quantity
            self.realised -= paid * closing / change + released
            self.cost -= released
        self.cost += paid * (change - closing) / change
        self.quantity += change


@dataclass
class Books:
    """The account, recomputed from the fills alone."""

    balances: dict[Currency, Fraction] = field(default_factory=lambda: dict(START))
    lines: dict[StrategyId, Line] = field(default_factory=lambda: {EMA: Line(), RSI: Line()})

    def fill(self, filled: OrderFilled) -> None:
        fill, sign = filled.fill, filled.side.sign
        self._add(BTC, sign * Fraction(fill.quantity))
        self._add(USDT, -sign * Fraction(fill.quote_amount))
        self._add(fill.fee_currency, -Fraction(fill.fee))
        self.lines[filled.strategy].fill(filled)

    def _add(self, currency: Currency, amount: Fraction) -> None:
        self.balances[currency] = self.balances.get(currency, Fraction(0)) + amount


def started() -> tuple[Portfolio, list[LedgerPosted | PositionChanged]]:
    portfolio = Portfolio()
    facts: list[LedgerPosted | PositionChanged] = [
        portfolio.book_deposit(deposit(str(amount), currency), Nanos(0))
        for currency, amount in START.items()
    ]
    return portfolio, facts


def take(
    portfolio: Portfolio, step: Step
) -> tuple[list[LedgerPosted | PositionChanged], OrderFilled | None]:
    """Do a step; return the facts it made, and the fill where it was one."""
    if isinstance(step, Sweep):
        facts = portfolio.sweep_dust(MAIN, step.strategy, DUSTY, price=step.price, ts=Nanos(1))
        return list(facts or ()), None
    if isinstance(step, Close):
        quantity = portfolio.position(MAIN, step.strategy, BTCUSDT).quantity
        if not quantity:
            return [], None
        step = venue_fill(
            Side.SELL if quantity > 0 else Side.BUY,
            abs(quantity),
            step.price,
            strategy=step.strategy,
        )
    return list(portfolio.book_fill(step, BITCOIN)), step


def equity_identity(portfolio: Portfolio, mark: Decimal) -> Fraction:
    """The right side of I4 without third currencies: realised + unrealised − fees + transfers."""
    total = START[USDT]
    for position in portfolio.positions(MAIN):
        held = Fraction(position.quantity) + Fraction(position.dust)
        cost = Fraction(position.cost) + Fraction(position.dust_cost)
        total += Fraction(position.realised) - Fraction(position.fees)
        total += held * Fraction(mark) - cost
    return total


@given(histories, prices)
@example([buy("10", "100"), sell("15", "120", trade=2)], Decimal(100))
def test_i4_equity_changes_by_realised_unrealised_fees_and_transfers_exactly(
    history: list[Step], mark: Decimal
) -> None:
    portfolio, _ = started()

    for step in history:
        take(portfolio, step)

        held = Fraction(portfolio.cash(MAIN, BTC))
        held += sum(Fraction(p.dust) for p in portfolio.positions(MAIN))
        equity = Fraction(portfolio.cash(MAIN, USDT)) + held * Fraction(mark)
        assert equity == equity_identity(portfolio, mark)


@given(histories)
def test_i3_positions_are_signed_fills_less_base_fees_and_the_venues_balances_exactly(
    history: list[Step],
) -> None:
    portfolio, _ = started()
    books = Books()

    for step in history:
        _, filled = take(portfolio, step)
        if filled is not None:
            books.fill(filled)

    positions = {p.strategy: p for p in portfolio.positions(MAIN)}
    for strategy, position in positions.items():
        held = Fraction(position.quantity) + Fraction(position.dust)
        assert held == books.lines[strategy].quantity
        event("dust" if position.dust else "open" if position.is_open else "closed")
    dust = sum((Fraction(p.dust) for p in positions.values()), Fraction(0))
    assert Fraction(portfolio.cash(MAIN, BTC)) + dust == books.balances.get(BTC, 0)
    for currency in (USDT, BNB):
        assert Fraction(portfolio.cash(MAIN, currency)) == books.balances[currency]
    assert not any(portfolio.ledger.total_by_currency().values())
    portfolio.verify()


@given(histories)
def test_e81_costs_are_those_of_exact_averages_but_for_a_quantum_a_fill(
    history: list[Step],
) -> None:
    portfolio, _ = started()
    books = Books()
    bound = Fraction(QUANTUM)

    for step in history:
        _, filled = take(portfolio, step)
        if filled is not None:
            books.fill(filled)
            bound += Fraction(QUANTUM)

        for position in portfolio.positions(MAIN):
            line = books.lines[position.strategy]
            cost = Fraction(position.cost) + Fraction(position.dust_cost)
            assert abs(cost - line.cost) <= bound
            assert abs(Fraction(position.realised) - line.realised) <= 2 * bound
            assert abs(Fraction(position.fees) - line.fees) <= bound


@given(histories, st.integers(0, STEPS_MAX))
def test_i12_a_snapshot_and_the_later_facts_are_all_the_facts(
    history: list[Step], cut: int
) -> None:
    portfolio, facts = started()
    snapshot, later = portfolio.state(), 0
    for index, step in enumerate(history):
        if index == cut:
            snapshot, later = portfolio.state(), len(facts)
        facts += take(portfolio, step)[0]
    if len(history) <= cut:
        snapshot, later = portfolio.state(), len(facts)

    from_nothing, from_snapshot = Portfolio(), Portfolio()
    for fact in facts:
        from_nothing.fold(decode_fact(encode(fact)))
    from_snapshot.restore(snapshot)
    for fact in facts[later:]:
        from_snapshot.fold(fact)

    assert from_nothing.state() == from_snapshot.state() == portfolio.state()
    from_snapshot.verify()
    following = buy("0.123456", "3.3", fee="0.0001", fee_currency=BTC)
    expected = [encode(fact) for fact in portfolio.book_fill(following, BITCOIN)]
    for restored in (from_nothing, from_snapshot):
        assert [encode(fact) for fact in restored.book_fill(following, BITCOIN)] == expected


@given(histories, prices, prices)
def test_the_float_equity_is_the_exact_one_within_a_millionth(
    history: list[Step], bitcoin: Decimal, coin: Decimal
) -> None:
    portfolio, _ = started()
    valuation = Valuation(portfolio)
    valuation.mark(BTCUSDT, float(bitcoin))
    valuation.mark(BNBUSDT, float(coin))

    for step in history:
        take(portfolio, step)
        exact = valuation.equity_exact(MAIN)
        held = [abs(quantity) * bitcoin for _, quantity in portfolio.holdings(MAIN).held()]
        scale = max([abs(portfolio.cash(MAIN, USDT)), 50 * coin, *held])

        assert abs(valuation.equity(MAIN) - float(exact)) <= 1e-9 * float(scale)
        by_hand = Fraction(portfolio.cash(MAIN, USDT)) + Fraction(
            portfolio.cash(MAIN, BNB)
        ) * Fraction(coin)
        for _, quantity in portfolio.holdings(MAIN).held():
            by_hand += Fraction(quantity) * Fraction(bitcoin)
        assert Fraction(exact) == by_hand
