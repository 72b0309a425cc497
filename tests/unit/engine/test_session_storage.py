"""A session whose journal fails: nothing is sent without a durable intent, cancels still pass."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest
from tests.support.scripted_trading import (
    CASH,
    COIN,
    INSTRUMENTS,
    MOON,
    PAPER,
    STARTS,
    STRATEGIES,
    USDT,
    engine_config,
    tape,
)

from botcore.domain.commands import (
    CancelAll,
    Deposit,
    Flatten,
    Input,
    IntentNotDurable,
    OrderWish,
    Reconciled,
    SessionStarted,
    SubmitOrder,
)
from botcore.domain.effects import Cancel, Query
from botcore.domain.errors import StorageError
from botcore.domain.events import Fact, OrderPlaced, OrderUpdated, PersonActed
from botcore.domain.ids import ClientOrderId
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderRef, OrderSpec, OrderState, OrderType, Side
from botcore.domain.reports import ReportKind, VenueReport
from botcore.domain.steps import Step
from botcore.engine import Engine, Sequencer, Session
from botcore.venues.simulated import SimulatedVenue


class BreakableJournal:
    """Keeps steps in memory, and refuses what must be durable while it is broken."""

    def __init__(self) -> None:
        self.is_broken = False
        self.breaks_at_sending = False
        self.inputs: list[Input] = []
        self.facts: list[Fact] = []
        self.waited: list[object] = []

    def commit(self, key: Key, event: Input, step: Step, must_be_durable: bool) -> None:
        if must_be_durable:
            self.waited.append(event.kind if isinstance(event, VenueReport) else type(event))
        self.inputs.append(event)
        self.facts.extend(step.facts)
        if (
            self.breaks_at_sending
            and isinstance(event, VenueReport)
            and event.kind is ReportKind.SENDING
        ):
            self.is_broken = True
        lowers = step.effects and all(isinstance(e, Cancel | Query) for e in step.effects)
        if self.is_broken and must_be_durable and not lowers:
            raise StorageError(code="STORE_DISK_FULL", cause="the disk is full", fix="free some")


class Trading:
    """The scripted scenario in memory."""

    def __init__(self) -> None:
        self.engine = Engine(engine_config(), STRATEGIES)
        self.venue = SimulatedVenue(instruments={each.id: each for each in INSTRUMENTS})
        self.venue.deposit(PAPER, USDT, CASH)
        self.journal = BreakableJournal()
        self.session = Session(
            engine=self.engine,
            venue=self.venue,
            sequencer=Sequencer(),
            commit=self.journal.commit,
        )
        self.tape = tape()
        for event in (
            SessionStarted(PAPER, 1),
            Deposit(PAPER, USDT, f"{CASH:f}", "opening"),
            Reconciled(PAPER, 0),
        ):
            self.session.input(event, STARTS)

    def bars(self, count: int) -> None:
        """Play the next bars."""
        for _ in range(count):
            self.session.bars(self.tape.pop(0))

    @property
    def mode(self) -> Mode:
        """What the account may do."""
        return self.engine.desk.risk.account(PAPER).mode

    def states(self) -> dict[ClientOrderId, OrderState]:
        """Every order and how it stands."""
        return {order.id: order.state for order in self.engine.desk.execution.index}

    def at_venue(self) -> set[ClientOrderId]:
        """Orders the venue ever accepted."""
        return set(self.venue.acceptances())


@pytest.fixture
def trading() -> Trading:
    return Trading()


def test_r1_an_intent_that_is_not_durable_is_never_sent(trading: Trading) -> None:
    trading.journal.is_broken = True

    trading.bars(3)

    assert trading.at_venue() == set()
    assert set(trading.states().values()) == {OrderState.NOT_SENT, OrderState.CANCELED}
    assert trading.mode is Mode.CANCEL_ONLY
    assert trading.engine.desk.execution.index.locked(PAPER, USDT) == 0


def test_r1_an_order_whose_sending_is_not_durable_is_known_not_to_have_left(
    trading: Trading,
) -> None:
    trading.journal.breaks_at_sending = True

    trading.bars(3)

    assert trading.at_venue() == set()
    assert OrderState.SENDING not in trading.states().values()
    assert trading.mode is Mode.CANCEL_ONLY
    assert trading.engine.desk.execution.index.locked(PAPER, USDT) == 0


def test_r1_what_waited_behind_a_failed_commit_is_not_sent_once_the_store_is_back(
    trading: Trading,
) -> None:
    trading.journal.breaks_at_sending = True  # the first of two orders on one bar
    trading.bars(2)
    trading.journal.is_broken = trading.journal.breaks_at_sending = False

    trading.session.input(Reconciled(PAPER, 0), STARTS)
    trading.bars(1)

    sent = {
        event.client_order_id
        for event in trading.journal.inputs
        if isinstance(event, VenueReport) and event.kind is ReportKind.ACCEPTED
    }
    first_two = {"BC-1-1-1-1", "BC-1-1-4-1"}
    assert not first_two & trading.at_venue()
    assert sent == trading.at_venue()
    assert trading.mode is Mode.NORMAL


def test_d06_the_bar_goes_on_after_a_failed_commit_and_every_fill_is_booked(
    trading: Trading,
) -> None:
    trading.bars(2)
    trading.journal.is_broken = True  # the fill of the third bar releases a bracket's children

    trading.bars(3)

    (bought,) = (order for order in trading.engine.desk.execution.index if order.filled)
    assert (
        bought.filled == Decimal(3) == sum(t.quantity for t in trading.venue.trades(PAPER)) / 1000
    )
    assert trading.engine.desk.valuation.price(COIN) == 101.0
    trading.engine.desk.portfolio.verify()


def test_d06_cancels_still_reach_the_venue_while_the_store_is_broken(trading: Trading) -> None:
    trading.bars(2)
    resting = next(o for o in trading.venue.open_orders(PAPER) if o.instrument == MOON)
    trading.journal.is_broken = True

    trading.session.input(CancelAll(PAPER, "person:me"), STARTS)

    assert trading.venue.open_orders(PAPER) == ()
    assert trading.states()[resting.client_order_id] is OrderState.CANCELED


def test_the_engine_is_told_once_for_a_step_and_its_input_is_recorded(trading: Trading) -> None:
    trading.journal.is_broken = True

    trading.bars(2)

    told = [event for event in trading.journal.inputs if isinstance(event, IntentNotDurable)]
    assert [event.account for event in told] == [PAPER]
    placed = [fact for fact in trading.journal.facts if isinstance(fact, OrderPlaced)]
    ended = [
        fact
        for fact in trading.journal.facts
        if isinstance(fact, OrderUpdated) and fact.state.is_terminal
    ]
    assert {f.order.client_order_id for f in placed} == {f.client_order_id for f in ended}


def test_a_flatten_under_way_goes_on_once_the_store_is_back(trading: Trading) -> None:
    trading.bars(4)
    trading.journal.is_broken = True

    trading.session.input(Flatten(PAPER, "person:me", confirmed=True), STARTS)
    trading.bars(1)
    assert trading.mode == Mode.FLATTEN
    trading.journal.is_broken = False
    trading.bars(5)

    assert not any(p.quantity for p in trading.engine.desk.portfolio.positions(PAPER))
    assert trading.mode == Mode.CANCEL_ONLY


class FailingVenue:
    """A venue whose own store fails at the first order."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self._venue = venue
        self.is_broken = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)

    def submit(self, order: OrderSpec, ts: int) -> Iterable[VenueReport]:
        if self.is_broken:
            raise StorageError(code="VENUE_STORE_FULL", cause="no space", fix="free some")
        return self._venue.submit(order, ts)

    def submit_all(
        self, orders: Sequence[tuple[OrderSpec, int]]
    ) -> Iterable[Iterable[VenueReport]]:
        return [self.submit(order, ts) for order, ts in orders]

    def query(self, order: OrderRef, ts: int) -> Iterable[VenueReport]:
        return self._venue.query(order, ts)


