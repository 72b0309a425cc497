"""The kept sums over open orders are those of a recomputation, to the bit, whatever happens."""

from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from tests.property.test_order_states import AnyReports
from tests.support.builders import BTCUSDT, MAIN, a_key, an_approved, an_approved_order
from tests.support.many_orders import NEVER, many_above
from tests.support.order_desk import OrderDesk

from botcore.domain.events import OrderPlaced
from botcore.domain.ids import StrategyId
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.reports import ReportKind
from botcore.execution import Order
from botcore.execution.at_mark import AtMark
from botcore.execution.open_sums import OpenSums

STRATEGIES = (StrategyId("ema"), StrategyId("grid"))
MARKS = (90.0, 99.995, 100.0, 100.1, 250.0)
PRICES = st.sampled_from(["90", "99.99", "100", "100.0", "100.01", "100.1", "120"])
SIZES = st.sampled_from(["0.001", "0.1", "0.7", "3", "1E-12", "123456789.00000001"])


class OrdersOfTwo(AnyReports):
    """Orders of two strategies, linked and not, under any reports, folds and restores."""

    few = 0

    def __init__(self) -> None:
        self.held = ExitStack()
        self.held.enter_context(many_above(self.few))
        super().__init__()

    def teardown(self) -> None:
        self.held.close()

    @rule(
        strategy=st.sampled_from(STRATEGIES),
        side=st.sampled_from(Side),
        kind=st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP]),
        price=PRICES,
        size=SIZES,
        group=st.sampled_from(["", "", "g", "h"]),
    )
    def place_any(
        self, strategy: StrategyId, side: Side, kind: OrderType, price: str, size: str, group: str
    ) -> None:
        order = an_approved_order(
            size,
            side=side,
            type=kind,
            limit_price=Decimal(price) if kind is OrderType.LIMIT else None,
            trigger_price=Decimal(price) if kind is OrderType.STOP else None,
            oco_group=group,
        )
        approved = an_approved(order, strategy=strategy)
        report = self.watch(
            lambda: self.desk.take(self.desk.engine.execute_order(approved, at=a_key()))
        )
        (placed,) = report.facts
        assert isinstance(placed, OrderPlaced)
        self.placed.append(placed.order.client_order_id)

    @rule(pick=st.integers(0, 999), price=PRICES, size=st.none() | SIZES)
    def moved(self, pick: int, price: str, size: str | None) -> None:
        order = self.pick(pick)
        if order is None or order.state not in (OrderState.ACCEPTED, OrderState.PARTIAL):
            return
        values = {"quantity": None if size is None else Decimal(size)}
        if order.limit_price is not None:
            values["limit_price"] = Decimal(price)
        elif order.trigger_price is not None:
            values["trigger_price"] = Decimal(price)
        self.watch(lambda: self.desk.report(ReportKind.REPLACED, order, **values))

    @rule()
    def go_on_from_the_facts(self) -> None:
        folded = OrderDesk()
        for number, fact in enumerate(self.desk.facts):
            folded.engine.fold(fact)
            if number % 3 == 0:
                folded.engine.index.sums(MAIN, BTCUSDT)  # from then on they are kept
                folded.engine.index.at_mark(MAIN, BTCUSDT, MARKS[number % len(MARKS)])
        folded.facts = self.desk.facts
        self.desk = folded

    @invariant()
    def i8_the_worst_case_told_is_that_of_the_orders_as_they_are(self) -> None:
        index = self.desk.engine.index
        working = list(index.working(MAIN, BTCUSDT))
        for mark in (90.0, 100.0, 90.0):  # the last one is what is asked first the next time
            told = index.at_mark(MAIN, BTCUSDT, mark)
            again = AtMark(mark, working, index.sums(MAIN, BTCUSDT))
            assert (told.bought, told.sold) == (again.bought, again.sold)
            assert told.bought == pytest.approx(bought(working, mark), rel=1e-12)
            for strategy in STRATEGIES:
                mine = [o for o in working if o.spec.strategy == strategy]
                assert told.bought_by(strategy) == again.bought_by(strategy)
                assert told.bought_by(strategy) == pytest.approx(bought(mine, mark), rel=1e-12)


class SumsInStep(OrdersOfTwo):
    """Their sums are kept from the first order on."""

    @rule(mark=st.sampled_from(MARKS))
    def mark_moves(self, mark: float) -> None:
        sums = self.desk.engine.index.sums(MAIN, BTCUSDT)
        if sums is not None:
            sums.bought(mark)

    @invariant()
    def i8_what_is_kept_is_what_a_recomputation_finds(self) -> None:
        index = self.desk.engine.index
        working = list(index.working(MAIN, BTCUSDT))
        sums = index.sums(MAIN, BTCUSDT)
        assert (sums is None) is (not working)
        if sums is None:
            return
        again, last = OpenSums(working), MARKS[len(working) % len(MARKS)]
        for strategy in (None, *STRATEGIES):
            mine = [o for o in working if strategy in (None, o.spec.strategy)]
            for mark in (*MARKS, *MARKS[::-2], last):
                assert sums.bought(mark, strategy) == bought(mine, mark)
                assert again.bought(mark, strategy) == bought(mine, mark)
            assert sums.reserved(strategy) == reserved(mine) == again.reserved(strategy)
        assert sums.sold() == sold(working) == again.sold()
        for strategy in STRATEGIES:
            mine = [o for o in working if o.spec.strategy == strategy]
            for side in Side:
                assert Fraction(sums.working(strategy, side)) == each_group_once(mine, side)


def counted(orders: Sequence[Order], sign: int) -> list[Order]:
    """The orders of a side that are not held."""
    return [o for o in orders if o.sign == sign and o.state is not OrderState.HELD]


def bought(orders: Sequence[Order], mark: float) -> float:
    """What the buys cost at worst: exact fractions, and one rounding at the end."""
    at, total = Fraction(repr(mark)), Fraction(0)
    for order in counted(orders, 1):
        price = order.limit_price or order.trigger_price
        total += Fraction(order.leaves) * (at if price is None else max(at, Fraction(price)))
    return float(total)


def sold(orders: Sequence[Order]) -> float:
    """What the sells sell, linked ones too."""
    return float(sum((Fraction(o.leaves) for o in counted(orders, -1)), Fraction(0)))


def reserved(orders: Sequence[Order]) -> float:
    """What buys lock, held ones too."""
    return float(sum((Fraction(o.locked) for o in orders if o.sign > 0), Fraction(0)))


def each_group_once(orders: Sequence[Order], side: Side) -> Fraction:
    """What a strategy's orders of a side may trade: of a group only one can."""
    mine = counted(orders, side.sign)
    sizes = [order.leaves for order in mine if not order.spec.oco_group]
    sizes += [
        max(order.leaves for order in mine if order.spec.oco_group == name)
        for name in {order.spec.oco_group for order in mine} - {""}
    ]
    return sum(map(Fraction, sizes), Fraction(0))


class LookedAtInTurn(OrdersOfTwo):
    """They are few: looked at one by one when something has moved."""

    few = NEVER


SumsInStep.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
LookedAtInTurn.TestCase.settings = SumsInStep.TestCase.settings
TestSumsInStep = SumsInStep.TestCase
TestLookedAtInTurn = LookedAtInTurn.TestCase
