"""The account as risk sees it: portfolio and execution behind one read-only view."""

from decimal import Decimal

from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderSpec, OrderState, Side
from botcore.execution.at_mark import AtMark
from botcore.execution.index import OrderIndex
from botcore.portfolio import Portfolio, Valuation

_FOR_EVER = 1 << 62

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_HELD = OrderState.HELD
_BUY = Side.BUY
_SELL = Side.SELL
_NOBODY = StrategyId("")


class AccountView:
    """Implements `risk.RiskView` over what the engine holds.

    Few open orders on an instrument are looked at one by one; of many the index keeps the sums, so
    that no question costs more where thousands rest.

    Args:
        portfolio: positions and cash.
        valuation: marks and equity.
        orders: working orders.
        instruments: rules, as versions in time.

    Attributes:
        instrument: gives the rules in force now.
        mark: gives the last price, or None.
        until: the first instant at which other versions of the rules may be in force, nanoseconds
            UTC; who steps to it or beyond calls `move_to`.
    """

    def __init__(
        self,
        *,
        portfolio: Portfolio,
        valuation: Valuation,
        orders: OrderIndex,
        instruments: InstrumentBook,
    ) -> None:
        self._portfolio = portfolio
        self._valuation = valuation
        self._orders = orders
        self._book = instruments
        self._names = instruments.ids()
        self._in_force: dict[InstrumentId, Instrument] = {}
        self.instrument = self._in_force.__getitem__
        self.mark = valuation.price
        self.until = 0

    def move_to(self, ts: int) -> None:
        """Move to an instant: the instruments' versions in force then are the ones used."""
        self._in_force.update({name: self._book.around(name, ts) for name in self._names})
        self.until = self._book.next_change(ts) or _FOR_EVER

    def instruments(self) -> tuple[InstrumentId, ...]:
        """Every configured instrument, sorted."""
        return self._names

    def equity(self, account: AccountId) -> float:
        """Equity at the marks, float."""
        return self._valuation.equity(account)

    def equity_exact(self, account: AccountId) -> Decimal:
        """Equity at the marks, exact."""
        return self._valuation.equity_exact(account)

    def free_cash(self, account: AccountId, currency: Currency) -> Decimal:
        """Owned and not reserved."""
        return self._portfolio.cash(account, currency) - self._orders.locked(account, currency)

    def position(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        """The strategy's own position."""
        return self._portfolio.position(account, strategy, instrument).quantity

    def working_sells(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        """What the strategy's orders may still sell; a linked group counts once."""
        return self._working(account, strategy, instrument, _SELL)

    def working_buys(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        """What the strategy's orders may still buy."""
        return self._working(account, strategy, instrument, _BUY)

    def instrument_exposure(self, account: AccountId, instrument: InstrumentId) -> float:
        """Worst case of an account on an instrument: the larger of all-buys and all-sells."""
        mark = self._valuation.price(instrument)
        if mark is None:  # unknown is not nothing: what it cost, and what its buys reserve
            positions = self._portfolio.positions(account)
            cost = sum(abs(p.cost_float) for p in positions if p.instrument == instrument)
            return cost + self._unpriced_buys(account, instrument)
        net = self._portfolio.net_position(account, instrument)
        return _worst(float(net), self._orders.at_mark(account, instrument, mark), mark)

    def exposures(self, account: AccountId, strategy: StrategyId) -> tuple[float, float]:
        """Worst case of one strategy, and of the account over all instruments.

        Of the strategy: positions at the marks and what its buys may cost. Both in one look, for
        risk asks for both at every order, and there may be hundreds of instruments.
        """
        price, at_mark = self.mark, self._orders.at_mark
        known = self._orders.known_at_mark(account)
        held, net = self._portfolio.positions_of(account, strategy), self._portfolio.net(account)
        of_strategy = of_account = 0.0
        for name in self._names:
            mark, position = price(name), held.get(name)
            if mark is None:
                if position is not None:
                    of_strategy += abs(position.cost_float)
                of_strategy += self._unpriced_buys(account, name, strategy)
                of_account += self.instrument_exposure(account, name)
                continue
            open_ = known.get(name)
            if open_ is None or open_.mark != mark:
                open_ = at_mark(account, name, mark)
            if position is not None:
                of_strategy += abs(position.quantity_float) * mark
            of_strategy += open_.bought_by(strategy)
            of_account += _worst(float(net.get(name, ZERO)), open_, mark)
        return of_strategy, of_account

    def strategy_exposure(self, account: AccountId, strategy: StrategyId) -> float:
        """Worst case of one strategy, as `exposures`."""
        return self.exposures(account, strategy)[0]

    def account_exposure(self, account: AccountId) -> float:
        """Worst case of the account, as `exposures`."""
        return self.exposures(account, _NOBODY)[1]

    def is_in_doubt(self, account: AccountId, instrument: InstrumentId) -> bool:
        """Whether an order on the instrument has an unknown outcome (R5)."""
        return self._orders.in_doubt(account, instrument)

    def order(self, client_order_id: ClientOrderId) -> OrderSpec | None:
        """A working order's specification, or None."""
        order = self._orders.get(client_order_id)
        return None if order is None or order.is_terminal else order.spec

    def _unpriced_buys(
        self, account: AccountId, instrument: InstrumentId, strategy: StrategyId | None = None
    ) -> float:
        sums = self._orders.sums(account, instrument)
        if sums is not None:
            return sums.reserved(strategy)
        return sum(
            float(order.locked)
            for order in self._orders.working(account, instrument)
            if order.sign > 0 and strategy in (None, order.spec.strategy)
        )

    def _working(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId, side: Side
    ) -> Decimal:
        sums = self._orders.sums(account, instrument)
        if sums is not None:
            return sums.working(strategy, side)
        total = ZERO
        groups: dict[str, Decimal] = {}
        for order in self._orders.working(account, instrument):
            spec = order.spec
            if spec.strategy != strategy or spec.side is not side:
                continue
            if order.state is _HELD:
                continue
            if spec.oco_group:
                groups[spec.oco_group] = max(groups.get(spec.oco_group, ZERO), order.leaves)
            else:
                total += order.leaves
        for leaves in groups.values():
            total += leaves
        return total


def _worst(net: float, open_: AtMark, mark: float) -> float:
    """Return the larger of what is held with all buys filled, and with all sells filled."""
    bought = abs(net * mark + open_.bought)
    if net >= open_.sold:
        return bought
    sold = (open_.sold - net) * mark
    return sold if sold > bought else bought
