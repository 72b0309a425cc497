"""One latency run: updates at a fixed rate, each timed from the instant it was due.

``python latency_run.py CASE`` prints one JSON line. Open loop: an update that comes late
because the one before was slow counts from when it was due. Garbage collection is on.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import numpy as np
from botcore.app.market_tape import Tape
from botcore.app.recording import Recorder
from botcore.domain.commands import Deposit, Input, Reconciled, SessionStarted
from botcore.domain.effects import Submit
from botcore.domain.ids import SECOND_NS, AccountId, Currency, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.keys import Key
from botcore.domain.market import Bar, BarsClosed, BarSpec
from botcore.domain.numbers import use_money_context
from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.domain.steps import Step
from botcore.engine import (
    AccountConfig,
    Engine,
    EngineConfig,
    Sequencer,
    Session,
    StrategyConfig,
)
from botcore.indicators import FloatRow
from botcore.risk import RiskLimits, Sizing
from botcore.storage import SqlJournal, Store
from botcore.strategies import WARM_UP_REASON, FeatureSpec, SignalStrategy, feature
from botcore.venues.simulated import SimulatedVenue, VenueConfig

ACCOUNT = AccountId("bench")
USDT = Currency("USDT")
INSTRUMENTS = 20
STRATEGIES = 100
SPEC = BarSpec(SECOND_NS)
WARM_BARS = 40
FLIP_EVERY = 100  # decisions between two orders: 1 % of decisions
CASES = {  # updates/s, seconds
    "spread": (50_000, 10),
    "spread-fifth": (10_000, 10),
    "full": (5_000, 10),
    "full-tenth": (500, 10),
}
DURABLE_UPDATES = 3_000


class Flips(SignalStrategy):
    """Two averages each bar, and another target each hundredth decision.

    Each strategy begins at a bar of its own: orders come one by one, not a hundred at once.
    """

    name: ClassVar[str] = "flips"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Changes its mind each hundredth bar."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("phase", "int", 0, 0, FLIP_EVERY - 1, "bars", "Where in a hundred it begins."),
    )
    reasons: ClassVar[tuple[str, ...]] = (WARM_UP_REASON, "counted {0:.0f}")
    free_memory: ClassVar[tuple[float, ...]] = (-1.0,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return a fast and a slow average."""
        del params
        return (feature("ema", period=10), feature("ema", period=30))

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 and 0 in turns of a hundred decisions."""
        del row
        count = memory[8]
        if count < 0.0:
            count = params[0]
        count += 1.0
        memory[8] = count
        memory[0] = 1.0
        memory[1] = count
        return 1.0 if count % (2 * FLIP_EVERY) >= FLIP_EVERY else 0.0


class Probe:
    """Notes when each step's order was ready, against when its update was due."""

    def __init__(self) -> None:
        self.due = 0
        self.ready: list[int] = []
        self.decisions = 0
        self.keep = False

    def commit(self, _key: Key, event: Input, step: Step, _durable: bool) -> None:
        """Take a step: the moment its `Submit` is there, the approved order is ready."""
        if self.keep and type(event) is BarsClosed:
            for effect in step.effects:
                if type(effect) is Submit:
                    self.ready.append(time.perf_counter_ns() - self.due)


def instruments() -> tuple[Instrument, ...]:
    """Return twenty spot instruments."""
    return tuple(
        Instrument(
            id=InstrumentId(f"C{n:02d}USDT.SIM"),
            base=Currency(f"C{n:02d}"),
            quote=USDT,
            settle=USDT,
            tick=Decimal("0.01"),
            lot=Decimal("0.0001"),
            min_quantity=Decimal("0.0001"),
            min_notional=Decimal(5),
        )
        for n in range(INSTRUMENTS)
    )


def engine_for(case: str) -> tuple[Engine, SimulatedVenue]:
    """Return an engine of 100 strategies: 5 an instrument, or all on each."""
    known = instruments()
    names = [each.id for each in known]
    strategies = tuple(
        StrategyConfig(
            id=StrategyId(f"s{n:03d}"),
            strategy="flips",
            account=ACCOUNT,
            instruments=tuple(names) if case.startswith("full") else (names[n % INSTRUMENTS],),
            step_ns=SPEC.step_ns,
            parameters={"phase": (n * 37) % FLIP_EVERY},
            sizing=Sizing(equity_frac=0.0001),
        )
        for n in range(STRATEGIES)
    )
    limits = RiskLimits(orders_per_s=1_000_000, instrument_frac=10.0, account_frac=10.0)
    config = EngineConfig(
        (AccountConfig(ACCOUNT, USDT, limits),), known, strategies, decisions_kept=1_000
    )
    venue = SimulatedVenue(
        instruments=InstrumentBook(known), config=VenueConfig(participation_ppm=None)
    )
    venue.deposit(ACCOUNT, USDT, Decimal(10_000_000))
    return Engine(config, {"flips": Flips}), venue


