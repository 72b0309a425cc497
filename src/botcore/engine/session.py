"""A session in process: the engine, a venue that answers at once, and one sequencer.

The ten phases of a bar stand here, in one place, for backtest, replay and paper alike: the venue
matches (2, 4, 5), each of its reports is an input of its own, then the engine marks, measures,
decides and asks risk (6 to 9). Phases 0 and 1 are inputs of their own, already in order by rank.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from botcore.domain.commands import Input, IntentNotDurable, TimerFired
from botcore.domain.effects import Cancel, Effect, Query, Replace, SetTimer, Submit
from botcore.domain.errors import StorageError
from botcore.domain.ids import AccountId, Nanos
from botcore.domain.keys import Key
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.orders import OrderSpec
from botcore.domain.reports import ReportKind, VenueReport
from botcore.domain.steps import NOTHING, Step
from botcore.engine.pipeline import Engine
from botcore.engine.sequencer import Sequencer
from botcore.execution import BarVenue
from botcore.kernel.failpoint import hit

Commit = Callable[[Key, Input, Step, bool], None]
"""Keep an input and its step; the flag says that it must be durable before the call returns."""

_NEEDS_INTENT = Submit | Replace
"""Effects that must not leave before their intent is durable; the others lower risk, or ask."""

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_SENDING = ReportKind.SENDING


class Session:
    """Drives inputs through venue and engine and releases effects in order.

    Args:
        engine: decides.
        venue: matches; it answers in process.
        sequencer: gives every input its key.
        commit: called after each step, before any of its effects is released. When it raises
            `StorageError`, no order of the step and none that still waits is released, and the
            engine is told (`IntentNotDurable`); cancels and queries are.
    """

    def __init__(
        self, *, engine: Engine, venue: BarVenue, sequencer: Sequencer, commit: Commit
    ) -> None:
        self._engine = engine
        self._venue = venue
        self._sequencer = sequencer
        self._commit = commit
        self._pending: deque[tuple[Key, Effect]] = deque()
        self._timers: list[tuple[int, AccountId, str]] = []
        self._timer_due: dict[tuple[AccountId, str], int] = {}

    def reconnect(self, venue: BarVenue) -> None:
        """Trade at the same venue over another connection; orders are to be reconciled first."""
        self._venue = venue

    def bars(self, event: BarsClosed) -> None:
        """Take all bars of one close stamp through the phases."""
        self.match(event)
        self.close(event)

    def play(self, events: Iterable[BarsClosed]) -> None:
        """Take one close stamp after another through the phases."""
        match, close = self.match, self.close
        for event in events:
            match(event)
            close(event)

    def match(self, event: BarsClosed) -> None:
        """Fire the timers due before a close stamp; let the venue match its bars (2 to 5)."""
        ts = event.ts_close
        if self._timers:
            self.fire_timers(ts - 1)  # what is due at the close itself comes after the bars
        for report in self._venue.on_bars(event):
            self._take(self._sequencer.bars(ts), report)

    def close(self, event: BarsClosed) -> None:
        """Give the engine the bars of a close stamp, once the venue has matched them (6 to 9)."""
        key = self._sequencer.bars(event.ts_close)
        done = self._engine.step(key, event)
        if done is not NOTHING:
            self._settle(key, event, done)
            return
        try:
            self._commit(key, event, done, False)
        except StorageError as error:
            self._drop(key, (), error)
            self._drain()

    def opened(self, event: BarOpened) -> None:
        """Take the first price of a bar: waiting market orders fill at it."""
        for report in self._venue.on_open(event):
            self._take(self._sequencer.key(event, event.ts_open), report)
        self._take(self._sequencer.key(event, event.ts_open), event)

    def tick(self, event: Trade | Quote, ts: int, reports: Iterable[VenueReport] = ()) -> None:
        """Take a print or a quote at the instant it is heard, behind what it did at the venue.

        What the venue did between two ticks is an `input` of its own.
        """
        for report in reports:
            self._take(self._sequencer.key(event, ts), report)
        self._take(self._sequencer.key(event, ts), event)

    def fire_timers(self, now: int) -> None:
        """Fire every timer due by `now` (nanoseconds UTC), oldest first, each at its instant."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            due, account, name = heapq.heappop(timers)
            if self._timer_due.get((account, name)) == due:
                del self._timer_due[account, name]
                event = TimerFired(account, name)
                self._take(self._sequencer.key(event, due), event)

    def input(self, event: Input, ts: int) -> None:
        """Take any other input."""
        self._take(self._sequencer.key(event, ts), event)

    def together(self, events: Sequence[Input], ts: int) -> None:
        """Take several inputs of one moment whose orders become durable together, not one by one.

        Each is stepped on the state that the one before left. No order leaves before all of them
        are durable, and then they leave in order, before anything that follows from an answer.

        Args:
            events: what may place and change orders; nothing that lowers risk, which waits for no
                store.
            ts: the moment, nanoseconds UTC.
        """
        released: list[tuple[Key, Effect]] = []
        last = len(events) - 1
        for number, event in enumerate(events):
            key = self._sequencer.key(event, ts)
            step = self._engine.step(key, event)
            released += [(key, effect) for effect in step.effects]
            try:
                self._commit(key, event, step, number == last and bool(released))
            except StorageError as error:
                self._drop(key, [effect for _, effect in released], error)
                released.clear()
        orders = [(key, effect.order) for key, effect in released if isinstance(effect, Submit)]
        may_leave = not orders or self._announce(orders)
        try:
            leaving: list[tuple[Key, OrderSpec]] = []
            for key, effect in released:
                if isinstance(effect, Submit):
                    if may_leave:
                        leaving.append((key, effect.order))
                    continue
                self._send_all(leaving)
                leaving.clear()
                self._pending.append((key, effect))
                self._drain()
            self._send_all(leaving)
            self._drain()
        except BaseException:
            self._pending.clear()  # as `_drain`
            raise

    def _take(self, key: Key, event: Input) -> None:
        self._settle(key, event, self._engine.step(key, event))

    def _settle(self, key: Key, event: Input, step: Step) -> None:
        """Keep a step, then release what it asks for."""
        effects = step.effects
        try:
            self._commit(key, event, step, effects != ())
        except StorageError as error:
            self._drop(key, effects, error)
        else:
            if not effects:
                return
            for effect in effects:
                self._pending.append((key, effect))
        self._drain()

    def _answer(self, cause: Key, report: VenueReport, *, must_be_durable: bool = False) -> bool:
        """Take an answer; return whether its step may be acted on."""
        key = self._sequencer.answer(cause)
        step = self._engine.step(key, report)
        effects = step.effects
        try:
            self._commit(key, report, step, must_be_durable or effects != ())
        except StorageError as error:
            self._drop(key, effects, error, report.account)
            return False
        if effects:
            self._pending.extend([(key, effect) for effect in effects])
        return True

    def _drop(
        self,
        cause: Key,
        effects: Iterable[Effect],
        error: StorageError,
        *accounts: AccountId,
    ) -> None:
        """Let go of every order that waits, and tell the engine that its intent is not durable."""
        pending = self._pending
        pending.extend([(cause, effect) for effect in effects])
        dropped = [effect for _, effect in pending if isinstance(effect, _NEEDS_INTENT)]
        kept = [each for each in pending if not isinstance(each[1], _NEEDS_INTENT)]
        pending.clear()
        pending.extend(kept)
        for account in sorted({*accounts, *(effect.order.account for effect in dropped)}):
            key = self._sequencer.answer(cause)
            event = IntentNotDurable(account, error.cause)
            step = self._engine.step(key, event)
            self._commit(key, event, step, False)
            pending.extend([(key, effect) for effect in step.effects])

    def _drain(self) -> None:
        pending = self._pending
        try:
            while pending:
                cause, effect = pending.popleft()
                self._release(cause, effect)
        except BaseException:
            # What was not released when the venue failed is never sent by a later input.
            pending.clear()
            raise

    def _announce(self, orders: Sequence[tuple[Key, OrderSpec]]) -> bool:
        """Make it durable that orders are about to leave; return whether they may.

        The sender does so before the first byte: what is found in INTENT after a crash never left
        (R1, K04).
        """
        hit("submit.committed")
        last = len(orders) - 1
        for number, (cause, order) in enumerate(orders):
            is_durable = self._answer(
                cause, _own(_SENDING, order, cause.ts), must_be_durable=number == last
            )
        if not is_durable:
            for cause, order in orders:
                self._answer(cause, _own(ReportKind.NOT_SENT, order, cause.ts))
        return is_durable

    def _send(self, cause: Key, order: OrderSpec) -> None:
        hit("submit.sending")
        for report in self._venue.submit(order, cause.ts):
            hit("submit.answered")
            self._answer(cause, report)

    def _send_all(self, orders: Sequence[tuple[Key, OrderSpec]]) -> None:
        """Send announced orders; all are at the venue before the first answer is taken."""
        if not orders:
            return
        hit("submit.sending")
        answers = self._venue.submit_all([(order, cause.ts) for cause, order in orders])
        for (cause, _), reports in zip(orders, answers, strict=True):
            for report in reports:
                hit("submit.answered")
                self._answer(cause, report)
            self._drain()

    def _release(self, cause: Key, effect: Effect) -> None:
        venue = self._venue
        if isinstance(effect, Submit):
            if self._announce([(cause, effect.order)]):
                self._send(cause, effect.order)
        elif isinstance(effect, Cancel):
            hit("cancel.committed")
            for report in venue.cancel(effect.order, cause.ts):
                hit("cancel.answered")
                self._answer(cause, report)
        elif isinstance(effect, Replace):
            hit("replace.committed")
            answers = venue.replace(
                effect.order, effect.quantity, effect.limit_price, effect.trigger_price, cause.ts
            )
            for report in answers:
                hit("replace.answered")
                self._answer(cause, report)
        elif isinstance(effect, Query):
            hit("query.committed")
            for report in venue.query(effect.order, cause.ts):
                hit("query.answered")
                self._answer(cause, report)
        elif isinstance(effect, SetTimer):
            # A timer set again replaces the one before: a strategy has one at a time.
            self._timer_due[effect.account, effect.name] = effect.at
            heapq.heappush(self._timers, (effect.at, effect.account, effect.name))


def _own(kind: ReportKind, order: OrderSpec, ts: int) -> VenueReport:
    """Make the sender's own report about an order."""
    return VenueReport(kind, order.account, order.instrument, order.client_order_id, Nanos(ts))
