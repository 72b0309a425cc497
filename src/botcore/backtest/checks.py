"""Detectors: does a strategy see the future, need more history than it says, or decide by chance?

They compare runs of one strategy on whole and cut data and name where values differ (trap E102).
What a strategy brings along itself, such as a file of future prices, no cut can show.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from botcore.backtest.check_events import EventChecks
from botcore.backtest.check_signals import SignalChecks
from botcore.backtest.findings import (
    BOUNDS,
    IDLE,
    RUNS,
    CheckFinding,
    Verdict,
    failed,
    passed,
    unproven,
)
from botcore.backtest.tape import BarTape
from botcore.domain.errors import ConfigError
from botcore.domain.instruments import Instrument
from botcore.kernel.guard import Crashed, guarded
from botcore.strategies import SignalStrategy, StrategyClass, parameters_in_force

BOUNDS_BARS: Final = 1_000
"""Bars on which the bounds of each parameter are tried."""


class CheckReport(msgspec.Struct, frozen=True):
    """What all detectors said about a strategy.

    Attributes:
        bars: how many they looked at.
    """

    name: str
    bars: int
    findings: tuple[CheckFinding, ...]

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""
        return not any(each.verdict is Verdict.FAILED for each in self.findings)


def check_strategy(
    name: str,
    strategy: StrategyClass,
    *,
    tape: BarTape,
    instruments: Sequence[Instrument],
    parameters: Mapping[str, float] | None = None,
) -> CheckReport:
    """Run every detector that fits a strategy.

    Args:
        name: a slug, under which it runs.
        strategy: of either kind.
        tape: bars of one length, the more the better: some thousand at least.
        instruments: the rules of everything on it.
        parameters: given ones; the rest take their defaults.

    Raises:
        ConfigError: the parameters are refused, or there are no bars.
    """
    if not len(tape):
        raise ConfigError(
            code="TAPE_EMPTY",
            cause="there are no bars to check on",
            fix="choose an instrument and a range that the data covers",
        )
    given = parameters_in_force(strategy, parameters or {})
    found = tuple(_findings(name, strategy, tape, instruments, given))
    return CheckReport(name, len(tape), found)


def _findings(
    name: str,
    strategy: StrategyClass,
    tape: BarTape,
    instruments: Sequence[Instrument],
    given: Mapping[str, float],
) -> Iterator[CheckFinding]:
    events = EventChecks(name, strategy, given, tape, instruments)
    if issubclass(strategy, SignalStrategy):
        checks = [SignalChecks(strategy, given, series) for series in tape.series if len(series)]
        found = [finding for each in checks for finding in each.findings()]
        yield from found
        has_run = not any(each.check == RUNS and each.verdict is Verdict.FAILED for each in found)
        is_idle = has_run and all(each.is_idle() for each in checks)
    else:
        found = list(events.findings())
        yield from found
        has_run = found[0].verdict is Verdict.PASSED
        is_idle = has_run and events.is_idle()
    if not has_run:
        return
    yield _bounds(strategy, events, given, tape)
    if is_idle:
        yield unproven(IDLE, f"it never wants to trade on these {len(tape):,} bars")
    else:
        yield passed(IDLE, "it trades on these bars")


def _bounds(
    strategy: StrategyClass, events: EventChecks, given: Mapping[str, float], tape: BarTape
) -> CheckFinding:
    """Try the lowest and the highest value of each parameter, the others as they are."""
    if not len(strategy.parameters):
        return passed(BOUNDS, "it has no parameters")
    few = tape.last(BOUNDS_BARS)
    tried = conflicts = 0
    for parameter in strategy.parameters:
        for value in sorted({parameter.low, parameter.high}):
            tried += 1
            wrong = guarded(events.bounds, {**given, parameter.name: value}, few)
            if isinstance(wrong, Crashed) and _is_conflict(wrong.error):
                conflicts += 1
                continue
            if isinstance(wrong, Crashed):
                error = wrong.error
                wrong = error.cause if isinstance(error, ConfigError) else wrong.summary
            if wrong:
                return failed(BOUNDS, f"with {parameter.name}={value:g}: {wrong}")
    together = f", {conflicts} of them refused beside the others" if conflicts else ""
    return passed(BOUNDS, f"runs at {tried} bounds of {len(strategy.parameters)}{together}")


def _is_conflict(error: Exception) -> bool:
    """Whether values were refused for not going together, which is no fault of the bounds."""
    return isinstance(error, ConfigError) and error.code == "PARAMETERS_CONFLICT"
