"""The same tape, configuration and seed give the same facts; what must not matter does not."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import isnan
from typing import ClassVar

import msgspec
import pytest
from tests.support.trading_session import (
    ACCOUNT,
    WIDE,
    ByColour,
    TradingSession,
    buy,
    planned,
    scripted,
)
from tests.support.venue_session import an_instrument

from botcore.backtest import BacktestingFramework, BarTape, StrategyRun, demo_instruments, demo_tape
from botcore.domain.events import OrderFilled, OrderPlaced, PerformanceUpdate
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.domain.records import encode
from botcore.engine import Fingerprint
from botcore.indicators import FloatRow
from botcore.risk import RiskLimits, Sizing, SizingKind
from botcore.strategies import SignalRunner
from botcore.strategies.layout import CODE
from botcore.strategies.library import SIGNAL_LIBRARY

SOL = InstrumentId("SOLUSDT.SIM")
LOOSE = {"no_trade_bps": 0}


def a_tape(bars: int = 1_500, *, seed: int = 1) -> BarTape:
    return demo_tape(bars, seed=seed, step_ns=MINUTE_NS)


def fingerprint_of(framework: BacktestingFramework, runs: Sequence[StrategyRun]) -> str:
    report = framework.run_backtest(runs)
    assert report.fills > 20, "a run that never trades proves nothing"
    return report.fingerprint


EMA = StrategyRun("ema-cross", LOOSE)
MACD = StrategyRun("macd", LOOSE)


def test_e99_i13_two_runs_of_one_tape_have_the_same_fingerprint_and_another_tape_another() -> None:
    prints = [
        fingerprint_of(
            BacktestingFramework(tape=a_tape(seed=seed), instruments=demo_instruments()),
            [EMA, MACD],
        )
        for seed in (1, 1, 2)
    ]

    assert prints[0] == prints[1] != prints[2]


def test_e99_the_order_in_which_instruments_are_listed_does_not_matter() -> None:
    listed = demo_instruments()
    names = tuple(instrument.id for instrument in listed)
    tape = a_tape()
    prints = {
        fingerprint_of(
            BacktestingFramework(
                tape=BarTape(series),
                instruments=instruments,
            ),
            [
                msgspec.structs.replace(EMA, instruments=chosen),
                msgspec.structs.replace(MACD, instruments=chosen),
            ],
        )
        for series, instruments, chosen in (
            (tape.series, listed, names),
            (tuple(reversed(tape.series)), tuple(reversed(listed)), tuple(reversed(names))),
        )
    }

    assert len(prints) == 1


class Idle(ByColour):
    """Looks at every bar and never wants anything."""

    name: ClassVar[str] = "idle"

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[CODE] = 2.0
        return 0.0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_e99_a_strategy_that_never_trades_changes_nothing(place: int) -> None:
    framework = BacktestingFramework(
        tape=a_tape(), instruments=demo_instruments(), strategies={"idle": Idle}
    )
    runs = [EMA, MACD]
    without = fingerprint_of(framework, runs)

    runs.insert(place, StrategyRun("idle"))

    assert fingerprint_of(framework, runs) == without


def test_e99_a_strategy_that_is_always_denied_changes_nothing() -> None:
    framework = BacktestingFramework(
        tape=a_tape(),
        instruments=demo_instruments(),
        strategies={"hopeless": ByColour},
        limits=RiskLimits(order_frac=0.15),
    )
    huge = StrategyRun("hopeless", sizing=Sizing(equity_frac=5.0))

    assert fingerprint_of(framework, [EMA]) == fingerprint_of(framework, [huge, EMA])


def test_the_fingerprint_takes_business_facts_only() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view)]})}, observe=True)
    before = run.fingerprint.count
    run.flat(100, 2)
    placed = run.of(OrderPlaced)[0]
    one, other = Fingerprint(), Fingerprint()

    one.add([placed])
    other.add([msgspec.structs.replace(placed, config="of another run")])

    assert one.hexdigest() == other.hexdigest()
    kinds = {type(fact).__name__ for fact in run.facts}
    assert {"MarketDataUpdate", "ConfigApplied"} <= kinds, "they happened, and are not in it"
    assert run.fingerprint.count - before == len(
        [f for f in run.facts[before:] if type(f).__name__ in ("OrderPlaced", "OrderUpdated")]
    ) + 3 * len(run.of(OrderFilled))


def trades_of(run: TradingSession, strategy: str) -> list[tuple[int, Decimal, Decimal]]:
    return [
        (fact.fill.ts_event, fact.fill.quantity, fact.fill.price)
        for fact in run.of(OrderFilled)
        if fact.strategy == strategy
    ]


def test_e100_changing_one_strategy_changes_no_price_or_fill_of_another() -> None:
    """Nothing in engine and venue draws at random, so there is no draw to take from another."""
    tape = a_tape(600)
    sizing = Sizing(kind=SizingKind.FIXED, quantity=Decimal("0.1"))
    runs = [
        TradingSession(
            {"ema-cross": SIGNAL_LIBRARY["ema-cross"], "other": other},
            *demo_instruments(),
            sizing=sizing,
            parameters={"ema-cross": LOOSE},
            cash="100000000",
        )
        for other in (ByColour, SIGNAL_LIBRARY["rsi"])
    ]
    for run in runs:
        for event in tape:
            run.session.bars(event)

    assert len(trades_of(runs[0], "ema-cross")) > 10
    assert trades_of(runs[0], "ema-cross") == trades_of(runs[1], "ema-cross")
    assert trades_of(runs[0], "other") != trades_of(runs[1], "other")


def nanos(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    "midnight",
    [
        "2024-02-29T00:00:00",  # the leap day begins
        "2024-03-01T00:00:00",  # and ends
        "2023-03-01T00:00:00",
        "2024-03-31T00:00:00",  # clocks change in Europe on this day: not here
        "2024-10-27T00:00:00",
        "2024-11-03T00:00:00",  # and in America on this one
        "2025-01-01T00:00:00",
        "2016-12-31T00:00:00",  # a leap second ended it: UTC days here have 86,400 seconds
    ],
)
def test_e101_a_day_begins_at_utc_midnight_on_every_date(midnight: str) -> None:
    begins = nanos(midnight)
    run = TradingSession({"s": ByColour}, origin=begins - 3 * MINUTE_NS, limits=WIDE)

    run.flat(100, 2)
    before = len(run.of(PerformanceUpdate))
    at = run.bar(100)
    run.flat(100, 2)

    assert before == 0
    days = [fact for fact in at if isinstance(fact, PerformanceUpdate)]
    assert [(fact.ts, fact.day) for fact in days] == [(begins, begins // (86_400 * 10**9))]
    assert len(run.of(PerformanceUpdate)) == 1


def decisions(tape: BarTape, name: str, instrument: InstrumentId) -> dict[int, tuple[float, ...]]:
    run = TradingSession(
        {name: SIGNAL_LIBRARY[name]},
        *demo_instruments(),
        sizing=Sizing(),
        trades={name: [instrument]},
    )
    for event in tape:
        run.session.bars(event)
    return {row.ts: (row.code, *row.operands, row.weight) for row in run.signal().log}


@pytest.mark.parametrize("name", sorted(SIGNAL_LIBRARY))
def test_e102_a_decision_stays_as_it_was_when_later_bars_are_appended(name: str) -> None:
    tape = demo_tape(700, seed=1, step_ns=MINUTE_NS, instruments=(SOL,))
    cut = tape.between(None, tape.span[0] + 400 * MINUTE_NS)

    whole, part = decisions(tape, name, SOL), decisions(cut, name, SOL)

    assert len(part) == 400
    assert repr(part) == repr({ts: whole[ts] for ts in part})


@pytest.mark.parametrize("name", sorted(SIGNAL_LIBRARY))
def test_e102_a_decision_does_not_depend_on_bars_before_its_declared_history(name: str) -> None:
    """After the settled bars, both histories agree from the first change of mind they share."""
    tape = demo_tape(6_000, seed=1, step_ns=MINUTE_NS, instruments=(SOL,))
    start = tape.span[0] + 1_000 * MINUTE_NS
    settled = SignalRunner(SIGNAL_LIBRARY[name], {}).settled(1e-9)

    whole, late = decisions(tape, name, SOL), decisions(tape.between(start, None), name, SOL)

    after = [ts for ts in late if ts > start + settled * MINUTE_NS]
    weights = [(whole[ts][-1], late[ts][-1]) for ts in after]
    agreed = next(i for i, (a, b) in enumerate(weights) if a == b and not isnan(a))
    changes = {a for a, _ in weights[agreed:]}
    assert changes == {0.0, 1.0}, "a stretch without a change of mind proves nothing"
    assert [a for a, _ in weights[agreed:]] == [b for _, b in weights[agreed:]]


def test_p16_the_curve_is_equal_to_the_bit_in_two_runs() -> None:
    framework = BacktestingFramework(tape=a_tape(800), instruments=demo_instruments())
    curves = [framework.run_backtest([EMA, MACD]).curve for _ in range(2)]

    assert curves[0].equity.tobytes() == curves[1].equity.tobytes()
    assert curves[0].stamps.tobytes() == curves[1].stamps.tobytes()


def test_e99_the_log_of_a_run_is_the_same_bytes() -> None:
    def log() -> bytes:
        other = an_instrument("OTHERUSDT.SIM")
        run = TradingSession(
            {"a": ByColour, "b": scripted(lambda bar, view: [buy(view, "0.5")])},
            an_instrument(),
            other,
        )
        for step in range(40):
            price = 100 + step % 7
            run.bars(
                run.a_bar(price, price + 2, price - 1, price + step % 3 - 1),
                run.a_bar(*[price / 2] * 4, instrument=other.id),
            )
        assert run.engine.desk.portfolio.positions(ACCOUNT)
        return b"".join(
            encode(taken.key) + b"".join(map(encode, (*taken.step.facts, *taken.step.effects)))
            for taken in run.taken
        )

    assert log() == log()
