"""Whatever drops, lags, overflows or comes back: a client ends with the state the server has."""

from collections import deque
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.stream_items import a_price, a_trade, an_order

from botcore.api.ws.hub import Hub
from botcore.api.ws.subscriber import PHASES, Subscriber
from botcore.client.folding import ChannelState, read_frame
from botcore.control.schema.streams import CHANNELS, Message

CLIENTS = 2
STREAMS = ("orders", "fills", "prices")
SYMBOLS = ("A.SIM", "B.SIM", "C.SIM")
KEPT = 200
WIRE = 4
clients = st.integers(0, CLIENTS - 1)
channels = st.sampled_from(STREAMS)
symbols = st.sampled_from(SYMBOLS)
small = st.integers(0, 9)
filters = st.frozensets(symbols, max_size=2)


class Client:
    """Reads frames of a connection one after another, and folds them."""

    def __init__(self, hub: Hub[bytes]) -> None:
        self.hub = hub
        self.states: dict[str, ChannelState] = {}
        self.filters: dict[str, frozenset[str]] = {}
        self.wire: deque[bytes] = deque()
        self.subscriber: Subscriber[bytes] | None = None

    def connect(self) -> None:
        self.subscriber = self.hub.join(lambda: None)
        for channel in self.states:
            self.ask_for(channel)

    def disconnect(self) -> None:
        if self.subscriber is not None:
            self.hub.leave(self.subscriber)
        self.subscriber = None
        self.wire.clear()  # what was under way is lost

    def want(self, channel: str, instruments: frozenset[str]) -> None:
        self.states[channel] = ChannelState(channel)
        self.filters[channel] = instruments
        self.ask_for(channel)

    def ask_for(self, channel: str) -> None:
        if self.subscriber is not None:
            self.hub.subscribe(
                self.subscriber,
                channel,
                instruments=self.filters[channel],
                since_seq=self.states[channel].seq,
            )

    def write(self) -> None:
        """The socket takes what waits."""
        if self.subscriber is not None:
            self.wire.extend(self.subscriber.take())

    def read(self, frames: int) -> None:
        for _ in range(min(frames, len(self.wire))):
            frame = read_frame(self.wire.popleft())
            state = self.states[frame.channel]
            before = state.seq
            state.fold(frame)  # raises Hole if a delta was left out
            if frame.channel == "orders" and before is not None and frame.after >= 0:
                assert frame.after == before
                if not self.filters[frame.channel]:
                    assert frame.seq == frame.after + 1


