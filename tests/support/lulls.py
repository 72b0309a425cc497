"""One tape played twice, with lulls and bar by bar, and all that either play leaves behind."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from tests.support.trading_session import ACCOUNT, ONE_COIN, WIDE
from tests.support.venue_session import COINUSDT, MINUTES, USDT, a_config, an_instrument

from botcore.backtest import BarSeries, BarTape
from botcore.backtest.playing import Player
from botcore.backtest.tape import PART
from botcore.domain.commands import ApplyConfig, Deposit, Input, Reconciled, SessionStarted
from botcore.domain.events import Fact
from botcore.domain.ids import MINUTE_NS, AccountId, Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.keys import Key
from botcore.domain.market import BarSpec
from botcore.domain.numbers import use_money_context
from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.domain.steps import Step
from botcore.engine import (
    AccountConfig,
    Engine,
    EngineConfig,
    Fingerprint,
    Sequencer,
    Session,
    SignalSlot,
    StrategyClass,
    StrategyConfig,
)
from botcore.engine.lulls import Lulls
from botcore.indicators import FloatRow
from botcore.risk import Protection, RiskLimits, Sizing
from botcore.strategies import (
    DECISION,
    WARM_UP_REASON,
    BarColumns,
    FeatureSpec,
    SignalStrategy,
    feature,
)
from botcore.strategies.layout import CLOSE, CODE, FREE, NO_VIEW
from botcore.venues.simulated import SimulatedVenue, VenueConfig

COLUMNS = ("open", "high", "low", "close", "volume")


class Patient(SignalStrategy):
    """Wants `weight` for `hold` bars, then nothing for `idle` bars, and so on.

    It counts its bars before it says anything, so that a bar it is shown twice, or not at all,
    shows in all that follows; and it may fail on one of them.
    """

    name: ClassVar[str] = "patient"
    version: ClassVar[int] = 1
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("weight", "float", 1, -10, 10),
        Parameter("hold", "int", 200, 1, 100_000),
        Parameter("idle", "int", 200, 0, 100_000),
        Parameter("silent_every", "int", 0, 0, 100_000, "bars", "Has no view, and says so."),
        Parameter("mute_at", "int", 0, 0, 100_000, "bars", "Returns NaN without a word."),
        Parameter("wild_at", "int", 0, 0, 100_000, "bars", "Returns a weight that is none."),
        Parameter("raise_at", "int", 0, 0, 100_000, "bars", "Raises."),
    )
    reasons: ClassVar[tuple[str, ...]] = (WARM_UP_REASON, "hold", "idle", "no view")
    no_view: ClassVar[tuple[int, ...]] = (3,)
    free_memory: ClassVar[tuple[float, ...]] = (0.0,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        return (feature("sma", period=3), feature("atr", period=5))

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        hold, idle, silent_every = params[1], params[2], params[3]
        memory[FREE] += 1.0
        count = memory[FREE]
        memory[1] = count
        memory[2] = row[0]
        memory[3] = row[1]
        memory[4] = row[CLOSE]
        if count == params[6]:
            raise ValueError("not on this bar")
        if count == params[4]:
            return NO_VIEW
        if count == params[5]:
            return 7.0
        if silent_every and count % silent_every == 0.0:
            memory[CODE] = 3.0
            return NO_VIEW
        if count % (hold + idle) < hold:
            memory[CODE] = 1.0
            return params[0]
        memory[CODE] = 2.0
        return 0.0


@dataclass(frozen=True)
class Run:
    """One strategy of a case; `account` is whose it is."""

    strategy: StrategyClass
    parameters: Mapping[str, float] = field(default_factory=dict)
    sizing: Sizing = ONE_COIN
    account: AccountId = ACCOUNT


@dataclass(frozen=True)
class Case:
    """A tape, and what is run over it.

    Attributes:
        limits: of each account; each begins with `cash` in USDT.
        coins: what else each account is given.
        protections: of every account.
    """

    tape: BarTape
    runs: Sequence[Run]
    limits: Mapping[AccountId, RiskLimits] = field(default_factory=lambda: {ACCOUNT: WIDE})
    venue: VenueConfig = field(default_factory=a_config)
    instruments: Sequence[Instrument] = field(default_factory=lambda: (an_instrument(),))
    cash: str = "1000000"
    coins: Mapping[str, str] = field(default_factory=dict)
    protections: tuple[Protection, ...] = ()

    @property
    def config(self) -> EngineConfig:
        """What the engine is told; strategies are named by their place."""
        return EngineConfig(
            tuple(
                AccountConfig(name, USDT, limits, self.protections)
                for name, limits in self.limits.items()
            ),
            tuple(self.instruments),
            tuple(
                StrategyConfig(
                    id=StrategyId(f"{run.strategy.name}-{number}"),
                    strategy=run.strategy.name,
                    account=run.account,
                    instruments=self.tape.instruments,
                    step_ns=self.tape.series[0].spec.step_ns,
                    parameters=run.parameters,
                    sizing=run.sizing,
                )
                for number, run in enumerate(self.runs)
            ),
        )


class CountedLulls(Lulls):
    """Lulls that say how many bars they took.

    Attributes:
        taken: what each call returned.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.taken: list[int] = []

    def take(self, together: Sequence[BarColumns], at: int, most: int) -> int:
        count = super().take(together, at, most)
        self.taken.append(count)
        return count


