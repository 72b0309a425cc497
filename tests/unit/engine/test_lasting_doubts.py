"""An order that nobody answers for: it keeps its reservation, and after minutes a person hears."""

from collections.abc import Iterable

from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned
from tests.support.venue_session import USDT

from botcore.domain.commands import TimerFired
from botcore.domain.events import RiskAlert
from botcore.domain.ids import Nanos
from botcore.domain.market import BarsClosed
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderRef, OrderSpec, OrderState, Side
from botcore.domain.reports import ReportKind, VenueReport
from botcore.engine import Sequencer
from botcore.venues.simulated import SimulatedVenue


class SilentVenue:
    """Takes orders and says nothing about them, also when asked; `asked` counts how often."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self._venue = venue
        self.asked = 0

    def submit(self, order: OrderSpec, ts: int) -> Iterable[VenueReport]:
        yield VenueReport(
            ReportKind.OUTCOME_UNKNOWN,
            order.account,
            order.instrument,
            order.client_order_id,
            Nanos(ts),
        )

    def query(self, order: OrderRef, ts: int) -> Iterable[VenueReport]:
        self.asked += 1
        return ()

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)


class SlowToTell(SilentVenue):
    """Loses every answer and report, and tells the truth only when it is asked for a third time."""

    def submit(self, order: OrderSpec, ts: int) -> Iterable[VenueReport]:
        list(self._venue.submit(order, ts))
        return super().submit(order, ts)

    def on_bars(self, event: BarsClosed) -> Iterable[VenueReport]:
        list(self._venue.on_bars(event))
        return ()

    def query(self, order: OrderRef, ts: int) -> Iterable[VenueReport]:
        super().query(order, ts)
        return self._venue.query(order, ts) if self.asked > 2 else ()


def a_doubtful_session() -> TradingSession:
    run = TradingSession(
        {"buyer": planned({1: lambda view: [buy(view)]})},
        wrap=SilentVenue,  # type: ignore[arg-type]  # what it does not silence is the venue's own
    )
    run.flat(100)
    return run


def test_r5_a_doubt_of_minutes_alarms_and_the_account_only_reduces() -> None:
    run = a_doubtful_session()
    before = run.risk.mode

    run.flat(100, 6)

    index = run.engine.desk.execution.index
    assert before is Mode.NORMAL
    assert run.risk.mode is Mode.REDUCE_ONLY
    assert [alert.code for alert in run.of(RiskAlert)] == ["MODE_REDUCE_ONLY"]
    assert run.orders[0].state is OrderState.IN_DOUBT  # age proves nothing
    assert index.locked(ACCOUNT, USDT) > 0


def test_r5_the_account_trades_again_once_the_doubt_is_resolved() -> None:
    run = a_doubtful_session()
    run.flat(100, 6)
    order = run.orders[0]

    run.session.input(
        VenueReport(
            ReportKind.NOT_ACCEPTED,
            ACCOUNT,
            order.spec.instrument,
            order.id,
            run.now,
        ),
        run.now,
    )
    run.flat(100)

    assert run.risk.mode is Mode.NORMAL
    assert run.engine.desk.execution.index.locked(ACCOUNT, USDT) == 0


def test_r5_the_venue_is_asked_about_a_doubt_until_it_tells_the_truth() -> None:
    run = TradingSession(
        {"buyer": planned({1: lambda view: [buy(view)]})},
        wrap=SlowToTell,  # type: ignore[arg-type]  # what it does not change is the venue's own
    )

    run.flat(100, 7)

    assert run.orders[0].state is OrderState.FILLED
    assert run.risk.mode is Mode.NORMAL
    assert not run.engine.desk.execution.index.has_doubts


class LosesSells(SlowToTell):
    """Answers for buys, and loses what becomes of a sell."""

    def submit(self, order: OrderSpec, ts: int) -> Iterable[VenueReport]:
        if order.side is Side.BUY:
            return self._venue.submit(order, ts)
        return super().submit(order, ts)

    def on_bars(self, event: BarsClosed) -> Iterable[VenueReport]:
        return [r for r in self._venue.on_bars(event) if r.client_order_id.endswith("-1-1")]


def test_r5_flattening_ends_although_the_answer_to_its_own_order_was_lost() -> None:
    run = TradingSession(
        {"buyer": planned({1: lambda view: [buy(view)]})},
        wrap=LosesSells,  # type: ignore[arg-type]  # what it does not change is the venue's own
    )
    run.flat(100, 3)
    assert run.orders[0].state is OrderState.FILLED
    key = Sequencer().key(TimerFired(ACCOUNT, "test"), run.now)
    run.engine.desk.mode(ACCOUNT, Mode.FLATTEN, "a test", "person:test", key)

    run.flat(100, 8)

    assert run.orders[1].state is OrderState.FILLED
    assert not run.engine.desk.execution.index.has_doubts
    assert run.risk.mode is Mode.CANCEL_ONLY
