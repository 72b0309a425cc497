"""The detectors find what is broken, name where, and leave the library alone."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest

from botcore.backtest import BarSeries, BarTape, demo_instruments, demo_tape
from botcore.backtest.checks import CheckReport, check_strategy
from botcore.backtest.findings import CheckFinding, Verdict
from botcore.domain.errors import ConfigError
from botcore.domain.ids import MINUTE_NS, Currency, InstrumentId
from botcore.domain.instruments import Instrument
from botcore.domain.intents import Intent, Target
from botcore.domain.market import Bar, BarSpec
from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import INDICATORS, FloatColumn, FloatRow, FloatTable, IndicatorSpec
from botcore.strategies import (
    LIBRARY,
    NO_VIEW,
    WARM_UP_REASON,
    EventStrategyBase,
    FeatureSpec,
    SignalStrategy,
    StrategyClass,
    StrategyView,
    feature,
)
from botcore.strategies.layout import CLOSE, CODE, DECIDED, FREE, HIGH, LOW, OPERANDS, WEIGHT
from botcore.strategies.rules import compiled

SOL = InstrumentId("SOLUSDT.SIM")
TAPE = demo_tape(1_500, seed=3, step_ns=MINUTE_NS, instruments=(SOL,))


def checked(strategy: StrategyClass, tape: BarTape = TAPE, **parameters: float) -> CheckReport:
    return check_strategy(
        "tested", strategy, tape=tape, instruments=demo_instruments(), parameters=parameters
    )


def verdicts(report: CheckReport) -> dict[str, str]:
    return {each.check: each.verdict.value for each in report.findings}


def failures(report: CheckReport) -> list[CheckFinding]:
    return [each for each in report.findings if each.verdict is Verdict.FAILED]


class Honest(SignalStrategy):
    """Long over an average of three bars."""

    name: ClassVar[str] = "honest"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "For tests."
    parameters: ClassVar[ParameterSpace] = ParameterSpace()
    reasons: ClassVar[tuple[str, ...]] = (WARM_UP_REASON, "always", "no view")
    no_view: ClassVar[tuple[int, ...]] = (2,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        return (feature("sma", period=3),)

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[CODE] = 1.0
        memory[OPERANDS] = 0.0
        return 1.0 if row[CLOSE] > row[0] else 0.0


SEEN: list[float] = []
"""What a first run of `Peeking` leaves for the next one: the future."""


class Peeking(Honest):
    """Buys where it knows that the next close will be higher."""

    name: ClassVar[str] = "peeking"
    free_memory: ClassVar[tuple[float, ...]] = (0.0,)

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        at = int(memory[FREE])
        memory[FREE] += 1.0
        memory[CODE] = 1.0
        if at == len(SEEN):
            SEEN.append(row[CLOSE])
        following = SEEN[min(at + 1, len(SEEN) - 1)]
        return 1.0 if following > row[CLOSE] else 0.0


class PeekingInColumns(Honest):
    """Honest bar by bar; over columns it takes the view of the next bar."""

    name: ClassVar[str] = "peeking-in-columns"

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        wanted = np.where(columns[CLOSE] > columns[0], 1.0, 0.0)
        left = np.zeros((len(wanted), DECIDED))
        left[:, CODE] = 1.0
        left[:-1, WEIGHT] = wanted[1:]
        return left


class OtherInColumns(Honest):
    """Sees no later bars over columns, and yet says something else there."""

    name: ClassVar[str] = "other-in-columns"

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        left = np.zeros((len(columns[0]), DECIDED))
        left[:, CODE] = 1.0
        left[:, WEIGHT] = np.where(columns[HIGH] > columns[LOW] * 2.0, 1.0, 0.0)
        return left


ASKED = [0]


class Hidden(Honest):
    """Counts its calls where nobody can see it."""

    name: ClassVar[str] = "hidden"

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        ASKED[0] += 1
        memory[CODE] = 1.0
        return float(ASKED[0] % 11 == 0)


class Raising(Honest):
    """Fails on a bar."""

    name: ClassVar[str] = "raising"
    free_memory: ClassVar[tuple[float, ...]] = (0.0,)

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[FREE] += 1.0
        memory[CODE] = 1.0
        return 1.0 / (memory[FREE] - 100.0) * 0.0


class Idle(Honest):
    """Wants nothing."""

    name: ClassVar[str] = "idle"

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[CODE] = 2.0
        return NO_VIEW


class Counting(Honest):
    """Remembers how many bars it has seen, and decides by that."""

    name: ClassVar[str] = "counting"
    free_memory: ClassVar[tuple[float, ...]] = (0.0,)

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[FREE] += 1.0
        memory[CODE] = 1.0
        return float(memory[FREE] % 2.0)


class Wide(Honest):
    """Declares a range that its indicator refuses."""

    name: ClassVar[str] = "wide"
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("period", "int", 3, 0, 100, "bars", "Of the average.")
    )

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        return (feature("sma", period=int(params["period"])),)


def _own_feature(indicator: IndicatorSpec) -> FeatureSpec:
    """Return a feature of an indicator that is in no registry."""

    class Own(FeatureSpec):
        @property
        def spec(self) -> IndicatorSpec:
            return indicator

    return Own("ema", MappingProxyType({"period": 20}))


def _changed(**changes: Any) -> IndicatorSpec:
    whole = {name: getattr(INDICATORS["ema"], name) for name in IndicatorSpec.__slots__}
    return IndicatorSpec(**{**whole, **changes})


def with_feature(indicator: IndicatorSpec) -> type[SignalStrategy]:
    own = _own_feature(indicator)
    features = staticmethod(lambda params: (own,))
    made: type[SignalStrategy] = type("Made", (Honest,), {"features": features})
    return made


def _smoothed(state: list[float], column: Sequence[float]) -> FloatColumn:
    """Average over the bars beside each bar, the later ones too."""
    return np.convolve(np.asarray(column, dtype=np.float64), np.full(3, 1 / 3), mode="same")


HIGHEST = [0.0]


def _repainting(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Scale by the highest price ever seen, in whichever run."""
    HIGHEST[0] = max(HIGHEST[0], x)
    out[at] = x / HIGHEST[0]