class Play:
    """A session that is ready to play a case's tape, as the backtest would begin it."""

    def __init__(self, case: Case) -> None:
        use_money_context()
        self.config = case.config
        self.engine = Engine(self.config, {run.strategy.name: run.strategy for run in case.runs})
        self.lulls = CountedLulls(self.engine.desk, self.engine.deciders, self.engine.curves)
        self.engine.lulls = self.lulls
        self.venue = SimulatedVenue(instruments=InstrumentBook(case.instruments), config=case.venue)
        self.sequencer = Sequencer()
        self.fingerprint = Fingerprint()
        self.steps: list[tuple[Key, Step]] = []
        self.session = Session(
            engine=self.engine, venue=self.venue, sequencer=self.sequencer, commit=self._commit
        )
        start = case.tape.span[0]
        for account in case.limits:
            self.session.input(ApplyConfig(account, self.config.document()), start)
            self.session.input(SessionStarted(account, 0), start)
            for currency, amount in {USDT: case.cash, **case.coins}.items():
                coin = Currency(currency)
                self.venue.deposit(account, coin, Decimal(amount))
                self.session.input(Deposit(account, coin, amount, f"opening {coin}"), start)
            self.session.input(Reconciled(account, 0), start)

    def with_lulls(self, tape: BarTape, *, part: int = PART) -> "Play":
        """Play a tape as a backtest does."""
        player = Player(
            self.session,
            engine=self.engine,
            venue=self.venue,
            sequencer=self.sequencer,
            part=part,
        )
        player.play(tape)
        return self

    def bar_by_bar(self, tape: BarTape) -> "Play":
        """Play a tape with a step for every stamp."""
        self.session.play(tape)
        return self

    def of(self, kind: type[Any]) -> list[Any]:
        """The facts of one kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def facts(self) -> list[Fact]:
        """Everything that happened, in order."""
        return [fact for _, step in self.steps for fact in step.facts]

    @property
    def slots(self) -> list[SignalSlot]:
        """The engine's signal strategies."""
        return [slot for slot in self.engine.deciders.slots if isinstance(slot, SignalSlot)]

    def left(self) -> dict[str, object]:
        """All that it leaves behind, floats as their bits; the sequencer gives away a key."""
        desk = self.engine.desk
        found: dict[str, object] = {
            "steps": self.steps,
            "fingerprint": self.fingerprint.hexdigest(),
            "state hash": self.engine.state_hash(),
            "marks": desk.valuation.marks(),
            "next key": self.sequencer.bars(0),
            "venue": self.venue.snapshot(),
        }
        for known in desk.accounts:
            curve = self.engine.curves[known.account]
            found[f"curve of {known.account}"] = curve.stamps.tobytes(), curve.equity.tobytes()
            for name in known.__slots__:
                found[f"{name} of {known.account}"] = repr(getattr(known, name))
        for slot in self.slots:
            whose = f"of {slot.strategy} on {slot.instrument}"
            found[f"decisions {whose}"] = b"".join(
                DECISION.pack(row.ts, row.code, *row.operands, row.weight) for row in slot.log
            )
            found[f"runner {whose}"] = slot.runner.state()
            found[f"spread {whose}"] = None if slot.spread is None else slot.spread.value
            for name in _SLOT:
                found[f"{name} {whose}"] = repr(getattr(slot, name))
        return found

    def _commit(self, key: Key, event: Input, step: Step, durable: bool) -> None:
        if step.facts or step.effects:
            self.steps.append((key, step))
            self.fingerprint.add(step.facts)


