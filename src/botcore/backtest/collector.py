"""What a backtest keeps of its steps: counts, round trips, and the fingerprint."""

from botcore.backtest.report import RoundTrip
from botcore.domain.commands import Input
from botcore.domain.events import Fact, OrderDenied, OrderFilled, OrderPlaced, PositionChanged
from botcore.domain.keys import Key
from botcore.domain.steps import Step
from botcore.engine import Fingerprint

_TOGETHER = 64


class Collector:
    """Takes each step of a run; the hash-only journal of a backtest.

    Facts are looked at some thousand together, so what it says is true after `finish`.

    Attributes:
        fingerprint: over the facts that matter.
        orders, fills, denied, ambiguous: counts.
        trips: finished round trips.
    """

    __slots__ = (
        "_before",
        "_opened",
        "_waiting",
        "ambiguous",
        "denied",
        "fills",
        "fingerprint",
        "orders",
        "trips",
    )

    def __init__(self) -> None:
        self.fingerprint = Fingerprint()
        self.orders = 0
        self.fills = 0
        self.denied = 0
        self.ambiguous = 0
        self.trips: list[RoundTrip] = []
        self._waiting: list[Fact] = []
        self._opened: dict[tuple[str, str], int] = {}
        self._before: dict[tuple[str, str], float] = {}

    def commit(self, _key: Key, _event: Input, step: Step, _durable: bool) -> None:
        """Take a step (the `Commit` of a session)."""
        if step.facts:
            self._waiting += step.facts
            if len(self._waiting) > _TOGETHER:
                self.finish()

    def finish(self) -> None:
        """Look at every fact taken so far."""
        facts = self._waiting
        self.fingerprint.add(facts)
        for fact in facts:
            kind = type(fact)
            if kind is PositionChanged:
                self._position(fact)  # type: ignore[arg-type]  # by kind
            elif kind is OrderFilled:
                self.fills += 1
                if "ambiguous_bar" in fact.flags:  # type: ignore[union-attr]  # by kind
                    self.ambiguous += 1
            elif kind is OrderPlaced:
                self.orders += 1
            elif kind is OrderDenied:
                self.denied += 1
        facts.clear()

    def _position(self, fact: PositionChanged) -> None:
        line = (fact.strategy, fact.instrument)
        if fact.quantity:
            self._opened.setdefault(line, fact.ts)
            return
        earned = float(fact.realised - fact.fees)
        opened = self._opened.pop(line, None)
        if opened is not None:
            # What the line had earned when it was last flat does not belong to this trip.
            profit = earned - self._before.get(line, 0.0)
            self.trips.append(RoundTrip(fact.strategy, fact.instrument, opened, fact.ts, profit))
        self._before[line] = earned