def test_an_honest_strategy_passes_every_check() -> None:
    report = checked(Honest)

    assert report.is_ok
    assert report.bars == 1_500
    assert set(verdicts(report)) == {
        "runs",
        "determinism",
        "look-ahead",
        "warm-up",
        "parameter bounds",
        "idle",
    }
    assert set(verdicts(report).values()) == {"passed"}


def test_e102_a_strategy_that_knows_the_future_is_found() -> None:
    SEEN.clear()

    found = {each.check: each.detail for each in failures(checked(Peeking))}

    assert re.fullmatch(
        r"with later bars cut off: it wants 0 at bar \d+ \(2024-01-01 00:0\d\)"
        r" in the first run and 1 in this one",
        found["look-ahead"],
    )
    assert "determinism" in found


def test_e102_a_rule_in_columns_that_takes_later_bars_is_found() -> None:
    (found,) = failures(checked(PeekingInColumns))

    assert found.check == "look-ahead"
    assert "decide_over sees later bars" in found.detail


def test_a_rule_in_columns_that_says_something_else_is_found_with_the_bar() -> None:
    (found,) = failures(checked(OtherInColumns))

    assert found.check == "look-ahead"
    assert re.fullmatch(
        r"the weight of decide_over at bar \d+ \(2024-01-01 .*\) is 0, but that of decide 1",
        found.detail,
    )


def test_e102_an_indicator_over_columns_that_takes_later_bars_is_found() -> None:
    (found,) = failures(checked(with_feature(_changed(loop=_smoothed))))

    assert found.check == "look-ahead"
    assert found.instrument == SOL
    assert found.detail.startswith("ema(period=20) over columns of 1,500 bars is ")
    assert found.detail.endswith("where later bars are unknown")


