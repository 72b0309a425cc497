"""What open orders cost: a gate check, a bar and an order placed, with up to 10,000 at work.

``python open_orders.py CASE`` prints one JSON line about one case, measured in a process of its
own; without a case all of them, one after the other, are printed as a table. Three quarters of the
orders are buy limits below the market, the rest buy stops above it, each at a price of its own, of
four strategies. The market moves between them from bar to bar, so that every bar has another mark
and nothing fills.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from botcore.domain.commands import Deposit, Input, Reconciled, SessionStarted
from botcore.domain.decisions import Denied
from botcore.domain.events import OrderPlaced, OrderUpdated
from botcore.domain.ids import (
    MINUTE_NS,
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
)
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.intents import NO_REASON, Intent, PlaceOrder
from botcore.domain.keys import Key
from botcore.domain.market import Bar, BarsClosed, BarSpec
from botcore.domain.numbers import use_money_context
from botcore.domain.orders import OrderSpec, OrderState, OrderType, Side
from botcore.domain.steps import Step
from botcore.engine import (
    AccountConfig,
    Engine,
    EngineConfig,
    Sequencer,
    Session,
    StrategyConfig,
)
from botcore.execution import ExecutionConfig
from botcore.risk import RiskLimits, Sizing
from botcore.strategies import EventStrategyBase, StrategyView
from botcore.venues.simulated import SimulatedVenue, VenueConfig

import machine
from results import Section, table

NAME = "open-orders"
TITLE = "Open orders: what a check and a bar cost with up to 10,000 of them"

CASES = {  # open orders, instruments
    "0": (0, 1),
    "1000": (1_000, 1),
    "10000": (10_000, 1),
    "10000-on-3": (10_000, 3),
}
ACCOUNT = AccountId("bench")
USDT = Currency("USDT")
SPEC = BarSpec(MINUTE_NS)
STRATEGIES = 4
BARS = 40
PLACED = 5  # orders a bar, in the bars that place some
PLACING_BARS = 4
SECONDS = 6.0  # for the bars of one case; what is slower is measured less often
GATE_MS, BAR_MS = 1.0, 5.0
_MIDDLE, _TICK = Decimal(1000), Decimal("0.01")
_HERE = Path(__file__).resolve().parent


class Rests(EventStrategyBase):
    """Places as many limit orders far from the market as it is told to."""

    name: ClassVar[str] = "rests"
    wanted: ClassVar[int] = 0

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        """Want `wanted` orders."""
        return [_intent(bar.instrument, view.strategy, n) for n in range(type(self).wanted)]


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Measure each case ``repeat`` times and return the section with the medians."""
    about = machine.describe()
    rows = []
    for case, (count, spread) in CASES.items():
        if only and case not in only:
            continue
        lines = []
        for round_ in range(1, repeat + 1):
            done = subprocess.run(
                [sys.executable, Path(__file__).name, case],
                cwd=_HERE,
                capture_output=True,
                text=True,
                check=True,
            )
            lines.append(json.loads(done.stdout.splitlines()[-1]))
            say(f"{round_}/{repeat} {lines[-1]}")
        middle = {
            name: statistics.median(line[name] for line in lines)
            for name in ("gate_ms", "gate_worst_ms", "bar_ms", "bar_worst_ms", "placed_ms")
        }
        memory = statistics.median(line["bytes_an_order"] for line in lines)
        rows.append(
            (
                f"{count:,}" + (f" on {spread} instruments" if spread > 1 else ""),
                f"{middle['gate_ms']:.3f} / {middle['gate_worst_ms']:.3f}",
                f"{middle['bar_ms']:.2f} / {middle['bar_worst_ms']:.2f}",
                f"{middle['placed_ms']:.2f}",
                f"{memory / 1000:.1f}" if count else "",
                _met(middle["gate_ms"] < GATE_MS and middle["bar_ms"] < BAR_MS),
            )
        )
    head = (
        "open orders",
        "gate check p50 / worst, ms",
        "bar p50 / worst, ms",
        "an order placed, ms",
        "kB an order",
        f"gate < {GATE_MS:g} ms, bar < {BAR_MS:g} ms",
    )
    body = "\n\n".join(
        (
            (
                "Nothing fills, and each bar moves the mark. A bar is venue, engine and a strategy "
                "that wants nothing; a gate check is the decision about one buy; an order placed "
                "goes from the strategy through risk, execution and the venue to ACCEPTED. Memory "
                "is the resident memory that the orders add, in engine and venue together. Medians "
                f"of {repeat} runs, each in a fresh process."
            ),
            table(head, rows),
            "Machine: " + "; ".join(f"{label} {value}" for label, value in about) + ".",
        )
    )
    return Section(NAME, TITLE, body)


def measure(case: str) -> dict[str, float | str]:
    """Run one case and return its figures."""
    use_money_context()
    count, spread = CASES[case]
    known = tuple(_instrument(n) for n in range(spread))
    engine, venue, session = _session(known)
    session.bars(_bars(known, 0))
    gc.collect()
    before = _resident()
    for number in range(count):
        _put_to_work(engine, venue, _order(number, known[number % spread].id))
    bars, gates = list[float](), list[float]()
    session.bars(_bars(known, 1))  # what is made at the first question is made here
    _gate(engine, known[0].id, 1)
    gc.collect()
    used = _resident() - before
    began = time.perf_counter()
    for number in range(2, 2 + BARS):
        event = _bars(known, number)
        bars.append(_took(session.bars, event))
        gates.extend(_gate(engine, known[0].id, number) for _ in range(2))
        if time.perf_counter() - began > SECONDS:
            break
    Rests.wanted = PLACED
    placing = [
        _took(session.bars, event)
        for event in (_bars(known, 2 + BARS + n) for n in range(PLACING_BARS))
    ]
    Rests.wanted = 0
    placed = len(list(engine.desk.execution.index)) - count
    if placed != PLACED * PLACING_BARS * spread:
        raise SystemExit(f"{placed} orders were placed")
    return {
        "case": case,
        "gate_ms": statistics.median(gates),
        "gate_worst_ms": max(gates),
        "bar_ms": statistics.median(bars),
        "bar_worst_ms": max(bars),
        "placed_ms": (statistics.median(placing) - statistics.median(bars)) / (PLACED * spread),
        "bytes_an_order": used / count if count else 0.0,
    }


