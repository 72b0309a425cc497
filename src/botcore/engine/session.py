"""A session in process: the engine, a venue that answers at once, and one sequencer.

The ten phases of a bar stand here, in one place, for backtest, replay and paper alike: the venue
matches (2, 4, 5), each of its reports is an input of its own, then the engine marks, measures,
decides and asks risk (6 to 9). Phases 0 and 1 are inputs of their own, already in order by rank.
"""

from collections import deque
from collections.abc import Callable

from botcore.domain.commands import Input
from botcore.domain.effects import Cancel, Effect, Query, Replace, SetTimer, Submit
from botcore.domain.ids import Nanos
from botcore.domain.keys import Key
from botcore.domain.market import BarOpened, BarsClosed
from botcore.domain.orders import OrderSpec
from botcore.domain.reports import ReportKind, VenueReport
from botcore.domain.steps import Step
from botcore.engine.pipeline import Engine
from botcore.engine.sequencer import Sequencer
from botcore.execution import BarVenue

Commit = Callable[[Key, Input, Step, bool], None]
"""Keep an input and its step; the flag says that it must be durable before the call returns."""


class Session:
    """Drives inputs through venue and engine and releases effects in order.

    Args:
        engine: decides.
        venue: matches; it answers in process.
        sequencer: gives every input its key.
        commit: called after each step, before any of its effects is released. When it raises,
            nothing is released.
    """

    def __init__(
        self, *, engine: Engine, venue: BarVenue, sequencer: Sequencer, commit: Commit
    ) -> None:
        self._engine = engine
        self._venue = venue
        self._sequencer = sequencer
        self._commit = commit
        self._pending: deque[tuple[Key, Effect]] = deque()
        self.timers: list[tuple[int, str]] = []

    def bars(self, event: BarsClosed) -> None:
        """Take all bars of one close stamp through the phases."""
        ts = event.ts_close
        sequencer = self._sequencer
        for report in self._venue.on_bars(event):
            self._take(sequencer.key(event, ts), report)
        self._take(sequencer.key(event, ts), event)

    def opened(self, event: BarOpened) -> None:
        """Take the first price of a bar: waiting market orders fill at it."""
        for report in self._venue.on_open(event):
            self._take(self._sequencer.key(event, event.ts_open), report)
        self._take(self._sequencer.key(event, event.ts_open), event)

    def input(self, event: Input, ts: int) -> None:
        """Take any other input."""
        self._take(self._sequencer.key(event, ts), event)

    def _take(self, key: Key, event: Input) -> None:
        step = self._engine.step(key, event)
        effects = step.effects
        self._commit(key, event, step, bool(effects))
        if effects:
            pending = self._pending
            pending.extend([(key, effect) for effect in effects])
            try:
                while pending:
                    cause, effect = pending.popleft()
                    self._release(cause, effect)
            except BaseException:
                # What did not become durable is never sent, not even by a later input.
                pending.clear()
                raise

    def _answer(self, cause: Key, report: VenueReport, *, must_be_durable: bool = False) -> None:
        key = self._sequencer.answer(cause)
        step = self._engine.step(key, report)
        effects = step.effects
        self._commit(key, report, step, must_be_durable or bool(effects))
        if effects:
            self._pending.extend([(key, effect) for effect in effects])

    def _release(self, cause: Key, effect: Effect) -> None:
        venue = self._venue
        if isinstance(effect, Submit):
            # The sender makes SENDING durable before the first byte: what is found in INTENT
            # after a crash never left (R1, K04).
            self._answer(cause, sending(effect.order, cause.ts), must_be_durable=True)
            for report in venue.submit(effect.order, cause.ts):
                self._answer(cause, report)
        elif isinstance(effect, Cancel):
            for report in venue.cancel(effect.order, cause.ts):
                self._answer(cause, report)
        elif isinstance(effect, Replace):
            answers = venue.replace(
                effect.order, effect.quantity, effect.limit_price, effect.trigger_price, cause.ts
            )
            for report in answers:
                self._answer(cause, report)
        elif isinstance(effect, Query):
            for report in venue.query(effect.order, cause.ts):
                self._answer(cause, report)
        elif isinstance(effect, SetTimer):
            self.timers.append((effect.at, effect.name))


def sending(order: OrderSpec, ts: int) -> VenueReport:
    """Make the sender's own report that an order is about to leave."""
    return VenueReport(
        ReportKind.SENDING,
        order.account,
        order.instrument,
        order.client_order_id,
        Nanos(ts),
    )
