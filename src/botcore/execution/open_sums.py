"""What the open orders of one account on one instrument add up to, kept as they change.

Every sum is an exact decimal: it does not matter in which order orders came, changed and went, and
what is kept is what a recomputation finds, to the bit. Floats are made of the sums, never summed.
"""

import decimal
from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal

from botcore.domain.ids import StrategyId
from botcore.domain.numbers import EXACT, ZERO, exact
from botcore.domain.orders import OrderSpec, OrderState, Side
from botcore.execution.order import Order

FEW = 32
"""So many open orders on an instrument are looked at one by one; beyond, their sums are kept."""

Part = tuple[Decimal, Decimal | None, Decimal]
"""What of an order counts: what may still fill, at which price (None: the mark), what it locks."""

_PLACES = 60
_FINEST = Decimal(1).scaleb(-_PLACES)
_GRID = EXACT.copy()
_GRID.prec = 2 * _PLACES
# A price times a quantity has at most twice the places before and behind the point, and a sum of
# them no more behind it: 10^60 orders would have to be open before one lost a digit.
_SUMS = EXACT.copy()
_SUMS.prec = 5 * _PLACES
_add = _SUMS.add
_subtract = _SUMS.subtract
_multiply = _SUMS.multiply
_WORTH = _SUMS.copy()
_WORTH.traps[decimal.Inexact] = False

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_HELD = OrderState.HELD
_BUY = Side.BUY


def part_of(order: Order) -> Part | None:
    """Return what of an order counts; None once it is terminal. A held order only locks."""
    if order.is_terminal:
        return None
    leaves = ZERO if order.state is _HELD else order.leaves
    return leaves, order.limit_price or order.trigger_price, order.locked


class OpenSums:
    """The sums over open orders that risk asks for, of all strategies and of each.

    Args:
        orders: those that are open now.

    Attributes:
        is_exact: whether the sums hold all their digits. A number that no market has (a quantity
            of 1E-300) ends that, and orders are to be looked at one by one.
    """

    def __init__(self, orders: Iterable[Order]) -> None:
        self._all = _Sums()
        self._lines: dict[StrategyId, _Line] = {}
        self.is_exact = True
        for order in orders:
            self.move(order.spec, None, part_of(order))

    def move(self, spec: OrderSpec, before: Part | None, after: Part | None) -> None:
        """Take a change of an order: None stands for an order that is not open."""
        if before == after or not self.is_exact:
            return
        if after is not None and not _fits(after):
            self.is_exact = False
            return
        name, is_buy, group = spec.strategy, spec.side is _BUY, spec.oco_group
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line()
        if before is not None:
            self._all.take(is_buy, before)
            line.take(is_buy, before)
            line.leave(is_buy, group, before[0])
        if after is not None:
            self._all.put(is_buy, after)
            line.put(is_buy, after)
            line.join(is_buy, group, after[0])
        elif not line.orders:
            del self._lines[name]

    def bought(self, mark: float, strategy: StrategyId | None = None) -> float:
        """Return what the buys (of a strategy) may cost at worst, quote units (I8).

        One with a limit or trigger above the mark counts at that, any other at the mark.
        """
        sums = self._all if strategy is None else self._lines.get(strategy)
        return 0.0 if sums is None else float(sums.buys.cost(exact(mark, what="a mark")))

    def sold(self) -> float:
        """Return what the sells may sell, base units; each order of a linked group counts."""
        return float(self._all.sells)

    def reserved(self, strategy: StrategyId | None = None) -> float:
        """Return what the buys (of a strategy) lock, held ones too, quote units."""
        sums = self._all if strategy is None else self._lines.get(strategy)
        return 0.0 if sums is None else float(sums.reserved)

    def working(self, strategy: StrategyId, side: Side) -> Decimal:
        """Return what a strategy's orders may still trade; a linked group counts once."""
        line = self._lines.get(strategy)
        return ZERO if line is None else line.working[side is _BUY]


class _Sums:
    """What buys may cost and lock, and what sells may sell."""

    __slots__ = ("buys", "reserved", "sells")

    def __init__(self) -> None:
        self.buys = PriceLadder()
        self.sells = ZERO
        self.reserved = ZERO

    def put(self, is_buy: bool, part: Part) -> None:
        """Count an order in."""
        leaves, price, locked = part
        if is_buy:
            self.reserved = _add(self.reserved, locked)
            self.buys.change(price, leaves)
        else:
            self.sells = _add(self.sells, leaves)

    def take(self, is_buy: bool, part: Part) -> None:
        """Count an order out, as it was counted in."""
        leaves, price, locked = part
        if is_buy:
            self.reserved = _subtract(self.reserved, locked)
            self.buys.change(price, leaves.copy_negate())  # `-` would round
        else:
            self.sells = _subtract(self.sells, leaves)


