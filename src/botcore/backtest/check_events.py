"""Detectors for event strategies: backtests over whole and cut tapes, compared by their orders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Final

import msgspec

from botcore.backtest.findings import (
    DETERMINISM,
    LOOK_AHEAD,
    RUNS,
    CheckFinding,
    failed,
    passed,
)
from botcore.backtest.framework import BacktestingFramework, StrategyRun
from botcore.backtest.tape import BarTape
from botcore.domain.calendar import instant_name
from botcore.domain.commands import Input
from botcore.domain.events import Fact, OrderPlaced, StrategyQuarantined
from botcore.domain.instruments import Instrument
from botcore.domain.keys import Key
from botcore.domain.steps import Step
from botcore.risk import Sizing
from botcore.strategies import StrategyClass

CUTS: Final = (0.3, 0.6, 0.9)
"""Where the tape is cut, as shares of its span."""
CASH: Final = "100000"
EQUITY_FRAC: Final = 0.10
"""As a backtest has it: below the limit of one order."""


class OrderLine(msgspec.Struct, frozen=True):
    """An order as it was placed, without its id.

    Attributes:
        ts: nanoseconds UTC.
        words: everything else.
    """

    ts: int
    words: str


class Played(msgspec.Struct, frozen=True):
    """What a strategy did in a backtest.

    Attributes:
        quarantine: why it was quarantined; empty where it was not.
    """

    orders: tuple[OrderLine, ...]
    quarantine: str = ""


@dataclass
class EventChecks:
    """Looks at one strategy, on all series of a tape together.

    Args:
        name: under which it runs.
        strategy: of either kind; what a backtest shows is compared.
        parameters: given ones; the rest take their defaults.
        tape: bars of one length.
        instruments: the rules of everything on it.
    """

    name: str
    strategy: StrategyClass
    parameters: Mapping[str, float]
    tape: BarTape
    instruments: Sequence[Instrument]

    @cached_property
    def whole(self) -> Played:
        """A run over all bars."""
        return self.played(self.tape, self.parameters)

    def findings(self) -> Iterator[CheckFinding]:
        """Yield what each check comes to."""
        whole = self.whole
        if whole.quarantine:
            yield failed(RUNS, whole.quarantine)
            return
        count = len(whole.orders)
        yield passed(RUNS, f"a backtest of {len(self.tape):,} bars placed {count:,} orders")
        yield self._determinism(whole)
        yield self._look_ahead(whole)

    def is_idle(self) -> bool:
        """Whether it never places an order."""
        return not self.whole.orders

    def bounds(self, parameters: Mapping[str, float], tape: BarTape) -> str:
        """Return what is wrong with other parameters on a tape; empty where nothing is.

        Raises:
            ConfigError: they are refused.
        """
        return self.played(tape, parameters).quarantine

    def played(self, tape: BarTape, parameters: Mapping[str, float]) -> Played:
        """Run a backtest and return the orders."""
        facts: list[Fact] = []

        def commit(_key: Key, _event: Input, step: Step, _must_be_durable: bool) -> None:
            facts.extend(
                each for each in step.facts if isinstance(each, OrderPlaced | StrategyQuarantined)
            )

        framework = BacktestingFramework(
            tape=tape,
            instruments=self.instruments,
            cash=CASH,
            strategies={self.name: self.strategy},
        )
        sizing = Sizing(equity_frac=EQUITY_FRAC / max(1, len(tape.instruments)))
        run = StrategyRun(self.name, parameters, sizing)
        stage = framework.stage(run, commit=commit)
        stage.open()
        stage.play()
        quarantines = (
            f"at {instant_name(each.ts)} {each.cause}"
            for each in facts
            if isinstance(each, StrategyQuarantined)
        )
        orders = tuple(_line(each) for each in facts if isinstance(each, OrderPlaced))
        return Played(orders, next(quarantines, ""))

    def _determinism(self, whole: Played) -> CheckFinding:
        differs = _difference(whole.orders, self.played(self.tape, self.parameters).orders)
        if differs:
            return failed(DETERMINISM, f"a second run on the same bars: {differs}")
        return passed(DETERMINISM, "two runs on the same bars placed the same orders")

    def _look_ahead(self, whole: Played) -> CheckFinding:
        begin, end = self.tape.span
        cuts = 0
        for share in CUTS:
            cut = begin + round((end - begin) * share)
            part = self.tape.between(None, cut)
            if not len(part):
                continue
            cuts += 1
            last = part.span[1]
            known = tuple(each for each in whole.orders if each.ts <= last)
            differs = _difference(known, self.played(part, self.parameters).orders)
            if differs:
                known_until = instant_name(last)
                return failed(LOOK_AHEAD, f"with bars after {known_until} cut off: {differs}")
        return passed(LOOK_AHEAD, f"no order changes when bars after {cuts} cuts are unknown")


def _difference(first: Sequence[OrderLine], second: Sequence[OrderLine]) -> str:
    for number, (one, other) in enumerate(zip_longest(first, second), 1):
        if one != other:
            return f"order {number:,} is {_words(one)} in the first run and {_words(other)} in this"
    return ""


def _words(line: OrderLine | None) -> str:
    return "none" if line is None else f"{line.words} at {instant_name(line.ts)}"


def _line(fact: OrderPlaced) -> OrderLine:
    order = fact.order
    prices = "".join(
        f", {word} {price:f}"
        for word, price in (
            ("limit", order.limit_price),
            ("trigger", order.trigger_price),
            ("trail", order.trail),
        )
        if price is not None
    )
    words = f"{order.side} {order.quantity:f} {order.instrument} {order.type}{prices}"
    return OrderLine(int(fact.ts), words)
