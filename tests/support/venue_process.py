"""The paper venue as a process of its own behind a framed socket: it lives when the engine dies.

A frame is a length (unsigned, big endian, four bytes) and that many bytes of msgpack; each request
has a connection of its own. The clock is virtual: it moves with the bars and by `wait`, so that the
horizon of rule R4 passes at once. A second port tells the truth and turns the knobs.
"""

import contextlib
import selectors
import socket
import struct
from collections.abc import Iterator
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import msgspec
from tests.support.scripted_trading import INSTRUMENTS, PAPER, STARTS

from botcore.domain.ids import SECOND_NS, ClientOrderId, Currency, Nanos
from botcore.domain.market import BarOpened, BarsClosed
from botcore.domain.orders import OrderRef, OrderSpec
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import Balance, SimulatedVenue, SqliteVenueStore, VenueConfig
from botcore.venues.simulated.records import VenueRecords, decode

LENGTH = struct.Struct(">I")
_RESET = struct.pack("ii", 1, 0)
"""For `SO_LINGER`: a close that resets the connection."""
_PATIENCE_S = 2.0
_STALE = "-1021: outside the receive window"

Address = tuple[str, int]
Operation = Literal[
    "hello", "bars", "opened", "next", "submit", "cancel", "replace", "query", "wait", "deposit",
    "balances", "truth", "knob", "deaf", "stop",
]  # fmt: skip


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the venue.

    Attributes:
        ts: signed at, nanoseconds; `window_ns` later the venue refuses it.
        knob: for the next request named by `knob_for`, first come first served.
    """

    operation: Operation
    ts: int = 0
    window_ns: int = 2 * SECOND_NS
    bars: BarsClosed | None = None
    opened: BarOpened | None = None
    order: OrderSpec | None = None
    ref: OrderRef | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    seconds: float = 0.0
    amount: Decimal | None = None
    knob: "Knob | None" = None
    is_deaf: bool = False


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong with the next request of an operation.

    Attributes:
        fault: ``lose_answer``: carried out, unanswered; ``drop``: read, never carried out;
            ``reset``: likewise, and the connection is reset; ``hold``: not read before
            `arrives_after_s` of the venue's clock.
        skip: how many requests pass unharmed before.
    """

    on: Operation
    fault: Literal["lose_answer", "drop", "reset", "hold"]
    arrives_after_s: float = 0.0
    skip: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says.

    Attributes:
        now: its clock.
        is_done: no report of the bar is left.
        truth: all it knows, as `records.encode` made it.
    """

    now: int
    reports: tuple[VenueReport, ...] = ()
    is_done: bool = False
    balances: dict[Currency, Balance] = {}
    acceptances: dict[ClientOrderId, int] = {}
    truth: bytes = b""


class _Held(msgspec.Struct, frozen=True):
    arrives_at: int
    request: Request


def read_frame(connection: socket.socket) -> bytes | None:
    """Return the next frame; None if the other side ended before its end."""
    head = _exactly(connection, LENGTH.size)
    return None if head is None else _exactly(connection, LENGTH.unpack(head)[0])


def framed(message: msgspec.Struct) -> bytes:
    """Return the bytes of a message on the wire."""
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            return None
        data += part
    return data


class _Server:
    def __init__(self, path: Path) -> None:
        self._venue = SimulatedVenue(
            instruments={each.id: each for each in INSTRUMENTS},
            config=VenueConfig(),
            store=SqliteVenueStore(path),
        )
        self._now = STARTS
        self._reports: Iterator[VenueReport] = iter(())
        self._knobs: list[Knob] = []
        self._held: list[_Held] = []
        self._is_stopping = False
        self._selector = selectors.DefaultSelector()
        self._control = _listening(("127.0.0.1", 0))
        self._trading: socket.socket | None = _listening(("127.0.0.1", 0))
        self.control: Address = self._control.getsockname()
        self.trading: Address = self._trading.getsockname()
        for listener in (self._control, self._trading):
            self._selector.register(listener, selectors.EVENT_READ)

    def run(self) -> None:
        while not self._is_stopping:
            for key, _ in self._selector.select():
                listener = key.fileobj
                assert isinstance(listener, socket.socket)
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(_PATIENCE_S)
                    self._serve(connection, is_control=listener is self._control)

    def _serve(self, connection: socket.socket, *, is_control: bool) -> None:
        body = read_frame(connection)
        if body is None:
            return  # half a request is none
        request = msgspec.msgpack.decode(body, type=Request)
        knob = None if is_control else self._knob_for(request.operation)
        fault = knob.fault if knob is not None else ""
        if fault in ("drop", "reset"):
            if fault == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return
        if knob is not None and fault == "hold":
            arrives_at = self._now + round(knob.arrives_after_s * SECOND_NS)
            self._held.append(_Held(arrives_at, request))
            return
        answer = self._answer(request)
        if fault != "lose_answer":
            connection.sendall(framed(answer))

    def _knob_for(self, operation: Operation) -> Knob | None:
        for place, knob in enumerate(self._knobs):
            if knob.on == operation:
                if knob.skip:
                    self._knobs[place] = msgspec.structs.replace(knob, skip=knob.skip - 1)
                    return None
                return self._knobs.pop(place)
        return None

    def _answer(self, request: Request) -> Answer:  # noqa: PLR0912  # one arm an operation
        venue, reports = self._venue, tuple[VenueReport, ...]()
        match request.operation:
            case "hello":
                for _ in self._reports:  # the venue went on without whoever listened
                    pass
            case "bars":
                assert request.bars is not None
                self._move_to(request.bars.ts_close)
                self._reports = iter(venue.on_bars(request.bars))
            case "opened":
                assert request.opened is not None
                self._move_to(request.opened.ts_open)
                self._reports = iter(venue.on_open(request.opened))
            case "next":
                report = next(self._reports, None)
                if report is None:
                    return Answer(now=self._now, is_done=True)
                reports = (report,)
            case "submit":
                reports = self._submit(request)
            case "cancel":
                reports = tuple(venue.cancel(_ref(request), self._now))
            case "replace":
                values = (request.quantity, request.limit_price, request.trigger_price)
                reports = tuple(venue.replace(_ref(request), *values, self._now))
            case "query":
                reports = tuple(venue.query(_ref(request), self._now))
            case "wait":
                self._move_to(self._now + round(request.seconds * SECOND_NS))
            case "deposit":
                assert request.amount is not None
                venue.deposit(PAPER, Currency("USDT"), request.amount)
            case "truth":
                return Answer(
                    now=self._now,
                    truth=venue.snapshot(),
                    balances=venue.balances(PAPER),
                    acceptances=venue.acceptances(),
                )
            case "balances":
                return Answer(now=self._now, balances=venue.balances(PAPER))
            case "knob":
                assert request.knob is not None
                self._knobs.append(request.knob)
            case "deaf":
                self._be_deaf(request.is_deaf)
            case "stop":
                self._is_stopping = True
        return Answer(now=self._now, reports=reports)

    def _submit(self, request: Request) -> tuple[VenueReport, ...]:
        order = request.order
        assert order is not None
        if self._now > request.ts + request.window_ns:
            return (
                VenueReport(
                    ReportKind.REJECTED,
                    order.account,
                    order.instrument,
                    order.client_order_id,
                    Nanos(self._now),
                    detail=_STALE,
                ),
            )
        return tuple(self._venue.submit(order, max(request.ts, self._now)))

    def _move_to(self, ts: int) -> None:
        """Let time pass; what was held arrives on the way, at its own time."""
        due = [held for held in self._held if held.arrives_at <= ts]
        self._held = [held for held in self._held if held.arrives_at > ts]
        for held in due:
            self._now = max(self._now, held.arrives_at)
            self._answer(held.request)
        self._now = max(self._now, ts)

    def _be_deaf(self, is_deaf: bool) -> None:
        if self._trading is not None:
            self._selector.unregister(self._trading)
            self._trading.close()
            self._trading = None
        if not is_deaf:
            self._trading = _listening(self.trading)
            self._selector.register(self._trading, selectors.EVENT_READ)


def _listening(address: Address) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(8)
    return listener


def _ref(request: Request) -> OrderRef:
    assert request.ref is not None
    return request.ref


def serve(path: Path, tell: Connection) -> None:
    """Be the venue's process over the store at `path`; tell both addresses when it listens."""
    server = _Server(path)
    tell.send((server.trading, server.control))
    tell.close()
    server.run()