def test_e102_an_indicator_that_repaints_is_found_with_both_values() -> None:
    HIGHEST[0] = 0.0
    once = with_feature(_changed(step=_repainting, loop=None, settled=lambda *_, **__: 1))

    found = failures(checked(once))

    assert {each.check for each in found} >= {"determinism", "look-ahead"}
    assert "ema(period=20) is 1 at bar 0 (2024-01-01 00:01) in the first run and 0." in (
        found[0].detail
    )


def test_e102_a_warm_up_that_is_too_short_is_found_with_indicator_bar_and_both_values() -> None:
    (found,) = failures(checked(with_feature(_changed(settled=lambda *_, **__: 25))))

    assert found.check == "warm-up"
    assert found.detail.startswith("ema(period=20) is ")
    assert "at bar 625 (2024-01-01 10:26), but" in found.detail
    assert "it says that 25 are enough" in found.detail


def test_a_decision_by_hidden_state_is_found() -> None:
    found = {each.check: each.detail for each in failures(checked(Hidden))}

    assert "a second run on the same bars: it wants " in found["determinism"]


def test_what_a_strategy_raises_is_found_with_its_bar() -> None:
    report = checked(Raising)

    (found,) = report.findings
    assert found.check == "runs"
    assert "it raised at bar 101 (2024-01-01 01:42): ZeroDivisionError" in found.detail
    assert not report.is_ok


def test_bounds_that_cannot_run_are_found() -> None:
    (found,) = failures(checked(Wide))

    assert found.check == "parameter bounds"
    assert found.detail == "with period=0: sma: period 0 is below 1"


def test_a_strategy_that_never_trades_is_said_to_be_idle() -> None:
    report = checked(Idle)

    assert report.is_ok
    assert verdicts(report)["idle"] == "unproven"


def test_memory_that_never_agrees_with_a_later_start_is_not_called_sound() -> None:
    assert verdicts(checked(Counting))["warm-up"] == "unproven"


def test_too_few_bars_are_not_called_sound() -> None:
    report = checked(LIBRARY["ema-cross"], TAPE.last(300), slow=400)

    (found,) = [each for each in report.findings if each.check == "warm-up"]
    assert found.verdict is Verdict.UNPROVEN
    assert "too few bars to tell: give" in found.detail


def test_parameters_that_cannot_be_are_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="there is no parameter 'slwo'"):
        checked(LIBRARY["ema-cross"], slwo=3)


def test_a_tape_without_bars_is_refused() -> None:
    with pytest.raises(ConfigError, match="no bars to check on"):
        checked(Honest, TAPE.between(None, 0))


class EventBase(EventStrategyBase):
    """Buys on a rising close, sells on a falling one."""

    name: ClassVar[str] = "event"

    def wants(self, bar: Bar) -> bool:
        return bar.close > bar.open * 1.0005

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        weight = 1.0 if self.wants(bar) else 0.0
        yield Target(view.account, view.strategy, bar.instrument, weight)


KNOWN: dict[int, float] = {}


class PeekingEvent(EventBase):
    """Knows the close of the next bar from the run before."""

    name: ClassVar[str] = "peeking-event"

    def wants(self, bar: Bar) -> bool:
        KNOWN[bar.ts_close] = bar.close
        return KNOWN.get(bar.ts_close + MINUTE_NS, 0.0) > bar.close * 1.0005


class FaultyEvent(EventBase):
    """Raises on a bar."""

    name: ClassVar[str] = "faulty-event"

    def wants(self, bar: Bar) -> bool:
        raise RuntimeError("no idea")


class IdleEvent(EventStrategyBase):
    """Wants nothing."""

    name: ClassVar[str] = "idle-event"


class FragileEvent(EventBase):
    """Cannot divide by one of its bounds."""

    name: ClassVar[str] = "fragile-event"
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("parts", "int", 2, 0, 10, "", "Divides.")
    )

    def wants(self, bar: Bar) -> bool:
        return bar.close / self.params["parts"] > 0.0 and super().wants(bar)


