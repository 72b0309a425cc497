"""What a backtest keeps of its steps: counts, round trips, positions, and the fingerprint."""

from collections import defaultdict
from decimal import Decimal

from botcore.backtest.reporting.record import Activity, AmbiguousFill
from botcore.backtest.reporting.trips import AMBIGUOUS, Line, Motive, RoundTrip
from botcore.domain.commands import Input
from botcore.domain.decisions import Denied
from botcore.domain.events import (
    Fact,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    PositionChanged,
    ProtectionLocked,
)
from botcore.domain.ids import DAY_NS
from botcore.domain.keys import Key
from botcore.domain.orders import TERMINAL, OrderState
from botcore.domain.steps import Step
from botcore.engine import Fingerprint
from botcore.risk import protection_of

_TOGETHER = 64
_ACCEPTED = OrderState.ACCEPTED
_FILLED = OrderState.FILLED
_SENDING = OrderState.SENDING
_NO_MOTIVE = Motive()


class Collector:
    """Takes each step of a run; the hash-only journal of a backtest.

    Facts are looked at some thousand together, so what it says is true after `finish`.

    Attributes:
        fingerprint: over the facts that matter.
        orders, fills, denied, ambiguous: counts.
        trips: finished round trips.
    """

    __slots__ = (
        "_ambiguous_fills",
        "_denied",
        "_denied_by",
        "_ended",
        "_filled",
        "_lines",
        "_locks",
        "_modes",
        "_motives",
        "_replaced",
        "_traded",
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
        self._lines: dict[tuple[str, str], Line] = {}
        self._modes: list[ModeChanged] = []
        self._motives: dict[str, Motive] = {}
        self._filled: tuple[OrderFilled, Motive] | None = None
        self._traded: defaultdict[int, Decimal] = defaultdict(Decimal)
        self._denied: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._locks: defaultdict[str, int] = defaultdict(int)
        self._denied_by: defaultdict[str, int] = defaultdict(int)
        self._ended: defaultdict[str, int] = defaultdict(int)
        self._replaced = 0
        self._ambiguous_fills: list[AmbiguousFill] = []

    @property
    def activity(self) -> Activity:
        """What was traded, held, refused and ended, beside the round trips."""
        return Activity(
            lines=tuple(self._lines[name] for name in sorted(self._lines)),
            traded={day: float(amount) for day, amount in sorted(self._traded.items())},
            denied=dict(self._denied),
            ended=dict(self._ended),
            replaced=self._replaced,
            ambiguous=tuple(self._ambiguous_fills),
            modes=tuple(self._modes),
            locks=dict(self._locks),
            denied_by=dict(self._denied_by),
        )

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
                self._fill(fact)  # type: ignore[arg-type]  # by kind
            elif kind is OrderUpdated:
                self._update(fact)  # type: ignore[arg-type]  # by kind
            elif kind is OrderPlaced:
                self._place(fact)  # type: ignore[arg-type]  # by kind
            elif kind is OrderDenied:
                self._deny(fact.denied)  # type: ignore[union-attr]  # by kind
            elif kind is ModeChanged:
                self._modes.append(fact)  # type: ignore[arg-type]  # by kind
            elif kind is ProtectionLocked:
                self._locks[fact.protection] += 1  # type: ignore[union-attr]  # by kind
        facts.clear()

    def _deny(self, denied: Denied) -> None:
        self.denied += 1
        self._denied[denied.strategy, denied.code] += 1
        if denied.code == "PROTECTION_LOCKED":
            self._denied_by[protection_of(denied.detail)] += 1

    def _place(self, fact: OrderPlaced) -> None:
        self.orders += 1
        order = fact.order
        is_attached = order.parent is not None
        self._motives[order.client_order_id] = Motive(fact.reason, order.type, is_attached)

    def _fill(self, fact: OrderFilled) -> None:
        self.fills += 1
        fill, motives = fact.fill, self._motives
        order = fact.client_order_id
        motive = motives.pop(order, _NO_MOTIVE) if fact.state is _FILLED else motives.get(order)
        self._filled = fact, motive or _NO_MOTIVE
        self._traded[fill.ts_event // DAY_NS] += fill.quote_amount
        if fact.flags and AMBIGUOUS in fact.flags:
            self.ambiguous += 1
            self._ambiguous_fills.append(
                AmbiguousFill(fill.ts_event, fact.strategy, fact.instrument)
            )

    def _position(self, fact: PositionChanged) -> None:
        name = (fact.strategy, fact.instrument)
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = Line(*name)
        filled, motive = None, _NO_MOTIVE
        if self._filled is not None:  # booked in the step that made the fill
            filled, motive = self._filled
            self._filled = None
        trip = line.take(fact, filled, motive)
        if trip is not None:
            self.trips.append(trip)

    def _update(self, fact: OrderUpdated) -> None:
        state = fact.state
        if state is _SENDING or state is _ACCEPTED:
            if fact.quantity is not None or fact.limit_price is not None:
                self._replaced += 1
        elif state in TERMINAL:
            self._ended[state] += 1
            self._motives.pop(fact.client_order_id, None)
