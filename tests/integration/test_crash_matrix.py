"""Kill -9 at every step of an order's life, against a venue that lives on (K01 to K16).

The engine's process stops at a failpoint, is killed from outside, and started again; then what it
believes is compared with the venue's own truth, and another start must change nothing.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.crashes import (
    Stopped,
    disagreements,
    killed_at,
    run_to_the_end,
    venue_process,
)
from tests.support.engine_under_test import Dump, EngineUnderTest, Run, venue_of
from tests.support.scripted_trading import PAPER, USDT, tape
from tests.support.venue_process import Knob, Truth, VenueControl

from botcore.domain.events import Fact, LedgerPosted, OrderFilled, OrderPlaced, OrderUpdated
from botcore.domain.ids import SECOND_NS, ClientOrderId
from botcore.domain.orders import OrderState
from botcore.domain.records import Record, RecordKind, decode_fact
from botcore.execution import HorizonConfig
from botcore.storage import Store, read_journal, verify
from botcore.venues.simulated.records import OrderRecord

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

S = OrderState
BOOKKEEPING = {"PerformanceUpdate"}


class Scene:
    """A venue that lives, and the home of an engine that dies."""

    def __init__(self, home: Path, venue: VenueControl, run: Run) -> None:
        self.home = home
        self.venue = venue
        self.run = run

    @property
    def truth(self) -> Truth:
        """What is true."""
        return self.venue.truth()

    def records(self) -> list[Record]:
        """What the journal holds, whoever wrote it."""
        with Store(f"sqlite:///{self.home / 'engine.db'}") as store:
            return list(read_journal(store))

    def facts(self) -> list[Fact]:
        """The facts of it, in order."""
        return [decode_fact(r.payload) for r in self.records() if r.kind is RecordKind.FACT]

    @contextmanager
    def restarted(self) -> Iterator[EngineUnderTest]:
        """Start again, in this process, as far as being ready to trade."""
        venue, horizon = venue_of(self.run)
        engine = EngineUnderTest(self.home, venue, horizon=horizon, in_lockstep=True)
        engine.open()
        yield engine
        engine.close()
        engine.store.close()

    def settled(self) -> Dump:
        """Run to the end, agree with the venue, and stay as it is over another start."""
        dump = run_to_the_end(self.run)
        truth = self.truth
        assert disagreements(dump, truth) == []

        again = run_to_the_end(self.run)
        assert self.truth == truth
        assert disagreements(again, truth) == []
        assert (again.state_hash, again.orders, again.fills) == (
            dump.state_hash,
            dump.orders,
            dump.fills,
        )
        assert {again.facts[lsn] for lsn in again.facts.keys() - dump.facts.keys()} <= BOOKKEEPING
        return dump

    def wait_until(self, is_so: Callable[[Truth], bool], otherwise: str) -> None:
        """Wait until something is true at the venue."""
        ends = time.monotonic() + 20
        while not is_so(self.truth):
            assert time.monotonic() < ends, otherwise
            time.sleep(0.01)

    def wait_for(self, order: str) -> None:
        """Wait until the venue has taken an order."""
        self.wait_until(
            lambda truth: any(name.endswith(order) for name in truth.acceptances),
            f"the venue never took {order}",
        )


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    home = tmp_path / "engine"
    home.mkdir()
    with venue_process(tmp_path / "venue.db") as (address, venue):
        yield Scene(home, venue, Run(home=str(home), venue=address))


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The failpoints of a run that nothing disturbs, in order: where they are to be hit."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "engine").mkdir()
    with venue_process(folder / "venue.db") as (address, venue):
        dump = run_to_the_end(Run(home=str(folder / "engine"), venue=address))
        assert disagreements(dump, venue.truth()) == []
    return dump.trace


def after(trace: list[str], anchor: str, name: str) -> int:
    """Which hit of `name` is the first after the first of `anchor`."""
    begin = trace.index(anchor)
    return trace[: trace.index(name, begin) + 1].count(name)


def states(facts: list[Fact], order: str) -> list[OrderState]:
    """The states an order took, in order."""
    return [
        fact.state
        for fact in facts
        if isinstance(fact, OrderUpdated) and fact.client_order_id.endswith(order)
    ]


def order_in(engine: EngineUnderTest, suffix: str) -> tuple[ClientOrderId, OrderState]:
    """An order by the end of its id: number and attempt."""
    (found,) = (o for o in engine.engine.desk.execution.index if o.id.endswith(suffix))
    return found.id, found.state


def reserved(engine: EngineUnderTest) -> list[str]:
    """What stays locked."""
    index = engine.engine.desk.execution.index
    return [f"{index.locked(PAPER, name)} {name}" for name in (USDT,) if index.locked(PAPER, name)]


# Before the intent is durable.


def test_k01_killed_before_the_risk_check_there_is_nothing(scene: Scene) -> None:
    with killed_at(scene.run, "risk.before"):
        pass

    assert not any(isinstance(fact, OrderPlaced) for fact in scene.facts())
    assert scene.truth.records.orders == ()
    scene.settled()


def test_k02_killed_after_the_reservation_in_memory_nothing_stays_reserved(
    scene: Scene, trace: list[str]
) -> None:
    with killed_at(scene.run, "record.before", after(trace, "risk.before", "record.before")):
        pass

    with scene.restarted() as engine:
        assert reserved(engine) == []
        assert list(engine.engine.desk.execution.index) == []
    assert scene.truth.records.orders == ()
    scene.settled()


@pytest.mark.parametrize("place", ["journal.begun", "journal.recorded", "journal.projected"])
def test_k03_killed_inside_the_commit_the_intent_is_absent(
    place: str, scene: Scene, trace: list[str]
) -> None:
    with killed_at(scene.run, place, after(trace, "risk.before", place)):
        pass

    assert not any(isinstance(fact, OrderPlaced) for fact in scene.facts())
    with Store(f"sqlite:///{scene.home / 'engine.db'}") as store:
        assert verify(store) == []
    scene.settled()


def test_k03_killed_right_after_the_commit_the_intent_is_whole(
    scene: Scene, trace: list[str]
) -> None:
    number = after(trace, "risk.before", "journal.committed")
    with killed_at(scene.run, "journal.committed", number):
        pass

    placed = [fact for fact in scene.facts() if isinstance(fact, OrderPlaced)]
    assert [fact.state for fact in placed] == [S.INTENT, S.HELD, S.HELD, S.INTENT]
    scene.settled()


# Between the commit and the venue.


def test_k04_killed_before_the_sender_took_it_an_intent_is_closed_and_not_sent(
    scene: Scene,
) -> None:
    with killed_at(scene.run, "submit.committed"):
        pass

    with scene.restarted() as engine:
        assert order_in(engine, "-1-1")[1] is S.NOT_SENT
        assert order_in(engine, "-2-1")[1] is S.CANCELED  # held, of an entry without a fill
        assert reserved(engine) == []
    assert scene.truth.records.orders == ()
    scene.settled()


@pytest.mark.parametrize(
    ("case", "place"),
    [
        ("k05 sending is durable", "submit.sending"),
        ("k05 connected", "wire.submit.connected"),
        ("k06 half written", "wire.submit.half"),
    ],
)
def test_k05_k06_killed_before_the_request_was_whole_absence_is_proven_after_the_horizon(
    case: str, place: str, scene: Scene
) -> None:
    with killed_at(scene.run, place):
        pass

    with scene.restarted() as engine:
        order, state = order_in(engine, "-1-1")
        known = engine.engine.desk.execution.index.get(order)
        assert known is not None
        assert state is S.NOT_ACCEPTED, case
        assert engine.venue.now() > HorizonConfig().opens_at(known.sent_at)
        assert known.sent_at > 0
        assert order_in(engine, "-4-1")[1] is S.NOT_SENT  # it waited behind
        assert reserved(engine) == []
    assert states(scene.facts(), "-1-1") == [S.SENDING, S.IN_DOUBT, S.NOT_ACCEPTED]
    assert scene.truth.records.orders == ()
    scene.settled()


def test_k07_a_request_that_arrives_while_we_are_away_is_adopted(scene: Scene) -> None:
    scene.venue.turn(Knob(on="submit", fault="hold", arrives_after_s=1.9))  # just in time
    with killed_at(scene.run, "wire.submit.written"):
        assert scene.truth.records.orders == ()

    with scene.restarted() as engine:
        assert order_in(engine, "-1-1")[1] is S.ACCEPTED
    assert states(scene.facts(), "-1-1")[:3] == [S.SENDING, S.IN_DOUBT, S.ACCEPTED]
    scene.settled()


@pytest.mark.parametrize("arrives_after_s", [5.0, 1e6])
def test_k07_a_request_that_arrives_too_late_or_never_is_not_accepted(
    arrives_after_s: float, scene: Scene
) -> None:
    scene.venue.turn(Knob(on="submit", fault="hold", arrives_after_s=arrives_after_s))
    with killed_at(scene.run, "wire.submit.written"):
        pass

    with scene.restarted() as engine:
        assert order_in(engine, "-1-1")[1] is S.NOT_ACCEPTED
    assert scene.truth.acceptances == {}
    scene.settled()


# Between the venue and the acknowledgement.


def test_k08_killed_before_the_answer_the_order_is_found_by_its_id(scene: Scene) -> None:
    with killed_at(scene.run, "wire.submit.written"):
        scene.wait_for("-1-1")

    with scene.restarted() as engine:
        order, state = order_in(engine, "-1-1")
        assert state is S.ACCEPTED
        found = engine.engine.desk.execution.index.get(order)
        assert found is not None
        assert found.spec.strategy == "bracketed"
    assert list(scene.truth.acceptances) == [order]
    dump = scene.settled()
    assert dump.orders[order].state is S.FILLED


@pytest.mark.parametrize("place", ["wire.submit.read", "submit.answered"])
def test_k09_killed_with_the_answer_in_hand_it_is_as_if_it_never_came(
    place: str, scene: Scene
) -> None:
    with killed_at(scene.run, place):
        pass

    assert states(scene.facts(), "-1-1") == [S.SENDING]
    with scene.restarted() as engine:
        order, state = order_in(engine, "-1-1")
        assert state is S.ACCEPTED
    assert list(scene.truth.acceptances) == [order]
    scene.settled()


def test_k10_killed_before_the_acknowledgement_was_published_it_is_published_once(
    scene: Scene, trace: list[str]
) -> None:
    number = after(trace, "submit.answered", "record.after")
    with killed_at(scene.run, "record.after", number):
        pass
    assert states(scene.facts(), "-1-1") == [S.SENDING, S.ACCEPTED]

    dump = scene.settled()

    (acknowledged,) = (
        record.lsn
        for record in scene.records()
        if record.kind is RecordKind.FACT
        and isinstance(fact := decode_fact(record.payload), OrderUpdated)
        and fact.client_order_id.endswith("-1-1")
        and fact.state is S.ACCEPTED
    )
    assert dump.published.count(acknowledged) == 1


def test_k11_a_market_order_that_filled_before_the_answer_is_filled_with_fee_and_ledger(
    scene: Scene,
) -> None:
    with killed_at(scene.run, "wire.submit.written", 6):
        scene.wait_for("-6-1")
        scene.venue.move_market(tape()[9])  # the market goes on without us

    with scene.restarted() as engine:
        order, state = order_in(engine, "-6-1")
        assert state is S.FILLED
        engine.engine.desk.portfolio.verify()
    fills = [f for f in scene.settled().fills if f.client_order_id == order]
    assert [f.quantity for f in fills] == [Decimal(1)]
    assert all(f.fee > 0 for f in fills)


# Fills.


def test_k12_a_fill_that_was_received_and_not_committed_is_recovered_once(scene: Scene) -> None:
    with killed_at(scene.run, "fill.received"):
        pass
    assert not any(isinstance(fact, OrderFilled) for fact in scene.facts())

    with scene.restarted() as engine:
        order, state = order_in(engine, "-1-1")
        assert state is S.PARTIAL
    dump = scene.settled()
    assert [f.trade_id for f in dump.fills].count("T1") == 1
    assert dump.orders[order].filled == 3


@pytest.mark.parametrize("place", ["journal.recorded", "journal.projected", "journal.committed"])
def test_k13_a_fill_and_its_postings_are_both_there_or_neither(
    place: str, scene: Scene, trace: list[str]
) -> None:
    with killed_at(scene.run, place, after(trace, "fill.received", place)):
        pass

    facts = scene.facts()
    filled = [fact for fact in facts if isinstance(fact, OrderFilled)]
    posted = [f for f in facts if isinstance(f, LedgerPosted) and f.cause == "fill"]
    assert len(filled) == len(posted) == (1 if place == "journal.committed" else 0)
    with Store(f"sqlite:///{scene.home / 'engine.db'}") as store:
        assert verify(store) == []
    scene.settled()


@pytest.mark.parametrize("place", ["record.after", "publish.before", "publish.sent"])
def test_k14_a_fill_that_was_committed_is_published_and_posted_once(
    place: str, scene: Scene, trace: list[str]
) -> None:
    with killed_at(scene.run, place, after(trace, "fill.received", place)):
        pass

    dump = scene.settled()

    # What was sent and not yet noted as sent goes out again; whoever listens drops it by its lsn.
    again = {lsn for lsn in dump.published if dump.published.count(lsn) > 1}
    assert bool(again) is (place == "publish.sent")
    assert len(dump.posted) == len(set(dump.posted))


# Cancels.


def test_k15_a_cancel_that_was_committed_and_not_sent_is_sent_after_the_restart(
    scene: Scene,
) -> None:
    with killed_at(scene.run, "cancel.committed"):
        pass
    order = next(o for o in scene.truth.records.orders if o.state is S.ACCEPTED and o.number == 2)

    with scene.restarted() as engine:
        found = engine.engine.desk.execution.index.get(order.spec.client_order_id)
        assert found is not None
        assert found.state is S.CANCELED
    after_restart = next(o for o in scene.truth.records.orders if o.number == 2)
    assert after_restart.state is S.CANCELED
    scene.settled()


@pytest.mark.parametrize("fault", ["", "drop"])
def test_k16_a_cancel_that_was_sent_and_not_answered_is_resolved_by_asking(
    fault: str, scene: Scene
) -> None:
    if fault:
        scene.venue.turn(Knob(on="cancel", fault="drop"))
    with killed_at(scene.run, "wire.cancel.written"):
        pass

    with scene.restarted() as engine:
        assert order_in(engine, "-4-1")[1] is S.CANCELED
    scene.settled()


@pytest.mark.parametrize("fault", ["", "drop"])
@pytest.mark.parametrize(("order", "number"), [("-2-1", 1), ("-4-1", 3)])
def test_k16_a_change_that_was_sent_and_not_answered_is_known_after_the_restart(
    order: str, number: int, fault: str, scene: Scene
) -> None:
    """A grown stop, and a limit at another price: `fault` decides whether the venue changed it."""
    if fault:
        scene.venue.turn(Knob(on="replace", fault="drop", skip=number - 1))
    with killed_at(scene.run, "wire.replace.written", number):
        if not fault:
            scene.wait_until(lambda truth: _is_changed(truth, order), f"{order} was not changed")

    with scene.restarted() as engine:
        theirs = next(o for o in scene.truth.records.orders if _named(o, order))
        ours = engine.engine.desk.execution.index.get(theirs.spec.client_order_id)
        assert ours is not None
        assert (ours.quantity, ours.limit_price) == (theirs.quantity, theirs.limit_price)
        assert not ours.replace_pending
    scene.settled()


def _named(order: OrderRecord, suffix: str) -> bool:
    return order.spec.client_order_id.endswith(suffix)


def _is_changed(truth: Truth, suffix: str) -> bool:
    return any(
        (order.quantity, order.limit_price) != (order.spec.quantity, order.spec.limit_price)
        for order in truth.records.orders
        if _named(order, suffix)
    )


# Without a crash: answers that never come.


@pytest.mark.parametrize("fault", ["lose_answer", "reset", "drop"])
def test_e39_e40_a_lost_answer_to_an_order_is_a_doubt_until_the_truth_is_known(
    fault: str, scene: Scene
) -> None:
    scene.venue.turn(Knob(on="submit", fault=fault))  # type: ignore[arg-type]  # one of them

    dump = scene.settled()

    seen = states(scene.facts(), "-1-1")
    assert seen[:2] == [S.SENDING, S.IN_DOUBT]
    adopted = fault == "lose_answer"
    assert (S.ACCEPTED if adopted else S.NOT_ACCEPTED) in seen
    assert any(name.endswith("-1-1") for name in scene.truth.acceptances) is adopted
    assert dump.mode == "NORMAL"


@pytest.mark.parametrize("fault", ["lose_answer", "drop"])
def test_e43_a_lost_answer_to_a_cancel_leaves_it_owed_until_it_is_gone(
    fault: str, scene: Scene
) -> None:
    scene.venue.turn(Knob(on="cancel", fault=fault))  # type: ignore[arg-type]  # one of them

    dump = scene.settled()

    (order,) = (o for name, o in dump.orders.items() if name.endswith("-4-1"))
    assert order.state is S.CANCELED


def test_v01_a_venue_that_refuses_the_connection_was_sent_nothing(
    scene: Scene, trace: list[str]
) -> None:
    refused = after(trace, "submit.sending", "submit.answered")
    engine = Stopped(scene.run, ("submit.sending", 1), ("submit.answered", refused))
    try:
        engine.wait()
        scene.venue.be_deaf(is_deaf=True)
        engine.go_on()
        engine.wait()
        scene.venue.be_deaf(is_deaf=False)
        engine.go_on()
        engine.end()
    finally:
        engine.kill()

    assert states(scene.facts(), "-1-1") == [S.SENDING, S.NOT_SENT]
    scene.settled()


def test_r4_the_horizon_of_the_tests_is_the_products_own() -> None:
    default = HorizonConfig()

    assert default.opens_at(0) == 13 * SECOND_NS
