"""What happens, into the channels: facts at once, the rest as REST shows it, read while wanted.

Orders and executions are folded from facts as they come, prices from bars and quotes. Whenever
facts were lost, and each minute beside, their state is held against what REST shows, and what
differs is told as changes: so every client ends with the state that REST has. The other channels
are read from there again and again as long as somebody wants them.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from botcore.api.ws import from_facts
from botcore.api.ws.hub import Hub, StreamKey
from botcore.api.ws.ports import SocketWatch, Truth, ViewSource
from botcore.api.ws.subscriber import PHASES
from botcore.control.access import SYSTEM, Actor
from botcore.control.schema.streams import (
    CHANNELS,
    Channel,
    Fault,
    FaultData,
    Message,
    OrderUpdate,
    PriceUpdate,
)
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError
from botcore.domain.events import (
    Fact,
    MarketDataUpdate,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    SignalGenerated,
)
from botcore.domain.ids import SECOND_NS
from botcore.domain.market import Quote
from botcore.kernel.clock import Clock

_TICK_NS: Final = 50_000_000
_FASTEST: Final = 5
_FRAMES_A_TICK: Final = 500
_HELD_MAX: Final = 100_000
_LOOK_S: Final = 0.1
_AGAIN_S: Final = 2.0
_FOLDED: Final = (Channel.ORDERS, Channel.FILLS)
_KEPT_UP: Final = (*_FOLDED, Channel.PRICES)
"""They are kept up although nobody may be subscribed."""
_WITH_VIEWS: Final = {
    Channel.POSITIONS: 0.0,
    Channel.EQUITY: 0.0,
    Channel.MODE: 0.0,
    Channel.RISK: 1.0,
    Channel.DECISIONS: 1.0,
}
"""They are read when a new view has come; not more often than this, seconds."""
_EACH_S: Final = {
    Channel.CANDLES: 1.0,
    Channel.BOOK: 0.5,
    Channel.SIGNALS: 30.0,
    Channel.ALERTS: 5.0,
    Channel.JOBS: 2.0,
    Channel.HEALTH: 2.0,
    Channel.LOG: 1.0,
}
"""How often what is wanted is read, seconds; `changed` makes it at once."""


class FeedsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the channels are fed.

    Attributes:
        compare_s: how often what is folded is held against the store, seconds.
    """

    compare_s: float = 60.0


