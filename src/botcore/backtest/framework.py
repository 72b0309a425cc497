"""The backtest: a tape through the same engine, the same gate and the same venue as paper."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, DecimalException

import msgspec
import numpy as np

from botcore.backtest.collector import Collector
from botcore.backtest.demo import USDT
from botcore.backtest.playing import Progress
from botcore.backtest.report import BacktestReport
from botcore.backtest.reporting.record import Activity
from botcore.backtest.stage import ACCOUNT, Stage
from botcore.backtest.tape import BarTape
from botcore.domain.calendar import instant_name
from botcore.domain.commands import Input
from botcore.domain.errors import ConfigError
from botcore.domain.events import ModeChanged
from botcore.domain.ids import Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.domain.numbers import EXACT, QUANTUM, ZERO, use_money_context
from botcore.domain.parameters import did_you_mean
from botcore.domain.steps import Step
from botcore.engine import (
    AccountConfig,
    EngineConfig,
    SignalSlot,
    StrategyClass,
    StrategyConfig,
)
from botcore.engine.session import Commit
from botcore.kernel.clock import Clock, SystemClock
from botcore.risk import Protection, RiskLimits, Sizing
from botcore.strategies.library import strategy_named
from botcore.venues.simulated import VenueConfig, VenueStore

PPM = 1_000_000
_NEARLY = 0.01
"""How much of what came before a hole may be left in an indicator that counts as settled."""
_OBJECTS_MADE = 200_000
"""Between two looks of the garbage collector; Python's own 700 cost a run some 5 % of its time."""


class StrategyRun(msgspec.Struct, frozen=True):
    """One strategy to run.

    Attributes:
        name: in the library, or a key of the framework's own `strategies`.
        parameters: given ones; the rest take their defaults.
        sizing: what a weight of 1 is on one instrument.
        instruments: which of the tape's; None is all.
    """

    name: str
    parameters: Mapping[str, float] = {}
    sizing: Sizing = Sizing()
    instruments: tuple[InstrumentId, ...] | None = None


