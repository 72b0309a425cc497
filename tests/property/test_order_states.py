"""Orders under any reports in any order: I5, I9, I10, I11, I12, I19 and what is locked."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.builders import (
    BTCUSDT,
    MAIN,
    USDT,
    a_fill,
    a_key,
    a_report,
    an_approved_order,
    an_exit,
)
from tests.support.order_desk import TO_STATE, OrderDesk, figures

from botcore.domain.effects import Cancel, Query, Replace, Submit
from botcore.domain.events import OrderFilled, OrderPlaced, OrderUpdated
from botcore.domain.ids import ClientOrderId
from botcore.domain.intents import ReplaceOrder
from botcore.domain.orders import OrderState
from botcore.domain.reports import ReportKind, VenueReport
from botcore.execution import AT_VENUE, LEGAL, ExecutionReport, Order

S, K = OrderState, ReportKind
T = TypeVar("T")
WORDLESS = sorted(set(ReportKind) - {K.FILLED, K.REPLACED})
QUANTITIES = st.decimals("0.01", "6", places=2)


class AnyReports(RuleBasedStateMachine):
    """Places, fills, cancels, changes and restarts orders; the venue may say anything."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = OrderDesk()
        self.placed: list[ClientOrderId] = []
        self.trades = 0
        self.submitted: list[ClientOrderId] = []
        self.states: dict[ClientOrderId, list[OrderState]] = {}
        self.applied: dict[ClientOrderId, dict[str, Decimal]] = {}

    @rule(quantity=QUANTITIES, exits=st.integers(0, 2))
    def place(self, quantity: Decimal, exits: int) -> None:
        order = an_approved_order(str(quantity), reserve=quantity * 101)
        entry = self.watch(lambda: self.desk.open(order, *[an_exit(str(quantity))] * exits))
        self.placed += [entry.id, *entry.children]

    @rule(pick=st.integers(0, 999), kind=st.sampled_from(WORDLESS))
    def report(self, pick: int, kind: ReportKind) -> None:
        order = self.pick(pick)
        if order is not None:
            self.watch(lambda: self.desk.report(kind, order))

    @rule(pick=st.integers(0, 999), quantity=QUANTITIES, again=st.booleans())
    def fill(self, pick: int, quantity: Decimal, again: bool) -> None:
        order = self.pick(pick)
        if order is None:
            return
        if again and self.trades:  # a duplicate, or a trade of another order: ids are per order
            trade = f"t{self.trades}"
        else:
            self.trades += 1
            trade = f"t{self.trades}"
        before = order.filled
        known = trade in order.fills
        self.watch(lambda: self.desk.fill(order, str(quantity), trade=trade))
        if not known:
            self.applied.setdefault(order.id, {})[trade] = quantity
        assert order.filled == before + (Decimal(0) if known else quantity)

    @rule(pick=st.integers(0, 999), quantity=QUANTITIES)
    def replaced(self, pick: int, quantity: Decimal) -> None:
        order = self.pick(pick)
        if order is not None and order.state in (S.ACCEPTED, S.PARTIAL):
            self.watch(lambda: self.desk.report(K.REPLACED, order, quantity=quantity))

    @rule(pick=st.integers(0, 999), quantity=QUANTITIES)
    def ask_for_a_change(self, pick: int, quantity: Decimal) -> None:
        order = self.pick(pick)
        if order is None:
            return
        outcome = self.desk.engine.replace(
            ReplaceOrder(MAIN, order.spec.strategy, order.id),
            quantity=quantity,
            limit_price=None,
            trigger_price=None,
            at=a_key(1),
        )
        if isinstance(outcome, ExecutionReport):
            self.watch(lambda: self.desk.take(outcome))

    @rule(pick=st.integers(0, 999))
    def cancel(self, pick: int) -> None:
        order = self.pick(pick)
        if order is not None:
            self.watch(lambda: self.desk.cancel(order))

    @rule()
    def restart_from_a_snapshot(self) -> None:
        again = OrderDesk()
        again.engine.restore(self.desk.engine.state())
        again.facts = self.desk.facts
        self.desk = again
        self.watch(lambda: self.desk.take(self.desk.engine.recover(MAIN, at=a_key(2))))

    @invariant()
    def i5_filled_is_the_sum_of_the_fills(self) -> None:
        for order in self.desk.engine.index:
            fills = self.applied.get(order.id, {})
            assert order.filled == sum(fills.values(), Decimal(0))
            assert {trade: q for trade, (_, q) in order.fills.items()} == fills
            assert order.leaves + order.filled >= order.quantity or order.is_terminal
            assert order.overfill == max(order.filled - order.quantity, Decimal(0))

    @invariant()
    def i9_every_step_is_a_legal_edge(self) -> None:
        for states in self.states.values():
            for before, after in pairwise(states):
                assert after is before or after in LEGAL[before]

    @invariant()
    def e93_locked_is_the_sum_over_the_working_orders(self) -> None:
        index = self.desk.engine.index
        working = list(index.working(MAIN, BTCUSDT))
        assert working == [order for order in index if not order.is_terminal]
        assert index.locked(MAIN, USDT) == sum((o.locked for o in working), Decimal(0))
        assert all(order.locked == 0 for order in index if order.is_terminal)
        assert all(0 <= order.locked <= order.reserve for order in working)

    @invariant()
    def r5_doubt_is_counted_as_it_is(self) -> None:
        index = self.desk.engine.index
        assert index.in_doubt(MAIN, BTCUSDT) is any(o.state is S.IN_DOUBT for o in index)

    @invariant()
    def i6_each_order_is_submitted_once_at_most(self) -> None:
        assert len(set(self.submitted)) == len(self.submitted)

    @invariant()
    def i12_a_fold_of_all_facts_is_the_state(self) -> None:
        folded = OrderDesk()
        for fact in self.desk.facts:
            folded.engine.fold(fact)
        assert folded.engine.state() == self.desk.engine.state()

    def watch(self, act: Callable[[], T]) -> T:
        """Do something, and look at what it said."""
        before, sent = len(self.desk.facts), len(self.desk.effects)
        result = act()
        facts, effects = self.desk.facts[before:], self.desk.effects[sent:]
        intents = set()
        for fact in facts:
            if isinstance(fact, OrderPlaced):
                self.states[fact.order.client_order_id] = [fact.state]
                if fact.state is S.INTENT:
                    intents.add(fact.order.client_order_id)
            elif isinstance(fact, OrderUpdated | OrderFilled):
                self.states[fact.client_order_id].append(fact.state)
                if fact.state is S.INTENT:
                    intents.add(fact.client_order_id)
        for effect in effects:
            if isinstance(effect, Submit):  # R1: with the fact that made it an intent
                assert effect.order.client_order_id in intents
                assert effect.order.quantity > 0
                self.submitted.append(effect.order.client_order_id)
            elif isinstance(effect, Cancel | Query | Replace):
                assert effect.order.client_order_id in self.states
        return result

    def pick(self, number: int) -> Order | None:
        if not self.placed:
            return None
        return self.desk.engine.index.get(self.placed[number % len(self.placed)])