_SLOT = (
    "held",
    "exposure",
    "working",
    "working_orders",
    "signalled",
    "rest",
    "outcome",
    "is_paused",
    "is_faulty",
)


def assert_lulls_change_nothing(case: Case, *, part: int = 500) -> Play:
    """Play a case's tape both ways, compare what is left, and return the play with lulls.

    The parts are short, so that lulls and sweeps meet their ends.
    """
    lulled = Play(case).with_lulls(case.tape, part=part)
    stepped = Play(case).bar_by_bar(case.tape)

    found, expected = lulled.left(), stepped.left()
    assert found.keys() == expected.keys()
    differing = [name for name in expected if found[name] != expected[name]]
    assert not differing, differing
    return lulled


def a_walk(
    seed: int,
    n_bars: int,
    *,
    step_bps: float = 8.0,
    drift_bps: float = 0.0,
    idle_frac: float = 0.0,
    gap_frac: float = 0.0,
    volume: float = 1e6,
    origin: int = 0,
    instrument: InstrumentId = COINUSDT,
    spec: BarSpec = MINUTES,
) -> BarTape:
    """A tape of one random walk from 100, in cents.

    Args:
        idle_frac: share of the bars in which nobody trades, so that the price stands.
        gap_frac: share of the bars before which some are missing.
        volume: mean of the others' volume.
        origin: open of the first bar, nanoseconds.
    """
    chance = np.random.default_rng(seed)
    returns = chance.standard_t(4, n_bars) * step_bps / 1e4 + drift_bps / 1e4
    is_idle = chance.random(n_bars) < idle_frac
    returns[is_idle] = 0.0
    close = np.maximum(np.round(100.0 * np.cumprod(1.0 + returns), 2), 0.05)
    open_ = np.concatenate([[100.0], close[:-1]])
    reach = np.where(is_idle, 0.0, np.abs(chance.normal(0.0, step_bps / 2e4, (2, n_bars))))
    columns = {
        "open": open_,
        "high": np.round(np.maximum(open_, close) * (1.0 + reach[0]), 2),
        "low": np.round(np.minimum(open_, close) * (1.0 - reach[1]), 2),
        "close": close,
        "volume": np.where(is_idle, 0.0, volume * chance.lognormal(0.0, 0.8, n_bars)),
    }
    missing = np.where(chance.random(n_bars) < gap_frac, chance.integers(1, 300, n_bars), 0)
    places = np.arange(n_bars) + np.cumsum(missing)
    ts_open = origin + places.astype(np.int64) * spec.step_ns
    return BarTape([BarSeries(instrument, spec, ts_open=ts_open, columns=columns)])


def side_by_side_walks(seed: int, count: int, n_bars: int, **more: Any) -> BarTape:
    """A tape of several instruments, each a walk of its own; with gaps they lack different bars."""
    series: list[BarSeries] = []
    for number, name in enumerate(several(count)):
        series += a_walk(seed + number, n_bars, instrument=name, **more).series
    return BarTape(series)


def several(count: int) -> tuple[InstrumentId, ...]:
    """The instruments of such a tape; the first is the usual one."""
    return (COINUSDT, *(InstrumentId(f"COIN{number}USDT.SIM") for number in range(1, count)))


def recorded_tape(folder: Path, symbol: str, *days: str) -> BarTape:
    """One-minute bars of Binance spot, from the exchange's daily archives, without idle minutes."""
    rows = []
    for day in days:
        with zipfile.ZipFile(folder / "binance-spot-1m" / f"{symbol}-1m-{day}.zip") as archive:
            text = archive.read(archive.namelist()[0])
        rows.append(np.loadtxt(io.BytesIO(text), delimiter=",", usecols=(0, 1, 2, 3, 4, 5)))
    table = np.vstack(rows)
    ts_open = table[:, 0].astype(np.int64) // 60_000 * MINUTE_NS
    columns = {name: np.ascontiguousarray(table[:, at]) for at, name in enumerate(COLUMNS, 1)}
    name = InstrumentId(f"{symbol}.SIM")
    return BarTape([BarSeries(name, MINUTES, ts_open=ts_open, columns=columns)])