class _Line(_Sums):
    """The sums of one strategy.

    Attributes:
        orders: how many it has open.
        working: what its sells and its buys (False and True) may trade, each linked group once.
    """

    __slots__ = ("_groups", "orders", "working")

    def __init__(self) -> None:
        super().__init__()
        self.orders = 0
        self.working = [ZERO, ZERO]
        self._groups: dict[tuple[bool, str], list[Decimal]] = {}

    def join(self, is_buy: bool, group: str, leaves: Decimal) -> None:
        """Count what an order may trade in; its group counts as its largest."""
        self.orders += 1
        if not group:
            self.working[is_buy] = _add(self.working[is_buy], leaves)
            return
        sizes = self._groups.setdefault((is_buy, group), [])
        before = sizes[-1] if sizes else ZERO
        insort(sizes, leaves)
        self._grow(is_buy, _subtract(sizes[-1], before))

    def leave(self, is_buy: bool, group: str, leaves: Decimal) -> None:
        """Count what an order may trade out, as it was counted in."""
        self.orders -= 1
        if not group:
            self.working[is_buy] = _subtract(self.working[is_buy], leaves)
            return
        sizes = self._groups[is_buy, group]
        before = sizes[-1]
        del sizes[bisect_left(sizes, leaves)]
        if not sizes:
            del self._groups[is_buy, group]
        self._grow(is_buy, _subtract(sizes[-1] if sizes else ZERO, before))

    def _grow(self, is_buy: bool, more: Decimal) -> None:
        if more:
            self.working[is_buy] = _add(self.working[is_buy], more)


class PriceLadder:
    """Quantities by price, cut where the mark stands, so that their worst cost is two sums.

    The cut follows the mark when it is asked: a step for each price in between. Buy limits lie
    below the mark and buy stops above it, so a mark that passes a price as a rule fills what lies
    there.
    """

    __slots__ = ("_above", "_at_mark", "_cut", "_prices", "_quantities")

    def __init__(self) -> None:
        self._prices: list[Decimal] = []
        self._quantities: list[Decimal] = []
        self._cut = 0
        self._at_mark = ZERO
        self._above = ZERO

    def change(self, price: Decimal | None, quantity: Decimal) -> None:
        """Add to what lies at a price; a negative quantity takes away what was added."""
        if not quantity:
            return
        if price is None:
            self._at_mark = _add(self._at_mark, quantity)
            return
        prices, quantities = self._prices, self._quantities
        at = bisect_left(prices, price)
        if at < self._cut:
            self._at_mark = _add(self._at_mark, quantity)
        else:
            self._above = _add(self._above, _multiply(price, quantity))
        if at == len(prices) or prices[at] != price:
            prices.insert(at, price)
            quantities.insert(at, quantity)
            self._cut += at < self._cut
            return
        left = _add(quantities[at], quantity)
        if left:
            quantities[at] = left
        else:
            del prices[at], quantities[at]
            self._cut -= at < self._cut

    def cost(self, mark: Decimal) -> Decimal:
        """Return Σ quantity × the higher of price and mark, to 300 digits."""
        prices, quantities, cut = self._prices, self._quantities, self._cut
        if cut < len(prices) and prices[cut] <= mark:
            while cut < len(prices) and prices[cut] <= mark:
                self._at_mark = _add(self._at_mark, quantities[cut])
                self._above = _subtract(self._above, _multiply(prices[cut], quantities[cut]))
                cut += 1
            self._cut = cut
        elif cut and prices[cut - 1] > mark:
            while cut and prices[cut - 1] > mark:
                cut -= 1
                self._at_mark = _subtract(self._at_mark, quantities[cut])
                self._above = _add(self._above, _multiply(prices[cut], quantities[cut]))
            self._cut = cut
        return _WORTH.fma(self._at_mark, mark, self._above)


def _fits(part: Part) -> bool:
    """Whether every figure has at most 60 places before and behind the point."""
    try:
        for figure in part:
            if figure is not None:
                _GRID.quantize(figure, _FINEST)
    except (decimal.Inexact, decimal.InvalidOperation):
        return False
    return True