def by_hand(number: int, price: str) -> SubmitOrder:
    """A person's order that rests."""
    wish = OrderWish(
        account=PAPER,
        instrument=COIN,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(1),
        limit_price=Decimal(price),
    )
    return SubmitOrder(order=wish, by="person:me", reference=f"r-{number}")


def test_orders_given_together_leave_in_order_once_all_are_durable(trading: Trading) -> None:
    trading.bars(1)
    before = len(trading.journal.waited)

    trading.session.together([by_hand(n, "90") for n in range(3)], STARTS)

    assert trading.journal.waited[before:] == [SubmitOrder, ReportKind.SENDING]
    sent = [o.client_order_id for o in trading.venue.open_orders(PAPER) if o.instrument == COIN]
    placed = [fact.orders[0] for fact in trading.journal.facts if isinstance(fact, PersonActed)]
    assert sent == placed
    assert len(sent) == 3


class CountingVenue:
    """Notes how many orders it is given at a time."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self._venue = venue
        self.given: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)

    def submit_all(
        self, orders: Sequence[tuple[OrderSpec, int]]
    ) -> Iterable[Iterable[VenueReport]]:
        self.given.append(len(orders))
        return self._venue.submit_all(orders)


def test_orders_given_together_reach_the_venue_together_and_their_answers_are_inputs_in_order(
    trading: Trading,
) -> None:
    trading.bars(1)
    venue = CountingVenue(trading.venue)
    trading.session.reconnect(venue)  # type: ignore[arg-type]  # the rest is the venue's own

    trading.session.together([by_hand(n, "90") for n in range(3)], STARTS)

    placed = [fact.orders[0] for fact in trading.journal.facts if isinstance(fact, PersonActed)]
    answers = [each for each in trading.journal.inputs if isinstance(each, VenueReport)]
    taken = [each.client_order_id for each in answers if each.kind is ReportKind.ACCEPTED]
    assert venue.given == [3]
    assert taken[-3:] == placed


def test_an_order_given_together_with_others_is_measured_with_them_in_place(
    trading: Trading,
) -> None:
    trading.bars(1)

    trading.session.together([by_hand(n, "90") for n in range(12)], STARTS)

    acts = [fact for fact in trading.journal.facts if isinstance(fact, PersonActed)]
    assert {act.code for act in acts[:10]} == {""}
    assert {act.code for act in acts[10:]} == {"ORDER_RATE"}


@pytest.mark.parametrize("at_sending", [False, True])
def test_r1_orders_given_together_do_not_leave_where_they_are_not_durable(
    trading: Trading, at_sending: bool
) -> None:
    trading.bars(1)
    trading.journal.is_broken, trading.journal.breaks_at_sending = not at_sending, at_sending

    trading.session.together([by_hand(n, "90") for n in range(3)], STARTS)

    acts = [fact for fact in trading.journal.facts if isinstance(fact, PersonActed)]
    assert len(acts) == 3
    assert {trading.states()[act.orders[0]] for act in acts} == {OrderState.NOT_SENT}
    assert not trading.at_venue()
    assert trading.mode is Mode.CANCEL_ONLY
    assert trading.engine.desk.execution.index.locked(PAPER, USDT) == 0


def test_orders_given_together_that_a_failed_venue_did_not_take_are_not_sent_later(
    trading: Trading,
) -> None:
    trading.bars(1)
    venue = FailingVenue(trading.venue)
    trading.session.reconnect(venue)  # type: ignore[arg-type]  # the rest is the venue's own
    with pytest.raises(StorageError, match="VENUE_STORE_FULL"):
        trading.session.together([by_hand(n, "90") for n in range(3)], STARTS)
    venue.is_broken = False

    trading.session.input(CancelAll(PAPER, "person:me"), STARTS)

    assert trading.at_venue() == set()


def test_what_waited_when_the_venue_failed_is_not_sent_by_a_later_input(trading: Trading) -> None:
    venue = FailingVenue(trading.venue)
    session = Session(
        engine=trading.engine,
        venue=venue,  # type: ignore[arg-type]  # the rest is the venue's own
        sequencer=Sequencer(),
        commit=trading.journal.commit,
    )
    trading.session = session
    trading.bars(1)
    with pytest.raises(StorageError, match="VENUE_STORE_FULL"):
        trading.bars(1)
    venue.is_broken = False

    session.input(CancelAll(PAPER, "person:me"), STARTS)

    assert trading.at_venue() == set()
