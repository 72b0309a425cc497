"""What the engine answers between two steps: true to what would happen, and nothing is kept."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.by_hand import ADA, a_limit, a_session, a_wish, submit, told
from tests.support.trading_session import ACCOUNT, ByColour, TradingSession, buy, planned
from tests.support.venue_session import COINUSDT, USDT

from botcore.app.prices_seen import PricesSeen
from botcore.app.venue_costs import VenueCosts
from botcore.domain.commands import (
    MANUAL,
    KillSwitch,
    OrderWish,
    PauseStrategy,
    Quarantine,
    SubmitOrder,
)
from botcore.domain.errors import ConfigError
from botcore.domain.events import Fact
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.market import Quote, Trade
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side
from botcore.domain.questions import (
    AccountRiskState,
    Asked,
    BookLevels,
    BookOf,
    DecisionsOf,
    OrderPreview,
    PreviewOrder,
    RiskState,
    StrategyState,
    StrategyStates,
    TopOfBook,
    TopsOfBook,
    answer_type,
)
from botcore.engine.answering import Answering
from botcore.engine.decided import DecisionOutcomes
from botcore.risk import RiskLimits
from botcore.venues.simulated import VenueConfig

TIGHT = RiskLimits(order_frac=0.1, instrument_frac=0.2, orders_per_s=1_000)


class NoBooks:
    def book(self, instrument: InstrumentId, depth: int) -> BookLevels | None:
        return None


class OneBook:
    def book(self, instrument: InstrumentId, depth: int) -> BookLevels | None:
        level = (Decimal(99), Decimal(depth))
        return BookLevels(instrument=instrument, bids=(level,), is_valid=True, source="depth")


class Asking:
    """A session, and who answers questions about it."""

    def __init__(self, run: TradingSession, books: Any = None) -> None:
        self.run = run
        self.prices = PricesSeen()
        self.outcomes = DecisionOutcomes()
        self._heard = 0
        self.stopped = (
            StrategyState(
                id=StrategyId("asleep"), account=ACCOUNT, strategy="rsi", kind="", status="stopped"
            ),
        )
        self.answering = Answering(
            run.engine,
            outcomes=self.outcomes,
            costs=VenueCosts(VenueConfig()),
            prices=self.prices,
            books=books or NoBooks(),
            now=lambda: int(run.now),
            stopped=self.stopped,
        )

    def ask(self, question: Asked) -> Any:
        """Ask, and see that nothing changed by it."""
        self._hear(self.run.facts)
        before = self.run.engine.state_hash()
        answer = self.answering.answer(question)
        assert self.run.engine.state_hash() == before
        assert isinstance(answer, tuple) or type(answer) is answer_type(type(question))
        return answer

    def preview(self, wish: OrderWish) -> OrderPreview:
        preview: OrderPreview = self.ask(PreviewOrder(order=wish))
        return preview

    def risk(self) -> AccountRiskState:
        (state,) = self.ask(RiskState())
        assert isinstance(state, AccountRiskState)
        return state

    def states(self) -> dict[str, StrategyState]:
        return {each.id: each for each in self.ask(StrategyStates())}

    def _hear(self, facts: Iterable[Fact]) -> None:
        for fact in list(facts)[self._heard :]:
            self.outcomes.add(fact)
            self._heard += 1


@pytest.fixture
def asking() -> Asking:
    return Asking(a_session(cash="10000", limits=TIGHT))


def test_a_preview_says_what_an_order_would_be_cost_and_change(asking: Asking) -> None:
    preview = asking.preview(a_wish("2.00049", stop_loss="95.004"))

    assert preview.is_approved
    assert preview.order is not None
    assert preview.order.quantity == Decimal("2.000"), "floored to the lot"
    assert preview.exits[0].trigger_price == Decimal("95.01"), "a protecting stop rounds up"
    assert preview.reference is not None
    assert (preview.reference.price, preview.reference.source) == (100, "mark")
    assert preview.expected_price == Decimal("100.02")
    assert preview.notional == Decimal("200.04")
    assert preview.slippage_bps == 2
    assert preview.slippage == Decimal("0.04")
    assert preview.fee == Decimal("0.20004")
    assert "0.1 %" in preview.fee_model
    assert "0.02 %" in preview.slippage_model
    assert (preview.position_before, preview.position_after) == (0, 2)
    assert preview.position_frac_after == pytest.approx(0.020004)
    assert (preview.equity, preview.currency, preview.reserve_currency) == (10_000, USDT, USDT)
    assert preview.can_raise


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "100.04"), (Side.SELL, "99.98")])
def test_a_preview_expects_a_price_that_the_venue_can_fill_at(
    asking: Asking, side: Side, price: str
) -> None:
    asking.run.tell(SubmitOrder(order=a_wish("5"), by="person:ann", reference="r1"))
    asking.run.bar(100.01)  # 2 bps of it are no whole tick: the venue takes the next against us

    preview = asking.preview(a_wish("2", side))

    assert preview.expected_price == Decimal(price)
    assert preview.notional == 2 * Decimal(price)


def test_a_preview_says_what_is_left_of_each_limit(asking: Asking) -> None:
    told(asking.run, submit(a_limit("5", "90")))

    room = {each.before.limit: each for each in asking.preview(a_limit("2", "90")).headroom}

    assert room["order"].after.used == 180
    assert room["order"].after.allowed == 1_000
    assert (room["instrument"].before.used, room["instrument"].after.used) == (500, 680)
    assert room["instrument"].after.left == 1_320
    assert room["strategy"].before.of == MANUAL
    assert room["account"].after.used == 680
    assert room["cash"].before.used == Decimal("450.45")
    assert room["cash"].after.used == Decimal("630.63")
    assert (room["order rate"].before.used, room["order rate"].after.used) == (1, 2)


def test_a_limit_that_waits_pays_the_makers_fee_and_no_slippage() -> None:
    costs = VenueCosts(VenueConfig(maker_fee_ppm=200, taker_fee_ppm=1_000))

    assert costs.fee_frac(OrderType.LIMIT, takes=False) == Decimal("0.0002")
    assert costs.fee_frac(OrderType.LIMIT, takes=True) == Decimal("0.001")
    assert costs.fee_frac(OrderType.STOP, takes=False) == Decimal("0.001")
    assert costs.slippage_frac(OrderType.LIMIT) == 0


@pytest.mark.parametrize(
    ("wish", "code", "has_order"),
    [
        (a_wish("11"), "ORDER_LIMIT", True),
        (a_wish(side=Side.SELL), "SHORT_NOT_ALLOWED", True),
        (a_wish("NaN"), "INTENT_MALFORMED", False),
        (a_wish("0.0001"), "BELOW_MINIMUM", False),
        (a_wish(instrument="MOONUSDT.SIM"), "INSTRUMENT_UNKNOWN", False),
        (a_wish(strategy="nobody"), "STRATEGY_UNKNOWN", False),
    ],
)
def test_a_preview_of_what_is_not_allowed_says_why(
    asking: Asking, wish: OrderWish, code: str, has_order: bool
) -> None:
    preview = asking.preview(wish)

    assert (preview.is_approved, preview.code) == (False, code)
    assert preview.detail
    assert preview.reserve is None
    assert (preview.order is not None) is has_order


def test_a_preview_for_an_account_that_there_is_not_is_refused(asking: Asking) -> None:
    with pytest.raises(ConfigError, match="ACCOUNT_UNKNOWN"):
        asking.preview(a_wish(account=AccountId("other")))


def test_a_preview_of_a_way_out_says_that_it_raises_nothing(asking: Asking) -> None:
    told(asking.run, submit(a_wish("3")))
    asking.run.flat(100, 1)

    preview = asking.preview(a_wish("5", Side.SELL, reduce_only=True))

    assert preview.is_approved
    assert not preview.can_raise
    assert preview.order is not None
    assert (preview.order.quantity, preview.position_after) == (3, 0)


def test_a_preview_without_a_price_says_so() -> None:
    asking = Asking(TradingSession({}))

    preview = asking.preview(a_wish())

    assert (preview.code, preview.reference, preview.headroom) == ("NO_PRICE", None, ())
    assert preview.order is not None


def wishes() -> st.SearchStrategy[OrderWish]:
    """Orders of every kind, near and far from what is allowed."""
    price = st.decimals(80, 120, places=3)
    return st.builds(
        a_wish,
        st.decimals("0.0004", 25, places=4).map(str),
        st.sampled_from(Side),
        type=st.sampled_from(OrderType),
        limit_price=st.none() | price,
        trigger_price=st.none() | price,
        trail=st.none() | st.just(Decimal(1)),
        reduce_only=st.booleans(),
        stop_loss=st.none() | price,
        strategy=st.sampled_from([MANUAL, "mine", "nobody"]),
    )


@given(before=st.lists(wishes(), max_size=3), wish=wishes(), price=st.integers(95, 105))
@settings(max_examples=150, deadline=None)
def test_what_a_preview_says_is_what_happens(
    before: list[OrderWish], wish: OrderWish, price: int
) -> None:
    run = TradingSession(
        {"mine": planned({1: lambda view: [buy(view, "4")]})}, cash="10000", limits=TIGHT
    )
    run.flat(100, 2)
    for number, each in enumerate(before):
        told(run, submit(each, f"before-{number}"))
    run.flat(float(price), 1)
    asking = Asking(run)

    preview = asking.preview(wish)
    outcome = told(run, submit(wish))

    assert preview.is_approved is not outcome.is_denied
    assert (preview.code, preview.detail) == (outcome.code, outcome.detail)
    if preview.is_approved:
        placed = run.orders[-len(outcome.orders)]
        assert preview.order is not None
        spec = placed.spec
        assert preview.order.quantity == spec.quantity
        assert preview.order.limit_price == spec.limit_price
        assert preview.order.trigger_price == spec.trigger_price
        assert preview.reserve == placed.reserve
        assert len(preview.exits) == len(outcome.orders) - 1


def test_decisions_come_newest_first_with_why_and_what_became_of_them() -> None:
    run = TradingSession({"colour": ByColour}, cash="10000", limits=TIGHT)
    asking = Asking(run)
    run.bar(100, 101, 99, 99)
    run.bar(99, 101, 99, 101)
    run.bar(101, 101, 101, 101)

    found = asking.ask(DecisionsOf(strategy=StrategyId("colour"), instrument=COINUSDT, limit=2))
    older = asking.ask(
        DecisionsOf(strategy=StrategyId("colour"), instrument=COINUSDT, before=found.items[1].ts)
    )

    newest, before = found.items
    assert found.has_more
    assert (newest.wish, newest.weight, newest.reason) == ("no view", None, "it stood")
    assert (before.wish, before.weight, before.reason) == ("long", 1.0, "it rose")
    assert before.orders == (run.orders[0].id,)
    assert before.outcome == f"placed {run.orders[0].id}"
    assert [each.reason for each in older.items] == ["it fell"]
    assert not older.has_more


def test_a_decision_that_was_denied_says_why() -> None:
    run = TradingSession({"colour": ByColour}, cash="10000", limits=RiskLimits(order_frac=0.001))
    asking = Asking(run)
    run.bar(99, 101, 99, 101)

    (decision,) = asking.ask(DecisionsOf(strategy=StrategyId("colour"), instrument=COINUSDT)).items

    assert decision.denied == "ORDER_LIMIT"
    assert decision.outcome == "denied: notional 101.00 exceeds 10.00 for one order"


def test_decisions_of_what_decides_nothing_say_so() -> None:
    asking = Asking(TradingSession({"mine": planned({})}))

    mine = asking.ask(DecisionsOf(strategy=StrategyId("mine"), instrument=COINUSDT))
    nobody = asking.ask(DecisionsOf(strategy=StrategyId("nobody"), instrument=COINUSDT))

    assert mine.items == nobody.items == ()
    assert "events" in mine.note
    assert "no strategy" in nobody.note


def test_only_the_newest_outcomes_are_remembered() -> None:
    run = a_session()
    outcomes = DecisionOutcomes(kept=2)
    for number in range(3):
        run.flat(100, 1)
        told(run, submit(a_limit(), f"r-{number}"))
    for fact in run.facts:
        outcomes.add(fact)

    placed = [
        bool(outcomes.orders((MANUAL, COINUSDT, int(run.now) - back * 60 * 10**9)))
        for back in range(3)
    ]
    assert placed == [True, True, False]


def test_risk_says_what_is_used_of_each_limit(asking: Asking) -> None:
    told(asking.run, submit(a_wish("3")))
    asking.run.flat(100, 1)
    asking.run.flat(90, 1)

    state = asking.risk()

    used = {(each.limit, each.of): each for each in (*state.exposures, *state.others)}
    assert state.equity == 9_970
    assert used["account", ""].used == 270
    assert used["instrument", COINUSDT].used == 270
    assert used["instrument", COINUSDT].allowed == 1_994
    assert used["strategy", MANUAL].left == 9_700
    assert (used["drawdown", ""].used, used["drawdown", ""].allowed) == (30, 2_000)
    assert used["daily loss", ""].used_frac == pytest.approx(0.06)
    assert state.limits["order_frac"] == 0.1
    assert (state.mode, state.mode_exit) == (Mode.NORMAL, "")
    assert dict(state.limits_words)["order"] == "0.1 of equity"


def test_risk_says_how_a_mode_is_left() -> None:
    asking = Asking(a_session(cash="10000", limits=RiskLimits(drawdown_frac=0.01)))
    told(asking.run, submit(a_wish("10")))
    asking.run.flat(100, 1)
    asking.run.flat(80, 1)
    fallen = asking.risk()
    asking.run.tell(KillSwitch(ACCOUNT, ADA))
    halted = asking.risk()

    assert (fallen.mode, fallen.stop) == (Mode.REDUCE_ONLY, "DRAWDOWN")
    assert fallen.mode_exit.startswith("only by a person")
    assert halted.mode_exit.startswith("only by a person")


def test_every_strategy_is_told_with_how_it_stands() -> None:
    run = TradingSession(
        {"colour": ByColour, "mine": planned({1: lambda view: [buy(view, "4")]}), "off": ByColour},
        parameters={"colour": {"rise": 0.5}},
    )
    asking = Asking(run)
    run.flat(100, 3)
    told(run, submit(a_limit()))
    run.tell(PauseStrategy(ACCOUNT, StrategyId("off"), ADA))
    run.tell(Quarantine(ACCOUNT, StrategyId("mine"), "it never returned"))

    states = asking.states()

    assert list(states) == ["colour", "mine", "off", "asleep", MANUAL]
    assert {each.id: (each.kind, each.status) for each in states.values()} == {
        "colour": ("signal", "running"),
        "mine": ("event", "quarantined"),
        "off": ("signal", "paused"),
        "asleep": ("", "stopped"),
        MANUAL: ("manual", "manual"),
    }
    assert states["colour"].parameters == {"rise": 0.5, "fall": 0.0}
    assert states["off"].cause == f"paused by {ADA}"
    assert (states["mine"].open_positions, states[MANUAL].working_orders) == (1, 1)
    assert {each.badge for each in states.values()} == {"paper"}


def test_the_newest_prices_are_told_with_their_ages() -> None:
    run = a_session()
    asking = Asking(run)
    now = int(run.now)
    for event in (
        Trade(COINUSDT, Nanos(now - 3 * 10**9), 100.5, 2.0, True),
        Quote(COINUSDT, Nanos(now - 10**9), 99.0, 101.0, 4.0, 5.0),
    ):
        asking.prices.see(event)
        run.session.input(event, event.ts_event)

    (top,) = asking.ask(TopsOfBook())

    assert isinstance(top, TopOfBook)
    assert top.bid is not None
    assert top.last is not None
    assert top.mark is not None
    assert (top.bid.price, top.bid.age_s, top.bid_quantity) == (99, 1.0, 4.0)
    assert (top.last.price, top.last.age_s) == (Decimal("100.5"), 3.0)
    assert (top.mark.price, top.mark.age_s) == (100, 1.0)


def test_a_mark_between_two_prices_is_shown_without_the_digits_that_floats_leave() -> None:
    run = a_session(cash="10000", limits=TIGHT)
    asking = Asking(run)
    quote = Quote(COINUSDT, Nanos(int(run.now) - 10**9), 100.11, 100.12, 4.0, 5.0)
    asking.prices.see(quote)
    run.session.input(quote, quote.ts_event)
    mark = run.engine.desk.view.mark(COINUSDT)
    assert mark is not None
    assert str(mark) != "100.115", "this middle is no test: its float is short"

    preview = asking.preview(a_wish("2"))
    (top,) = asking.ask(TopsOfBook())

    assert preview.reference is not None
    assert str(preview.reference.price) == str(top.mark.price) == "100.115"


def test_a_price_whose_age_is_not_known_has_none(asking: Asking) -> None:
    (top,) = asking.ask(TopsOfBook(instruments=(COINUSDT,)))

    assert top.mark is not None
    assert (top.mark.price, top.mark.ts, top.mark.age_s) == (100, None, None)
    assert top.bid is top.last is None


def test_an_instrument_that_is_not_traded_has_no_prices(asking: Asking) -> None:
    with pytest.raises(ConfigError, match="INSTRUMENT_UNKNOWN"):
        asking.ask(TopsOfBook(instruments=(InstrumentId("MOONUSDT.SIM"),)))


def test_a_book_is_the_feeds_or_the_best_prices_or_nothing(asking: Asking) -> None:
    nothing = asking.ask(BookOf(instrument=COINUSDT))
    asking.prices.see(Quote(COINUSDT, asking.run.now, 99.0, 101.0, 4.0, 5.0))
    best = asking.ask(BookOf(instrument=COINUSDT))
    kept = Asking(asking.run, OneBook()).ask(BookOf(instrument=COINUSDT, depth=7))

    assert (nothing.is_valid, nothing.bids) == (False, ())
    assert nothing.note
    assert (best.source, best.bids, best.asks) == ("quote", ((99, 4),), ((101, 5),))
    assert (kept.source, kept.bids) == ("depth", ((99, 7),))