class BacktestingFramework:
    """Runs strategies over a tape.

    Args:
        tape: the bars.
        instruments: the rules of everything on it.
        cash: what the account begins with, decimal string in `currency`.
        currency: the account's reporting currency.
        venue: the venue's assumptions.
        limits: the account's limits.
        protections: what locks the account's entries for a time.
        strategies: classes beside those of the library.
        warning: what must be said about the prices.
        notes: what else a reader of the result must know about the data, one sentence each.
        clock: times the run, for the report only.

    Raises:
        ConfigError: the cash is no amount above 0.
    """

    def __init__(
        self,
        *,
        tape: BarTape,
        instruments: Sequence[Instrument],
        cash: str = "10000",
        currency: Currency = USDT,
        venue: VenueConfig | None = None,
        limits: RiskLimits | None = None,
        protections: Sequence[Protection] = (),
        strategies: Mapping[str, StrategyClass] | None = None,
        warning: str = "",
        notes: Sequence[str] = (),
        clock: Clock | None = None,
    ) -> None:
        self._tape = tape
        self._instruments = tuple(sorted(instruments, key=lambda i: (i.id, i.version)))
        self._cash = _opening(cash)
        self._currency = currency
        self._venue = venue or VenueConfig()
        self._limits = limits or RiskLimits()
        self._protections = tuple(protections)
        self._strategies = dict(strategies or {})
        self._warning = warning
        self._notes = tuple(notes)
        self._clock = clock or SystemClock()

    def run_backtest(
        self,
        strategy: str | StrategyRun | Sequence[StrategyRun],
        date_range: tuple[int | None, int | None] = (None, None),
        *,
        progress: Progress | None = None,
    ) -> BacktestReport:
        """Run one or several strategies over the bars that open in ``[start, end)``.

        What the tape holds before `start` is history: strategies settle on it, nothing is traded.

        Args:
            strategy: which; a bare name takes its default parameters and 10 % of equity.
            date_range: nanoseconds UTC; None is no bound.
            progress: called now and then.

        Raises:
            ConfigError: a name, a parameter or an instrument does not exist, or there is nothing
                to play.
        """
        collector = Collector()
        stage, seconds = self.played(strategy, date_range, collector=collector, progress=progress)
        return self.report(stage, collector, seconds=seconds)

    def played(
        self,
        strategy: str | StrategyRun | Sequence[StrategyRun],
        date_range: tuple[int | None, int | None] = (None, None),
        *,
        collector: Collector,
        progress: Progress | None = None,
        trace: Commit | None = None,
    ) -> tuple[Stage, float]:
        """Play a run; return its stage, to be reported, and how many seconds it took.

        Args:
            strategy: as `run_backtest`.
            date_range: as `run_backtest`.
            collector: takes every step, and has looked at all of them when this returns.
            progress: as `run_backtest`.
            trace: takes every step that made facts as well, for whoever compares runs.

        Raises:
            ConfigError: as `run_backtest`.
        """
        stage = self.stage(strategy, date_range, commit=_both(collector.commit, trace))
        began = self._clock.monotonic_ns()
        with _seldom_collected():
            stage.open()
            stage.play(progress)
            collector.finish()
        return stage, (self._clock.monotonic_ns() - began) / 1e9

    def stage(
        self,
        strategy: str | StrategyRun | Sequence[StrategyRun],
        date_range: tuple[int | None, int | None] = (None, None),
        *,
        commit: Commit,
        store: VenueStore | None = None,
    ) -> Stage:
        """Make everything of a run, to be opened and played; arguments as `run_backtest`.

        Args:
            strategy: which.
            date_range: nanoseconds UTC; what lies before its start is history to settle on.
            commit: takes every step.
            store: where the venue keeps its truth; None keeps it in memory.

        Raises:
            ConfigError: as `run_backtest`.
        """
        use_money_context()
        tape = self._tape.between(*date_range)
        if not len(tape):
            raise ConfigError(
                code="TAPE_EMPTY",
                cause="there are no bars in that range",
                fix="choose a range that the data covers",
            )
        start = date_range[0]
        config, classes = self._configure(strategy, tape)
        return Stage(
            config=config,
            classes=classes,
            tape=tape,
            history=BarTape([]) if start is None else self._tape.between(None, start),
            venue=self._venue,
            cash=self._cash,
            currency=self._currency,
            commit=commit,
            store=store,
        )

    def _configure(
        self, strategy: str | StrategyRun | Sequence[StrategyRun], tape: BarTape
    ) -> tuple[EngineConfig, dict[str, StrategyClass]]:
        if isinstance(strategy, str):
            runs: Sequence[StrategyRun] = (StrategyRun(strategy),)
        elif isinstance(strategy, StrategyRun):
            runs = (strategy,)
        else:
            runs = strategy
        classes: dict[str, StrategyClass] = {}
        configured = []
        for number, run in enumerate(runs):
            for name in run.instruments or ():
                if name not in tape.instruments:
                    raise _not_on_tape(name, tape)
            classes[run.name] = self._strategies.get(run.name) or strategy_named(run.name)
            names = [other.name for other in runs[:number]]
            suffix = f"-{names.count(run.name) + 1}" if run.name in names else ""
            configured.append(
                StrategyConfig(
                    id=StrategyId(run.name + suffix),
                    strategy=run.name,
                    account=ACCOUNT,
                    instruments=run.instruments or tape.instruments,
                    step_ns=tape.series[0].spec.step_ns,
                    parameters=run.parameters,
                    sizing=run.sizing,
                )
            )
        account = AccountConfig(ACCOUNT, self._currency, self._limits, self._protections)
        return EngineConfig((account,), self._instruments, tuple(configured)), classes

    def report(self, stage: Stage, collector: Collector, *, seconds: float) -> BacktestReport:
        """Return what a played stage found; `seconds` is how long that took."""
        engine, tape, config = stage.engine, stage.tape, stage.config
        desk = engine.desk
        positions = desk.portfolio.positions(ACCOUNT)
        names = ", ".join(_said(s) for s in config.strategies)
        return BacktestReport(
            title=f"{names} on {', '.join(tape.instruments)}",
            warning=self._warning,
            currency=self._currency,
            bars=len(tape),
            gaps=tape.gaps,
            ambiguous_bars=collector.ambiguous,
            orders=collector.orders,
            fills=collector.fills,
            denied=collector.denied,
            equity_start=Decimal(self._cash),
            equity_end=desk.valuation.equity_exact(ACCOUNT),
            fees=sum((p.fees for p in positions), start=ZERO),
            trips=tuple(collector.trips),
            open_positions=sum(1 for p in positions if p.quantity),
            curve=engine.curves[ACCOUNT],
            assumptions=(
                *self._venue.describe(),
                *((f"limit: {name}", value) for name, value in self._limits.describe()),
                *((f"protection: {each.name}", each.describe()) for each in self._protections),
                *((f"sizing: {s.id}", s.sizing.describe()) for s in config.strategies),
                *(
                    (f"rule in columns: {slot.strategy}", f"not used: {slot.runner.rule_fault}")
                    for slot in engine.deciders.slots
                    if isinstance(slot, SignalSlot) and slot.runner.rule_fault
                ),
            ),
            fingerprint=collector.fingerprint.hexdigest(),
            inputs_digest=stage.digest(),
            seconds=seconds,
            unpriced=desk.valuation.unpriced(ACCOUNT),
            span=tape.span,
            activity=collector.activity,
            taker_fee_frac=self._venue.taker_fee_ppm / PPM,
            notes=(
                *self._notes,
                *stopped(collector.activity.modes),
                *locked(self._protections, collector.activity),
                *_stale_after_holes(stage),
            ),
            strategies={s.id: stage.classes[s.strategy] for s in config.strategies},
        )