class Feeds:
    """Feeds a hub.

    `fact`, `quoted`, `lost` and `changed` may be called from any thread, and before `run`.

    Args:
        hub: is fed, on the event loop of `run`.
        truth: what REST shows.
        platform: has the newest view; a new one makes what rests on it be read.
        watch: is told what failed and what was mended.
        clock: says when.
        config: how often.
    """

    def __init__(
        self,
        hub: Hub[Any],
        *,
        truth: Truth,
        platform: ViewSource,
        watch: SocketWatch,
        clock: Clock,
        config: FeedsConfig | None = None,
    ) -> None:
        self._hub = hub
        self._truth = truth
        self._platform = platform
        self._watch = watch
        self._clock = clock
        self._config = config or FeedsConfig()
        self._told: deque[Callable[[], None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_coming = False
        self._lock = threading.Lock()
        self._actors: dict[str, Actor] = {}
        self._locks: dict[StreamKey, asyncio.Lock] = {}
        self._loaded: set[StreamKey] = set()
        self._failing: set[StreamKey] = set()
        self._due: dict[StreamKey, int] = {}
        self._reading: set[StreamKey] = set()
        self._waiting: dict[Channel, list[Fact]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._turn = 0

    # From any thread.

    def fact(self, _lsn: int, fact: Fact) -> None:
        """Take a fact, each once and in order; what is only observed too."""
        if isinstance(fact, _TAKEN):
            self._later(lambda: self._take(fact))

    def quoted(self, quote: Quote) -> None:
        """Take a quote: between two bars it is the price, as REST has it."""
        self._later(lambda: self._price(from_facts.quoted(quote)))

    def lost(self, _why: object = None) -> None:
        """Take that facts are missing: what rests on them is read anew."""
        self._later(self._read_anew)

    def changed(self, channel: Channel, owner: str = "") -> None:
        """Take that a channel's state is another one, of somebody where it is owned."""
        self._later(lambda: self._soon((channel, owner), 0.0))

    # On the event loop.

    async def run(self) -> None:
        """Feed until it is cancelled."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._read_anew()
            self._hear()
            tasks.create_task(self._pace())
            tasks.create_task(self._look())

    async def ready(self, channel: Channel, actor: Actor, instruments: Iterable[str]) -> None:
        """Return once the state of a channel can be given out.

        Args:
            channel: which.
            actor: who wants it; of an owned channel it is asked for as this one.
            instruments: those wanted, where the channel needs them.

        Raises:
            BotError: it cannot be read now.
        """
        key = self.key_of(channel, actor)
        if key[1]:
            self._actors[key[1]] = actor
        if CHANNELS[channel].needs_instruments:
            await self._read_missing(key, frozenset(instruments))
        elif not self._is_loaded(key):
            await self._read(key, is_first=True)

    @staticmethod
    def key_of(channel: Channel, actor: Actor) -> StreamKey:
        """Return which stream an actor sees under a channel's name."""
        return channel, owner_of(actor) if CHANNELS[channel].is_owned else ""

    def _later(self, act: Callable[[], None]) -> None:
        with self._lock:
            if len(self._told) >= _HELD_MAX:
                self._told.clear()
                self._told.append(self._read_anew)
            self._told.append(act)
            if self._loop is None or self._is_coming:
                return
            self._is_coming = True
        try:
            self._loop.call_soon_threadsafe(self._hear)
        except RuntimeError:  # the loop is closed: nobody is there to tell
            self._is_coming = False

    def _hear(self) -> None:
        self._is_coming = False
        while self._told:
            self._told.popleft()()

    # Facts.

    def _take(self, fact: Fact) -> None:
        match fact:
            case MarketDataUpdate():
                self._closed(from_facts.priced(fact))
            case OrderPlaced() | OrderUpdated():
                self._fold(Channel.ORDERS, fact)
            case OrderFilled():
                self._fold(Channel.ORDERS, fact)
                self._fold(Channel.FILLS, fact)
            case SignalGenerated():
                self._soon((Channel.SIGNALS, ""), _LOOK_S)
            case _:
                pass

    def _fold(self, channel: Channel, fact: Fact) -> None:
        waiting = self._waiting.get(channel)
        if waiting is None:
            self._apply(channel, fact)
        elif len(waiting) < _HELD_MAX:  # its state is being read: what that lacks comes behind
            waiting.append(fact)
        else:
            self._soon((channel, ""), 0.0)

    def _apply(self, channel: Channel, fact: Fact) -> None:
        if channel is Channel.FILLS:
            if isinstance(fact, OrderFilled):
                self._hub.put(channel, from_facts.executed(fact))
            return
        if isinstance(fact, OrderPlaced):
            order = from_facts.placed(fact)
        elif isinstance(fact, OrderUpdated | OrderFilled):
            known = self._order(fact.client_order_id)
            if known is None:
                if not fact.state.is_terminal:
                    self._soon((channel, ""), 1.0)
                return
            order = (
                from_facts.updated(known, fact)
                if isinstance(fact, OrderUpdated)
                else from_facts.filled(known, fact)
            )
        else:
            return
        self._hub.put(channel, order, is_removed=not order.is_working)

    def _order(self, order_id: str) -> OrderUpdate | None:
        order = self._hub.stream(Channel.ORDERS).message((OrderUpdate.__name__, order_id))
        return order if isinstance(order, OrderUpdate) else None

    # Reading.

    def _soon(self, key: StreamKey, wait_s: float) -> None:
        """Have a stream read; sooner than asked for if it is due before."""
        due = self._clock.monotonic_ns() + round(wait_s * SECOND_NS)
        self._due[key] = min(due, self._due.get(key, due))

    def _read_anew(self) -> None:
        for channel in _KEPT_UP:
            self._soon((channel, ""), 0.0)

    async def _refresh(self, key: StreamKey) -> None:
        """Read a stream because it is time to; one that cannot be read is tried again."""
        was_loaded = self._is_loaded(key)
        try:
            changes = await self._read(key)
        except BotError as error:
            self._soon(key, _AGAIN_S)
            self._watch.failed(key[0], error)
            if key not in self._failing:
                self._failing.add(key)
                self._hub.tell(*key, msgspec.json.encode(_stale(key[0], error)))
            return
        finally:
            self._reading.discard(key)
        self._failing.discard(key)
        if changes and was_loaded and key[0] in _FOLDED:
            self._watch.mended(key[0], changes)

    async def _read(self, key: StreamKey, *, is_first: bool = False) -> int:
        """Let a stream be what REST shows; return how many changes that took.

        Args:
            key: which.
            is_first: only if it was not read yet.
        """
        channel, owner = Channel(key[0]), key[1]
        async with self._locks.setdefault(key, asyncio.Lock()):
            if is_first and self._is_loaded(key):
                return 0
            if channel in _FOLDED:
                self._waiting[channel] = []
            try:
                wanted = self._hub.wanted(*key)
                messages = await self._truth.read(channel, self._actors.get(owner, SYSTEM), wanted)
                changes = self._take_up(key, messages)
            finally:
                for fact in self._waiting.pop(channel, ()):
                    self._apply(channel, fact)
            self._loaded.add(key)
            return changes

    def _take_up(self, key: StreamKey, messages: Sequence[Message]) -> int:
        channel, owner = key
        if channel == Channel.PRICES:
            for message in messages:
                self._price(message)
            return 0
        return self._hub.replace(channel, messages, owner=owner)

    def _price(self, message: Message) -> None:
        """Take a price that was quoted or read, unless a newer one was told meanwhile."""
        assert isinstance(message, PriceUpdate)
        known = self._known_price(message)
        if known is None or known.timestamp <= message.timestamp:
            self._hub.put(Channel.PRICES, message)

    def _closed(self, message: PriceUpdate) -> None:
        """Take the close of a bar; a quote of that instant stands before it, as in REST."""
        known = self._known_price(message)
        if known is None or known.timestamp < message.timestamp:
            self._hub.put(Channel.PRICES, message)

    def _known_price(self, message: PriceUpdate) -> PriceUpdate | None:
        slot = (PriceUpdate.__name__, message.key)
        known = self._hub.stream(Channel.PRICES).message(slot)
        return known if isinstance(known, PriceUpdate) else None

    async def _read_missing(self, key: StreamKey, instruments: frozenset[str]) -> None:
        """Read what is not held of these instruments."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            held = {change.about for change in self._hub.stream(*key).state()}
            missing = sorted(instruments - held)
            if missing:
                for message in await self._truth.read(Channel(key[0]), SYSTEM, missing):
                    self._hub.put(key[0], message, owner=key[1])

    def _is_loaded(self, key: StreamKey) -> bool:
        return key in self._loaded and self._hub.is_known(*key)

    # Time.

    async def _pace(self) -> None:
        """Send what has changed in conflated channels: to few four times a second, to many once."""
        due = self._clock.monotonic_ns()
        while True:
            due = max(due + _TICK_NS, self._clock.monotonic_ns())
            await self._clock.sleep((due - self._clock.monotonic_ns()) / SECOND_NS)
            turns = max(_FASTEST, min(PHASES, self._hub.subscribers // _FRAMES_A_TICK))
            self._turn += 1
            for phase in range(self._turn % turns, PHASES, turns):
                self._hub.flush(phase)

    async def _look(self) -> None:
        """Have read what is due."""
        seen: PlatformView | None = None
        compare = 0
        while True:
            now = self._clock.monotonic_ns()
            view = self._platform.view()
            if view is not seen:
                if seen is not None and view is not None and view.engine_pid != seen.engine_pid:
                    self._read_anew()  # another engine: what it said before we listened is lost
                seen = view
                for channel, wait_s in _WITH_VIEWS.items():
                    if self._hub.is_wanted(channel):
                        self._soon((channel, ""), wait_s)
            if now >= compare:
                compare = now + round(self._config.compare_s * SECOND_NS)
                self._read_anew()
            for key in self._hub.streams():
                if key[0] in _EACH_S and key not in self._due and self._hub.is_wanted(*key):
                    self._soon(key, _EACH_S[Channel(key[0])])
            self._begin(now)
            self._forget()
            await self._clock.sleep(_LOOK_S)

    def _begin(self, now: int) -> None:
        assert self._tasks is not None
        for key in [key for key, due in self._due.items() if due <= now]:
            if key in self._reading:
                continue
            del self._due[key]
            if key[0] in _KEPT_UP or self._hub.is_wanted(*key):
                self._reading.add(key)
                self._tasks.create_task(self._refresh(key))

    def _forget(self) -> None:
        """Let go of what nobody wants; it is read when somebody does."""
        for key in [each for each in self._loaded if each[0] not in _KEPT_UP]:
            if not self._hub.is_wanted(*key) and key not in self._reading:
                self._loaded.discard(key)
                self._hub.forget(*key)
                self._failing.discard(key)
                if key[1]:
                    self._actors.pop(key[1], None)
        for channel in (Channel.CANDLES, Channel.BOOK):
            self._hub.keep_only_wanted(channel)


_TAKEN: Final = (MarketDataUpdate, OrderPlaced, OrderUpdated, OrderFilled, SignalGenerated)


def owner_of(actor: Actor) -> str:
    """Return under which name an actor owns jobs and notifications."""
    return actor.user or actor.name


def _stale(channel: str, error: BotError) -> Fault:
    return Fault(
        data=FaultData(
            code="CHANNEL_STALE",
            cause=f"the state of {channel} cannot be read: {error.cause}",
            fix="what is shown may be old; it goes on by itself once it can be read",
            channel=channel,
        )
    )