TestAnyReports = AnyReports.TestCase


@st.composite
def sessions(draw: st.DrawFn) -> list[VenueReport]:
    """Reports of a venue that tells the truth: an order of 10, cut into fills, and its end."""
    cuts = sorted(draw(st.lists(st.integers(1, 10), max_size=5, unique=True)))
    reports = [a_report(K.SENDING)]
    if draw(st.booleans()):
        reports.append(a_report(K.OUTCOME_UNKNOWN))
    reports.append(a_report(K.ACCEPTED))
    before = 0
    for number, cumulative in enumerate(cuts):
        desk_fill = _fill(f"t{number}", cumulative - before, cumulative)
        reports.append(desk_fill)
        before = cumulative
    if before < 10 and draw(st.booleans()):
        reports.append(a_report(draw(st.sampled_from([K.CANCELED, K.EXPIRED]))))
    return reports


def _fill(trade: str, quantity: int, cumulative: int) -> VenueReport:
    return a_report(K.FILLED, fill=a_fill(trade, str(quantity)), cumulative=Decimal(cumulative))


def after(reports: list[VenueReport]) -> OrderDesk:
    """A desk with one order of 10, and these reports applied."""
    desk = OrderDesk()
    desk.open()
    for report in reports:
        desk.take(desk.engine.apply(report, at=a_key(1)))
    return desk


@given(sessions(), st.lists(st.integers(0, 99), max_size=8))
def test_i11_duplicates_anywhere_change_nothing(
    reports: list[VenueReport], copies: list[int]
) -> None:
    repeated: list[VenueReport] = []
    for place, report in enumerate(reports):
        repeated.append(report)
        repeated += [repeated[copy % len(repeated)] for copy in copies[place : place + 2]]

    once, often = after(reports), after(repeated)

    assert often.engine.state() == once.engine.state()
    assert often.facts == once.facts


@given(sessions())
def test_i11_a_session_twice_is_the_session_once(reports: list[VenueReport]) -> None:
    assert after(reports + reports).engine.state() == after(reports).engine.state()


@given(sessions(), st.randoms(use_true_random=False))
def test_i11_after_the_order_was_sent_every_order_of_reports_ends_alike(
    reports: list[VenueReport], random: object
) -> None:
    told = [report for report in reports if report.kind is not K.OUTCOME_UNKNOWN]
    shuffled = told[1:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own, seeded

    straight, mixed = after(told), after([told[0], *shuffled])

    assert [figures(o)[1:] for o in mixed.engine.index] == [
        figures(o)[1:] for o in straight.engine.index
    ]
    assert mixed.halts == []


@given(sessions(), st.integers(0, 20))
def test_i12_a_fold_from_a_snapshot_is_the_fold_of_all(
    reports: list[VenueReport], cut: int
) -> None:
    desk = after(reports)
    facts = desk.facts
    cut = min(cut, len(facts))

    first, second = OrderDesk(), OrderDesk()
    for fact in facts[:cut]:
        first.engine.fold(fact)
    second.engine.restore(first.engine.state())
    for fact in facts[cut:]:
        second.engine.fold(fact)

    assert second.engine.state() == desk.engine.state()


@given(st.sampled_from(sorted(TO_STATE)), st.sampled_from(WORDLESS), st.integers(0, 3))
def test_i9_any_report_in_any_state_takes_a_legal_edge_or_none(
    state: OrderState, kind: ReportKind, exits: int
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state, an_approved_order(), *[an_exit()] * exits)
    before = len(desk.facts)

    desk.report(kind, order)

    was = state
    for fact in desk.facts[before:]:
        if isinstance(fact, OrderUpdated) and fact.client_order_id == order.id:
            assert fact.state is was or fact.state in LEGAL[was]
            was = fact.state
    assert was is order.state
    assert (order.state in AT_VENUE) is (order.locked > 0) or order.state is S.INTENT