def _session(known: tuple[Instrument, ...]) -> tuple[Engine, SimulatedVenue, Session]:
    limits = RiskLimits(orders_per_s=1_000_000)
    config = EngineConfig(
        (AccountConfig(ACCOUNT, USDT, limits),),
        known,
        (
            StrategyConfig(
                id=StrategyId("s0"),
                strategy="rests",
                account=ACCOUNT,
                instruments=tuple(each.id for each in known),
                step_ns=SPEC.step_ns,
                sizing=Sizing(),
            ),
        ),
        execution=ExecutionConfig(),
    )
    venue = SimulatedVenue(instruments=InstrumentBook(known), config=VenueConfig())
    venue.deposit(ACCOUNT, USDT, Decimal(1_000_000_000))
    engine = Engine(config, {"rests": Rests})
    session = Session(engine=engine, venue=venue, sequencer=Sequencer(), commit=_commit)
    session.input(SessionStarted(ACCOUNT, 1), 0)
    session.input(Deposit(ACCOUNT, USDT, "1000000000", "opening"), 0)
    session.input(Reconciled(ACCOUNT, 0), 0)
    return engine, venue, session


def _commit(key: Key, event: Input, step: Step, must: bool) -> None:
    """Keep nothing."""


def _put_to_work(engine: Engine, venue: SimulatedVenue, order: OrderSpec) -> None:
    """Tell the engine of an order as its journal would, and the venue as a sender would."""
    price = order.limit_price or order.trigger_price or _MIDDLE
    reserve = price * order.quantity * 2
    ts, name = Nanos(MINUTE_NS), order.client_order_id
    engine.fold(
        OrderPlaced(ACCOUNT, order, OrderState.INTENT, reserve, USDT, 1000.0, ts, NO_REASON, "")
    )
    engine.fold(OrderUpdated(ACCOUNT, name, OrderState.SENDING, ts))
    (answer,) = venue.submit(order, ts)
    if answer.detail:
        raise SystemExit(answer.detail)
    engine.fold(OrderUpdated(ACCOUNT, name, OrderState.ACCEPTED, ts, answer.venue_order_id))


def _order(number: int, instrument: InstrumentId) -> OrderSpec:
    far = Decimal(2) + _TICK * (number // 4)
    name = ClientOrderId(f"BC-1-1-{number:X}-1")
    strategy = StrategyId(f"s{number % STRATEGIES}")
    if number % 4:
        limit = _MIDDLE - far - 30 * Decimal(number % 4 - 1)
        kind, trigger = OrderType.LIMIT, None
    else:
        kind, limit, trigger = OrderType.STOP, None, _MIDDLE + far
    return OrderSpec(
        name, ACCOUNT, strategy, instrument, Side.BUY, kind, Decimal("0.02"), limit, trigger
    )


def _intent(instrument: InstrumentId, strategy: StrategyId, number: int) -> PlaceOrder:
    return PlaceOrder(
        account=ACCOUNT,
        strategy=strategy,
        instrument=instrument,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal("0.02"),
        limit_price=Decimal(980) - number,
    )


def _gate(engine: Engine, instrument: InstrumentId, number: int) -> float:
    order, at = _intent(instrument, StrategyId("s0"), 0), Key(number * MINUTE_NS + 1, 10, 0, number)
    decided: list[object] = []
    took = _took(lambda: decided.append(engine.desk.risk.check_order_risk(order, at=at)))
    if isinstance(decided[0], Denied):
        raise SystemExit(f"the gate said no: {decided[0]}")
    return took


def _took(act: Callable[..., object], *given: object) -> float:
    began = time.perf_counter()
    act(*given)
    return (time.perf_counter() - began) * 1000


def _bars(known: tuple[Instrument, ...], number: int) -> BarsClosed:
    """Return the bars of one minute: up and down by half a unit about the middle."""
    opens, middle = Nanos(number * MINUTE_NS), float(_MIDDLE)
    open_, close = (middle - 0.5, middle + 0.5) if number % 2 else (middle + 0.5, middle - 0.5)
    ends = Nanos(opens + MINUTE_NS)
    bars = (
        Bar(each.id, SPEC, opens, ends, open_, middle + 0.7, middle - 0.7, close, 100.0)
        for each in known
    )
    return BarsClosed(ends, tuple(bars))


def _instrument(number: int) -> Instrument:
    base = Currency(f"C{number}")
    return Instrument(
        id=InstrumentId(f"C{number}USDT.SIM"),
        base=base,
        quote=USDT,
        settle=USDT,
        tick=_TICK,
        lot=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(5),
    )


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _met(is_met: bool) -> str:
    return "met" if is_met else "**not met**"


def main() -> int:
    """Measure one case, or all of them."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(sys.argv[1])) + "\n")
        return 0
    section = run(repeat=1, only=frozenset(), say=lambda _: None)
    sys.stdout.write(section.body + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