def test_an_honest_event_strategy_passes_every_check() -> None:
    report = checked(EventBase, TAPE.last(400))

    assert set(verdicts(report)) == {
        "runs",
        "determinism",
        "look-ahead",
        "parameter bounds",
        "idle",
    }
    assert set(verdicts(report).values()) == {"passed"}


def test_e102_an_event_strategy_that_knows_the_future_is_found_by_its_orders() -> None:
    KNOWN.clear()

    found = {each.check: each.detail for each in failures(checked(PeekingEvent, TAPE.last(400)))}

    assert "order 1 is none in the first run and BUY " in found["determinism"]
    assert "order 1 is none in the first run and BUY " in found["look-ahead"]


@pytest.mark.parametrize(
    ("strategy", "check", "verdict", "word"),
    [
        (FaultyEvent, "runs", "failed", "it raised RuntimeError: no idea"),
        (IdleEvent, "idle", "unproven", "never wants to trade"),
        (FragileEvent, "parameter bounds", "failed", "with parts=0: at 2024-01-01"),
    ],
)
def test_an_event_strategy_that_fails_is_found(
    strategy: type[EventStrategyBase], check: str, verdict: str, word: str
) -> None:
    report = checked(strategy, TAPE.last(200))

    (found,) = [each for each in report.findings if each.check == check]
    assert found.verdict.value == verdict
    assert word in found.detail


@pytest.mark.slow
@pytest.mark.parametrize("name", list(LIBRARY))
def test_e102_the_library_passes_on_the_simulated_market(name: str) -> None:
    tape = demo_tape(6_000, seed=7, step_ns=MINUTE_NS, instruments=(SOL,))

    report = checked(LIBRARY[name], tape)

    assert [each for each in report.findings if each.verdict is not Verdict.PASSED] == []


@pytest.fixture(scope="module")
def real_tape(market_data_dir: Path) -> BarTape:
    """BTCUSDT of the exchange, 2022-05-09 to 12: the crash of LUNA inside."""
    days = [f"2022-05-{day:02}" for day in range(9, 13)]
    folder = market_data_dir / "binance-spot-1m"
    rows: list[list[str]] = []
    for day in days:
        (path,) = folder.rglob(f"BTCUSDT-1m-{day}.zip")
        with zipfile.ZipFile(path) as archive:
            (inside,) = archive.namelist()
            rows += csv.reader(io.StringIO(archive.read(inside).decode()))
    table = np.array([row[:6] for row in rows], dtype=np.float64)
    names = ("open", "high", "low", "close", "volume")
    columns = {name: table[:, place] for place, name in enumerate(names, 1)}
    opens = np.array([int(row[0]) * 1_000_000 for row in rows], dtype=np.int64)
    series = BarSeries(
        InstrumentId("BTCUSDT.BINANCE"), BarSpec(MINUTE_NS), ts_open=opens, columns=columns
    )
    return BarTape([series])


BTC = Instrument(
    id=InstrumentId("BTCUSDT.BINANCE"),
    base=Currency("BTC"),
    quote=Currency("USDT"),
    settle=Currency("USDT"),
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(10),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(LIBRARY))
def test_e102_the_library_passes_on_real_candles(name: str, real_tape: BarTape) -> None:
    report = check_strategy(name, LIBRARY[name], tape=real_tape, instruments=(BTC,))

    assert [each for each in report.findings if each.verdict is not Verdict.PASSED] == []


def test_e102_rules_without_code_pass() -> None:
    strategy = compiled(
        {
            "name": "rules",
            "features": {"mean": {"indicator": "ema", "period": 5}},
            "enter": {"left": "close", "op": "crosses_above", "right": "mean"},
            "exit": {"left": "close", "op": "below", "right": {"before": "low"}},
            "hysteresis": {"confirm_bars": 1},
        }
    )

    assert checked(strategy).is_ok
