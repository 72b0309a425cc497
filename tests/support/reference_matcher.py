"""A naive matcher of market, limit and stop orders against bars, to compare the venue with.

It walks each bar's pessimistic path and looks at every order at every step (O(n²)), in decimals,
with the rules of the trap table written down a second time: E3 to E10, E15, P4, P6 and P11.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

Kind = Literal["market", "limit", "stop"]


@dataclass
class ReferenceOrder:
    """An order that the first bar with index `bar` or later may match."""

    name: str
    bar: int
    is_buy: bool
    kind: Kind
    price: Decimal
    leaves: Decimal
    last_bar: int = -1


@dataclass(frozen=True)
class ReferenceBar:
    """A bar with exact prices."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True)
class ReferenceFill:
    """One execution."""

    name: str
    bar: int
    price: Decimal
    quantity: Decimal
    fee: Decimal


class ReferenceMatcher:
    """Matches with rates as fractions and a grid of `tick` and `lot`."""

    def __init__(
        self, *, tick: Decimal, lot: Decimal, fee: Decimal, slippage: Decimal, share: Decimal
    ) -> None:
        self.tick = tick
        self.lot = lot
        self.fee = fee
        self.slippage = slippage
        self.share = share
        self.fills: list[ReferenceFill] = []
        self.left = Decimal(0)

    def run(self, orders: list[ReferenceOrder], bars: list[ReferenceBar]) -> list[ReferenceFill]:
        """Return every fill, in order; orders are given in order of arrival."""
        for index, bar in enumerate(bars):
            if bar.volume == 0:
                continue
            self.left = (bar.volume * self.share / self.lot).to_integral_value(
                ROUND_FLOOR
            ) * self.lot
            live = [order for order in orders if order.bar <= index and order.leaves]
            for kind in ("market", "stop", "limit"):
                for order in live:
                    if order.kind == kind and self._passed(order, bar.open):
                        self._trade(order, index, bar.open)
            # Down to the low, then up to the high: at each step the nearest order, stops first.
            self._walk(live, index, bar.open, bar.low, is_down=True)
            self._walk(live, index, bar.low, bar.high, is_down=False)
        return self.fills

    @staticmethod
    def _passed(order: ReferenceOrder, price: Decimal) -> bool:
        if order.kind == "market":
            return True
        if order.kind == "stop":
            return price >= order.price if order.is_buy else price <= order.price
        return price < order.price if order.is_buy else price > order.price

    def _walk(
        self,
        live: list[ReferenceOrder],
        index: int,
        start: Decimal,
        end: Decimal,
        *,
        is_down: bool,
    ) -> None:
        while True:
            best: ReferenceOrder | None = None
            for order in live:
                lies_down = (order.kind == "stop") != order.is_buy
                if order.kind == "market" or order.last_bar == index or not order.leaves:
                    continue
                if lies_down != is_down or not self._passed(order, end):
                    continue
                if best is None or self._sooner(order, best, is_down=is_down):
                    best = order
            if best is None:
                return
            self._trade(best, index, start if best.kind == "market" else best.price)

    @staticmethod
    def _sooner(a: ReferenceOrder, b: ReferenceOrder, *, is_down: bool) -> bool:
        if a.price != b.price:
            return a.price > b.price if is_down else a.price < b.price
        return a.kind == "stop" and b.kind == "limit"

    def _trade(self, order: ReferenceOrder, index: int, market: Decimal) -> None:
        if order.last_bar == index:
            return
        order.last_bar = index
        slips = order.kind != "limit"
        price = market if slips else order.price
        if order.kind == "stop":
            order.kind = "market"  # what is left of it takes the next open
        quantity = min(order.leaves, self.left)
        if quantity == 0:
            return
        if slips:
            worse = (price * self.slippage / self.tick).to_integral_value(ROUND_CEILING)
            price += worse * self.tick if order.is_buy else -worse * self.tick
        order.leaves -= quantity
        self.left -= quantity
        amount = price * quantity
        fee = (amount * self.fee).quantize(Decimal("1E-8"), ROUND_CEILING)
        self.fills.append(ReferenceFill(order.name, index, price, quantity, fee))