class Streams(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub(CHANNELS, first_seq=1_000, wrap=bytes, queue=6, ring=8)
        self.clients = [Client(self.hub) for _ in range(CLIENTS)]
        self.trades = 0

    @initialize(wanted=st.lists(filters, min_size=CLIENTS, max_size=CLIENTS))
    def all_are_connected(self, wanted: list[frozenset[str]]) -> None:
        for client, instruments in zip(self.clients, wanted, strict=True):
            client.connect()
            for channel in STREAMS:
                client.want(channel, instruments)

    @rule(symbol=symbols, numbers=st.lists(small, min_size=1, max_size=9), filled=small)
    def orders_change(self, symbol: str, numbers: list[int], filled: int) -> None:
        for number in numbers:
            order = an_order(f"{symbol}{number}", instrument=symbol, filled=str(filled))
            self.hub.put("orders", order)

    @rule(symbol=symbols, number=small)
    def an_order_ends(self, symbol: str, number: int) -> None:
        self.hub.put("orders", an_order(f"{symbol}{number}", instrument=symbol), is_removed=True)

    @rule(symbol=symbols, count=st.sampled_from((2, 3, 60)))
    def trades_happen(self, symbol: str, count: int) -> None:
        for _ in range(count):
            self.trades += 1
            self.hub.put("fills", a_trade(f"t{self.trades}", instrument=symbol))

    @rule(prices=st.dictionaries(symbols, small, min_size=1), is_sent=st.booleans())
    def prices_come(self, prices: dict[str, int], is_sent: bool) -> None:
        for symbol, price in prices.items():
            self.hub.put("prices", a_price(symbol, str(price)))
        if is_sent:
            for phase in range(CLIENTS):
                self.hub.flush(phase)

    @rule(symbol=symbols)
    def a_price_goes(self, symbol: str) -> None:
        self.hub.put("prices", a_price(symbol, "0"), is_removed=True)

    @rule(numbers=st.sets(small, max_size=4), symbol=symbols)
    def orders_are_read_anew(self, numbers: set[int], symbol: str) -> None:
        self.hub.replace(
            "orders", [an_order(f"{symbol}{n}", instrument=symbol) for n in sorted(numbers)]
        )

    @rule(
        back=st.integers(0, 5), more=st.integers(0, 3), swaps=st.sampled_from((True, True, False))
    )
    def fills_are_read_anew(self, back: int, more: int, swaps: bool) -> None:
        held = [change.message for change in self.hub.stream("fills").state()]
        told: list[Message] = held[back:] if back else held
        told = told[:-2] + told[-1:] + told[-2:-1] if swaps else told
        for _ in range(more):
            self.trades += 1
            told.append(a_trade(f"t{self.trades}"))
        self.hub.replace("fills", told[-KEPT:])

    @rule(phase=st.integers(0, CLIENTS))
    def a_flush(self, phase: int) -> None:
        self.hub.flush(phase % PHASES)

    @rule(client=clients, channel=channels, instruments=filters)
    def a_client_subscribes(self, client: int, channel: str, instruments: frozenset[str]) -> None:
        self.clients[client].want(channel, instruments)

    @rule(client=clients)
    def a_client_drops(self, client: int) -> None:
        self.clients[client].disconnect()

    @rule(client=clients, frames=st.integers(0, 5))
    def a_client_reads(self, client: int, frames: int) -> None:
        if len(self.clients[client].wire) < WIRE:  # else the socket takes no more
            self.clients[client].write()
        self.clients[client].read(frames)

    @rule(client=clients, frames=st.integers(0, 5))
    def a_connection_breaks_and_comes_back(self, client: int, frames: int) -> None:
        self.clients[client].write()
        self.clients[client].read(frames)
        self.clients[client].disconnect()
        self.clients[client].connect()

    @rule(client=clients)
    def a_heartbeat(self, client: int) -> None:
        """What it says holds once everything that waits was read."""
        each = self.clients[client]
        if each.subscriber is None:
            return
        positions = each.subscriber.positions()
        each.write()
        each.read(len(each.wire))
        for channel, seq in positions.items():
            assert each.states[channel].seq == seq or self.hub.stream(channel).spec.is_conflated

    @invariant()
    def no_queue_grows_without_bound(self) -> None:
        for client in self.clients:
            if client.subscriber is not None:
                assert client.subscriber.waiting <= 6 + 3 * len(STREAMS)

    def teardown(self) -> None:
        for client in self.clients:
            if client.subscriber is None:
                client.connect()
        for _ in range(4):
            for phase in range(PHASES):
                self.hub.flush(phase)
            for client in self.clients:
                client.write()
                client.read(len(client.wire))
        for client in self.clients:
            for channel in client.states:
                self.holds(client, channel)

    def holds(self, client: Client, channel: str) -> None:
        wanted = client.filters[channel]
        truth: dict[Any, Message] = {
            change.slot: change.message
            for change in self.hub.stream(channel).state()
            if not wanted or change.about in wanted
        }
        held = dict(client.states[channel].items)
        if channel == "fills":
            newest = list(held.items())[-len(truth) :] if truth else []
            assert newest == list(truth.items())
            assert len(held) <= KEPT
            assert wanted or len(held) == len(truth)
        else:
            assert held == truth


Streams.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestStreams = Streams.TestCase