class Truth(msgspec.Struct, frozen=True):
    """What the venue holds to be true, whatever anybody else believes."""

    records: VenueRecords
    balances: dict[Currency, Balance]
    acceptances: dict[ClientOrderId, int]


class VenueControl:
    """The other end of the control port: truth and knobs, for tests."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def truth(self) -> Truth:
        """Ask for everything."""
        answer = self._ask(Request(operation="truth"))
        return Truth(decode(answer.truth), answer.balances, answer.acceptances)

    def turn(self, knob: Knob) -> None:
        """Have something go wrong with the next request of an operation."""
        self._ask(Request(operation="knob", knob=knob))

    def be_deaf(self, is_deaf: bool) -> None:
        """Refuse connections on the trading port, or take them again."""
        self._ask(Request(operation="deaf", is_deaf=is_deaf))

    def move_market(self, event: BarsClosed) -> None:
        """Let the market move on without the engine."""
        self._ask(Request(operation="bars", bars=event))
        self._ask(Request(operation="hello"))

    def stop(self) -> None:
        """End the process."""
        self._ask(Request(operation="stop"))

    def _ask(self, request: Request) -> Answer:
        with socket.create_connection(self._address, timeout=10.0) as connection:
            connection.sendall(framed(request))
            body = read_frame(connection)
        assert body is not None, "the venue's process ended"
        return msgspec.msgpack.decode(body, type=Answer)
