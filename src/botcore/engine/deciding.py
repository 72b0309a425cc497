"""Phases 8 and 9 of a bar: every strategy decides, then risk answers in the order of intents."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from botcore.domain.commands import TimerFired
from botcore.domain.decisions import Denied
from botcore.domain.effects import SetTimer
from botcore.domain.errors import ConfigError
from botcore.domain.events import (
    DecisionMade,
    Fact,
    OrderDenied,
    OrderFilled,
    StrategyPaused,
    StrategyQuarantined,
)
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.intents import Intent, Reason
from botcore.domain.keys import Key
from botcore.domain.market import Bar, Quote, Trade
from botcore.domain.modes import Mode
from botcore.engine.config import EngineConfig, StrategyConfig
from botcore.engine.desk import Desk
from botcore.engine.event_slots import EventSlot
from botcore.engine.intents import Intents
from botcore.engine.slots import SignalSlot
from botcore.engine.targets import Targets
from botcore.kernel.guard import Crashed, guarded
from botcore.strategies import SignalRunner, SignalStrategy, StrategyClass

Slot = SignalSlot | EventSlot
Wish = tuple[SignalSlot, float] | tuple[EventSlot, Intent]
Turns = Sequence[tuple[Sequence[Slot], Bar]]
_REDUCE_ONLY = Mode.REDUCE_ONLY
_NONE: tuple[Slot, ...] = ()
_QUARANTINED = "quarantined"


class Deciders:
    """The strategies of an engine, stepped bar by bar.

    Args:
        config: which strategies, on what, with how much.
        strategies: the classes that `config` names.
        desk: where their intents go.
        observe: also make the facts that only watchers want (`DecisionMade`).

    Attributes:
        is_ready: until the engine is reconciled, bars are history and intents are dropped.
        asked: the strategy being asked at this moment, for the watchdog.

    Raises:
        ConfigError: a strategy, parameter or instrument does not exist, or two strategies carry
            one name.
    """

    def __init__(
        self,
        config: EngineConfig,
        strategies: Mapping[str, StrategyClass],
        desk: Desk,
        *,
        observe: bool,
    ) -> None:
        self._desk = desk
        self._targets = Targets(desk)
        self._intents = Intents(desk, deny=self._deny)
        self._observe = observe
        self._flood = config.intents_per_event
        self.is_ready = False
        self.asked: Slot | None = None
        self._slots: list[Slot] = []
        self._changed: dict[SignalSlot, None] = {}
        self._series: defaultdict[int, dict[InstrumentId, list[Slot]]] = defaultdict(dict)
        self._lines: dict[tuple[AccountId, StrategyId, InstrumentId], SignalSlot] = {}
        self._events: dict[tuple[AccountId, StrategyId], EventSlot] = {}
        known = {instrument.id for instrument in config.instruments}
        self._least = {
            name: (
                max(float(max(i.lot, i.min_quantity)) for i in config.instruments if i.id == name),
                max(float(i.min_notional) for i in config.instruments if i.id == name),
            )
            for name in known
        }
        for rank, strategy in enumerate(config.strategies):
            if any(slot.strategy == strategy.id for slot in self._slots):
                raise _named_twice(strategy)
            for name in strategy.instruments:
                if name not in known:
                    raise _unknown_instrument(strategy, name, known)
            self._add(rank, strategy, strategies, decisions_kept=config.decisions_kept)
        desk.listen(line_changed=self._line_changed, fill_seen=self._fill_seen)

    def decide(self, bars: tuple[Bar, ...], key: Key) -> None:
        """Ask every strategy that has a bar (8), then pass what they want through risk (9)."""
        wishes: list[Wish] = []
        if self._changed:
            self._follow()
        if len(bars) == 1:
            (bar,) = bars
            asked = self._series[bar.spec.step_ns].get(bar.instrument, _NONE)
            if self._events:
                self._show(((asked, bar),))
            self._ask(asked, bar, wishes, key)
        else:
            turns = self._turns(bars)
            if self._events:
                self._show(turns)
            for slots, bar in turns:
                self._ask(slots, bar, wishes, key)
        self.asked = None
        if wishes:
            self._grant(wishes, key)

    def _grant(self, wishes: Sequence[Wish], key: Key) -> None:
        """Pass what strategies want through risk, in the order in which they said it."""
        for slot, wish in wishes:
            if slot.is_paused:  # it was quarantined after it said this
                continue
            if self._changed:
                self._follow()
            if isinstance(slot, SignalSlot):
                self._targets.pursue(slot, wish, key)  # type: ignore[arg-type]  # a weight, by its slot
            else:
                self._intents.take(slot, wish, key)  # type: ignore[arg-type]  # an intent, by its slot

    def resting(
        self, instrument: InstrumentId, step_ns: int
    ) -> Sequence[tuple[SignalSlot, float]] | None:
        """Return who is asked with the bars of a series and the weight at which each rests.

        None where one has no such weight, is paused, or hears events.
        """
        if not self.is_ready or self._observe or self._events:
            return None
        if self._changed:
            self._follow()
        resting = []
        for slot in self._series[step_ns].get(instrument, _NONE):
            if isinstance(slot, EventSlot) or slot.is_paused:
                return None
            weight = slot.lulled
            if weight != weight and slot.risk.mode is _REDUCE_ONLY:  # noqa: PLR0124  # NaN
                weight = slot.refused
            if weight != weight:  # noqa: PLR0124  # NaN
                return None
            resting.append((slot, weight))
        return resting

    def heard(self, event: Trade | Quote, key: Key) -> None:
        """Pass a print or a quote to the event strategies that asked for such."""
        if not self.is_ready:
            return
        for slot in self._events.values():
            if not slot.is_paused and slot.hears(event):
                self._tell(slot, partial(slot.on_tick, event), key)

    def begin_timers(self, account: AccountId, key: Key) -> None:
        """Ask for the first timer of each event strategy that wants one."""
        for slot in self._events.values():
            if slot.account == account:
                self._next_timer(slot, key)

    def timer_fired(self, key: Key, event: TimerFired) -> None:
        """Ask the strategy whose timer is due, and ask for its next one."""
        slot = self._events.get((event.account, StrategyId(event.name)))
        if slot is None:
            return
        if not slot.is_paused:
            self._tell(slot, partial(slot.on_timer, key.ts), key)
        self._next_timer(slot, key)

    def _next_timer(self, slot: EventSlot, key: Key) -> None:
        every = slot.timer_every_ns
        if every:
            at = Nanos((key.ts // every + 1) * every)
            self._desk.out.effects.append(SetTimer(slot.account, slot.strategy, at))

    def fold(self, fact: Fact) -> None:
        """Take up a pause or a quarantine."""
        if isinstance(fact, StrategyQuarantined):
            self.pause(fact.strategy, f"{_QUARANTINED}: {fact.cause}")
        elif isinstance(fact, StrategyPaused):
            self.pause(fact.strategy, f"paused by {fact.by}" if fact.paused else "")

    def paused(self) -> dict[StrategyId, str]:
        """Return the strategies that are not asked, with why."""
        return {slot.strategy: slot.outcome for slot in self._slots if slot.is_paused}

    @property
    def slots(self) -> Sequence[Slot]:
        """The strategies on their instruments, up to date, in configured order."""
        self._follow()
        return self._slots

    def refresh(self) -> None:
        """Take up folded positions and orders in every slot."""
        for slot in self._slots:
            if isinstance(slot, SignalSlot):
                slot.refresh(self._desk.execution.index)

    def _turns(self, bars: tuple[Bar, ...]) -> Turns:
        """Return who is asked with which of several bars, in configured order."""
        pairs = [
            (slot, bar)
            for bar in bars
            for slot in self._series[bar.spec.step_ns].get(bar.instrument, _NONE)
        ]
        pairs.sort(key=_by_rank)
        return [((slot,), bar) for slot, bar in pairs]

    def _show(self, turns: Turns) -> None:
        """Let all bars of a stamp be known before anybody is asked (P8)."""
        for slots, bar in turns:
            for slot in slots:
                if isinstance(slot, EventSlot):
                    slot.see(bar, is_warmup=not self.is_ready)

    def _ask(self, slots: Iterable[Slot], bar: Bar, wishes: list[Wish], key: Key) -> None:
        """Ask one strategy after the other with a bar, and note what they want.

        What one of them raises is caught here, not by `guarded`: a call a bar costs too much.
        """
        values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        observe = self._observe and self.is_ready
        for slot in slots:
            self.asked = slot
            try:
                if isinstance(slot, EventSlot):
                    self._ask_event(slot, bar, wishes)
                    continue
                runner = slot.runner
                if slot.is_paused:
                    if not slot.is_faulty:  # fed, so that its features have no hole later
                        runner.on_bar(values, slot.held)
                    continue
                weight = runner.on_bar(values, slot.held)
                slot.log.add(bar.ts_close, runner.memory, weight)
            except Exception as error:
                self._quarantine(slot, Crashed(error), key)
                continue
            if observe:
                self._observed(slot, bar, weight)
            if slot.spread is not None:
                slot.spread.update(bar.high, bar.low, bar.close)
            if weight != slot.rest and self.is_ready and slot.wants(weight, bar.close):
                wishes.append((slot, weight))

    def _ask_event(self, slot: EventSlot, bar: Bar, wishes: list[Wish]) -> None:
        if slot.is_paused:
            return
        intents = slot.on_bar(bar)
        if self.is_ready:
            wishes.extend((slot, intent) for intent in intents)
        else:
            slot.dropped += len(intents)

    def _deny(self, slot: EventSlot, denied: Denied, key: Key) -> None:
        self._desk.out.facts.append(OrderDenied(slot.account, denied))
        if not slot.is_paused:
            slot.outcome = denied.code
            self._tell(slot, lambda: slot.on_denied(denied), key)

    def _fill_seen(self, fact: OrderFilled, key: Key) -> None:
        slot = self._events.get((fact.account, fact.strategy))
        if slot is not None and not slot.is_paused:
            self._tell(slot, lambda: slot.on_fill(fact), key)

    def _tell(self, slot: EventSlot, ask: Callable[[], list[Intent]], key: Key) -> None:
        intents: list[Intent] = []

        def collect() -> None:
            intents.extend(ask())

        outer, self.asked = self.asked, slot
        fault = guarded(collect)
        self.asked = outer
        if fault is not None:
            self._quarantine(slot, fault, key)
            return
        if not self.is_ready:  # nobody trades before the venue's truth is known (R10)
            slot.dropped += len(intents)
            return
        for intent in intents:
            if not slot.is_paused:  # a later no may have ended it
                self._intents.take(slot, intent, key)

    def _quarantine(self, slot: Slot, fault: Crashed, key: Key) -> None:
        error = fault.error
        if isinstance(slot, EventSlot) and getattr(error, "code", "") == "STRATEGY_FLOODED":
            limit, ts = float(slot.flood), Nanos(key.ts)
            line = (slot.account, slot.strategy, slot.instruments[0])
            denied = Denied(*line, "TOO_MANY_INTENTS", limit + 1.0, limit, ts)
            self._desk.out.facts.append(OrderDenied(slot.account, denied))
        fact = StrategyQuarantined(
            slot.account, slot.strategy, Nanos(key.ts), f"it raised {fault.summary}"
        )
        self._desk.out.facts.append(fact)
        self.fold(fact)

    def pause(self, strategy: StrategyId, why: str) -> None:
        """Stop asking a strategy, saying why; an empty `why` asks it again.

        A signal strategy that was quarantined begins afresh: it missed bars.
        """
        for slot in self._slots:
            if slot.strategy != strategy:
                continue
            slot.is_paused = bool(why)
            slot.outcome = why
            if isinstance(slot, SignalSlot):
                if slot.is_faulty and not why:
                    slot.runner.resume(None)
                slot.is_faulty = why.startswith(_QUARANTINED)

    def _line_changed(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> None:
        slot = self._lines.get((account, strategy, instrument))
        if slot is not None:
            self._changed[slot] = None

    def _follow(self) -> None:
        """Bring the slots whose positions or orders have changed up to date, before one is read."""
        for slot in self._changed:
            slot.refresh(self._desk.execution.index)
        self._changed.clear()

    def _observed(self, slot: SignalSlot, bar: Bar, weight: float) -> None:
        memory = slot.runner.memory
        reason = Reason(int(memory[0]), tuple(memory[1:5]))
        self._desk.out.facts.append(
            DecisionMade(
                slot.account, slot.strategy, slot.instrument, Nanos(bar.ts_close), weight, reason
            )
        )

    def _add(
        self,
        rank: int,
        config: StrategyConfig,
        strategies: Mapping[str, StrategyClass],
        *,
        decisions_kept: int | None,
    ) -> None:
        chosen = strategies[config.strategy]
        if not issubclass(chosen, SignalStrategy):
            event = EventSlot(
                rank=rank,
                config=config,
                strategy=chosen(_parameters(chosen, config)),
                desk=self._desk,
                flood=self._flood,
            )
            self._slots.append(event)
            self._events[config.account, config.id] = event
            self._index(event, config.instruments, config.step_ns)
            return
        for name in sorted(config.instruments):
            slot = SignalSlot(
                rank=rank,
                config=config,
                instrument=name,
                runner=SignalRunner(chosen, config.parameters),
                position=self._desk.portfolio.position(config.account, config.id, name),
                risk=self._desk.risk.account(config.account),
                decisions_kept=decisions_kept,
                least=self._least[name],
            )
            self._slots.append(slot)
            self._lines[config.account, config.id, name] = slot
            self._index(slot, (name,), config.step_ns)

    def _index(self, slot: Slot, instruments: Iterable[InstrumentId], step_ns: int) -> None:
        for name in instruments:
            self._series[step_ns].setdefault(name, []).append(slot)


def _parameters(chosen: StrategyClass, config: StrategyConfig) -> dict[str, float]:
    space = chosen.parameters
    return space.named(space.row(config.parameters))


def _by_rank(pair: tuple[Slot, Bar]) -> tuple[int, int, InstrumentId]:
    slot, bar = pair
    return slot.rank, bar.spec.step_ns, bar.instrument


def _named_twice(strategy: StrategyConfig) -> ConfigError:
    return ConfigError(
        code="STRATEGY_NAMED_TWICE",
        cause=f"two strategies are configured as {strategy.id}",
        fix="give each a name of its own; several may run the same strategy",
    )


def _unknown_instrument(
    strategy: StrategyConfig, name: InstrumentId, known: set[InstrumentId]
) -> ConfigError:
    return ConfigError(
        code="INSTRUMENT_UNKNOWN",
        cause=f"strategy {strategy.id} wants {name}, which is not configured",
        fix=f"choose from: {', '.join(sorted(known))}",
    )