def _said(strategy: StrategyConfig) -> str:
    given = (f"{name}={value:g}" for name, value in strategy.parameters.items())
    return " ".join((strategy.id, *given))


def _both(first: Commit, second: Commit | None) -> Commit:
    if second is None:
        return first

    def commit(key: Key, event: Input, step: Step, must_be_durable: bool) -> None:
        if step.facts:
            first(key, event, step, must_be_durable)
            second(key, event, step, must_be_durable)

    return commit


def stopped(modes: Sequence[ModeChanged]) -> Iterator[str]:
    """Say since when a limit let nothing be opened any more, and how often it was so for a time.

    Args:
        modes: every change of the account's mode, oldest first.
    """
    stops = [each for each in modes if each.by == "risk" and each.mode is Mode.REDUCE_ONLY]
    if not stops:
        return
    if modes[-1].mode is Mode.REDUCE_ONLY:
        last = stops.pop()
        at = instant_name(last.ts)
        yield f"nothing was opened after {at}: {last.cause}; positions were only reduced from then"
    if stops:
        often = _times(len(stops))
        yield f"for part of the run positions were only reduced, {often}: a limit had tripped"


def locked(protections: Sequence[Protection], activity: Activity) -> Iterator[str]:
    """Say how often each protection locked entries, and how many it denied.

    A no that stands is said once to a signal strategy, and so counted once.

    Args:
        protections: those of the run.
        activity: what the run did.
    """
    for each in protections:
        locks = activity.locks.get(each.name, 0)
        denied = activity.denied_by.get(each.name, 0)
        if locks:
            yield f"protection {each.name} locked {_times(locks)}; it denied {denied:,} entries"
        else:
            yield f"protection {each.name} never locked"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _stale_after_holes(stage: Stage) -> tuple[str, ...]:
    """Say how many decisions stand on indicators that span a hole in the data (trap E13)."""
    before = {series.instrument: series.ts_open for series in stage.history.series}
    played = {series.instrument: series for series in stage.tape.series}
    stale = 0
    for slot in stage.engine.deciders.slots:
        if isinstance(slot, SignalSlot):
            series = played[slot.instrument]
            history = before.get(slot.instrument, series.ts_open[:0])
            opens = np.concatenate((history, series.ts_open))
            is_behind = np.zeros(len(opens), dtype=np.bool_)
            for at in (np.flatnonzero(np.diff(opens) > series.spec.step_ns) + 1).tolist():
                is_behind[at : at + slot.runner.settled(_NEARLY)] = True
            stale += int(is_behind[len(history) :].sum())
    if not stale:
        return ()
    what = f"{stale:,} decisions were made on indicators that span a hole in the data"
    return (f"{what}: what came before it still weighs more than 1 % in them",)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Have the garbage collector look seldom: a run keeps most of what it makes."""
    before = gc.get_threshold()
    if before[0]:  # 0 is off, by whoever runs this
        gc.set_threshold(max(before[0], _OBJECTS_MADE), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _opening(cash: str) -> str:
    try:
        amount = Decimal(cash)
        if amount.is_finite() and amount > 0:
            EXACT.quantize(amount, QUANTUM)
            return cash
    except DecimalException:
        pass  # refused below, in the words of whoever typed it
    raise ConfigError(
        code="AMOUNT_REFUSED",
        cause=f"opening cash of {cash!r} is no amount above 0 with at most 8 decimal places",
        fix="write it like 10000 or 250.5",
    )


def _not_on_tape(name: InstrumentId, tape: BarTape) -> ConfigError:
    return ConfigError(
        code="INSTRUMENT_UNKNOWN",
        cause=f"there are no bars of {name}",
        fix=did_you_mean(name, list(tape.instruments)),
    )