def updates(count: int, *, seed: int = 1) -> list[BarsClosed]:
    """Return so many closed bars, one instrument after another, prices a random walk."""
    rng = np.random.default_rng(seed)
    known = [each.id for each in instruments()]
    ticks = np.full(INSTRUMENTS, 10_000)
    events = []
    for n in range(count):
        at = n % INSTRUMENTS
        before = int(ticks[at])
        ticks[at] = max(5_000, before + int(rng.integers(-5, 6)))
        after = int(ticks[at])
        opens = (n // INSTRUMENTS) * SPEC.step_ns
        low, high = min(before, after) / 100, max(before, after) / 100
        bar = Bar(
            known[at],
            SPEC,
            opens,
            opens + SPEC.step_ns,
            before / 100,
            high,
            low,
            after / 100,
            1e6,
        )
        events.append(BarsClosed(Nanos(bar.ts_close), (bar,)))
    return events


def begin(session: Session) -> None:
    """Open the account."""
    session.input(SessionStarted(ACCOUNT, 1), 0)
    session.input(Deposit(ACCOUNT, USDT, "10000000", "opening"), 0)
    session.input(Reconciled(ACCOUNT, 0), 0)


def measure(case: str) -> dict[str, object]:
    """Run one case in memory and return its percentiles in milliseconds."""
    use_money_context()
    rate, seconds = CASES[case]
    engine, venue = engine_for(case)
    probe = Probe()
    session = Session(engine=engine, venue=venue, sequencer=Sequencer(), commit=probe.commit)
    begin(session)
    warm = WARM_BARS * INSTRUMENTS
    events = updates(warm + rate * seconds)
    for event in events[:warm]:
        session.bars(event)
    del events[:warm]
    gc.collect()
    gc.freeze()  # the load, a list of half a million, is the driver's and not the engine's
    probe.keep = True
    interval = 1_000_000_000 // rate
    late = np.empty(rate * seconds, dtype=np.int64)
    start = time.perf_counter_ns() + 50_000_000
    for n, event in enumerate(events):
        due = start + n * interval
        while time.perf_counter_ns() < due:
            pass
        probe.due = due
        session.bars(event)
        late[n] = time.perf_counter_ns() - due
    took = (time.perf_counter_ns() - start) / 1e9
    return {
        "case": case,
        "rate": rate,
        "achieved": round(rate * seconds / took),
        "orders": len(probe.ready),
        "order_ms": percentiles(np.array(probe.ready)),
        "update_ms": percentiles(late),
        "durable_ms": durable(),
    }


def durable() -> dict[str, float]:
    """Return the time from an update to its order durable in a journal on disk, at 300/s."""
    engine, venue = engine_for("spread")
    waits: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'journal.db'}")
        with SqlJournal(store) as journal:
            tape = Tape(Path(folder) / "tape", max_bytes=1 << 26)
            recorder = Recorder(
                journal=journal, tape=tape, account=ACCOUNT, on_fact=lambda _lsn, _fact: None
            )
            due = 0

            def commit(key: Key, event: Input, step: Step, must: bool) -> None:
                recorder.commit(key, event, step, must)
                if due and type(event) is BarsClosed and step.effects:
                    waits.append(time.perf_counter_ns() - due)

            session = Session(engine=engine, venue=venue, sequencer=Sequencer(), commit=commit)
            begin(session)
            events = updates(WARM_BARS * INSTRUMENTS + DURABLE_UPDATES)
            for event in events[: WARM_BARS * INSTRUMENTS]:
                session.bars(event)
            start = time.perf_counter_ns()
            for n, event in enumerate(events[WARM_BARS * INSTRUMENTS :]):
                due = start + n * (1_000_000_000 // 300)
                while time.perf_counter_ns() < due:
                    pass
                session.bars(event)
            tape.close()
        store.close()
    return percentiles(np.array(waits))


def percentiles(nanoseconds: np.ndarray) -> dict[str, float]:
    """Return p50, p99, p99.9 and the largest, in milliseconds."""
    if not len(nanoseconds):
        return {}
    points = np.percentile(nanoseconds, [50, 99, 99.9, 100]) / 1e6
    return dict(
        zip(("p50", "p99", "p99.9", "max"), [round(float(p), 4) for p in points], strict=True)
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1])) + "\n")
