"""The account as risk sees it: portfolio and execution behind one read-only view."""

from collections.abc import Iterable
from decimal import Decimal

from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderSpec, OrderState, Side
from botcore.execution import Order
from botcore.execution.index import OrderIndex
from botcore.portfolio import Portfolio, Valuation

_FOR_EVER = 1 << 62

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_HELD = OrderState.HELD
_BUY = Side.BUY
_SELL = Side.SELL


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
        exact = self._portfolio.net_position(account, instrument)
        working = self._orders.working(account, instrument)
        if not exact and not working:
            return 0.0
        net = float(exact)
        sums = self._orders.sums(account, instrument)
        bought, sells = (
            _in_turn(working, mark) if sums is None else (sums.bought(mark), sums.sold())
        )
        return max(abs(net * mark + bought), abs(net - sells) * mark if net < sells else 0.0)

    def strategy_exposure(self, account: AccountId, strategy: StrategyId) -> float:
        """Worst case of one strategy: positions at the marks and what its buys may cost."""
        total = 0.0
        for name in self._names:
            mark = self._valuation.price(name)
            position = self._portfolio.position(account, strategy, name)
            if mark is None:
                total += abs(position.cost_float) + self._unpriced_buys(account, name, strategy)
                continue
            total += abs(position.quantity_float) * mark
            sums = self._orders.sums(account, name)
            if sums is not None:
                total += sums.bought(mark, strategy)
                continue
            for order in self._orders.working(account, name):
                if order.sign > 0 and order.spec.strategy == strategy and order.state is not _HELD:
                    total += _worst_cost(order, mark)
        return total

    def account_exposure(self, account: AccountId) -> float:
        """Worst case of the account over all instruments."""
        total = 0.0
        for name in self._names:
            total += self.instrument_exposure(account, name)
        return total

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


def _in_turn(orders: Iterable[Order], mark: float) -> tuple[float, float]:
    """Return what buys may cost and sells may sell, added up as floats, oldest first."""
    bought = sells = 0.0
    for order in orders:
        if order.state is _HELD:
            continue
        if order.sign > 0:
            bought += _worst_cost(order, mark)
        else:
            sells += float(order.leaves)
    return bought, sells


def _worst_cost(order: Order, mark: float) -> float:
    """What an open buy may cost: a limit or trigger above the mark counts as itself (I8)."""
    price = order.limit_price or order.trigger_price
    return float(order.leaves) * (mark if price is None else max(mark, float(price)))
