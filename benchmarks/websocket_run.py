"""One end of a WebSocket run: the server, or clients; ``websocket.py`` starts both.

``python websocket_run.py server CASE CLIENTS PORT`` serves hub and door on uvicorn and makes the
case's messages; each line on stdin is answered with one JSON line of its own figures.
``python websocket_run.py clients CASE FIRST COUNT PORT`` connects, waits for a line, measures for
the seconds it names, and prints one JSON line. A frame carries the instant at which the hub made it
(the monotonic clock, one for all processes of a machine), so that latency is from there to the
client's callback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import picows
import uvicorn
import uvloop
from botcore.api.ws import Feeds, SocketDoor
from botcore.api.ws.hub import Hub
from botcore.api.ws.protocol import FrameProtocol, framed
from botcore.control.access import GRANTS, Actor, ActorKind, Role
from botcore.control.schema.streams import (
    CHANNELS,
    Channel,
    Message,
    OrderUpdate,
    PriceUpdate,
)
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError
from botcore.domain.orders import OrderState, OrderType, Side, TimeInForce
from botcore.kernel.clock import SystemClock
from botcore.kernel.garbage import start_is_over
from starlette.routing import Router

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CONNECTING = 50
_INSTRUMENTS = 20
_QUICK = 100


def _stamped(payload: bytes) -> bytes:
    return framed(b'%s,"made":%d}' % (payload[:-1], time.monotonic_ns()))


def _user(client: int) -> str:
    return f"user{client // 5}"


def _filter(case: str, client: int) -> list[str]:
    return [f"I{client}.SIM"] if case.startswith("own") else []


def _channel(case: str) -> Channel:
    return Channel.PRICES if case.startswith("conflated") else Channel.ORDERS


# ---------------------------------------------------------------------------------- server


class _Tickets:
    """A ticket is the name of a user: what is measured begins behind it."""

    def take(self, ticket: str, _origin: str) -> Actor:
        return Actor(
            kind=ActorKind.PERSON,
            name=ticket,
            user=ticket,
            role=Role.TRADER,
            scopes=GRANTS[Role.TRADER],
            session=ticket,
        )

    def again(self, actor: Actor) -> Actor:
        return actor


class _Nothing:
    """No truth to compare with, no view, nobody who watches."""

    async def read(
        self, _channel: Channel, _actor: Actor, _wanted: Iterable[str]
    ) -> Sequence[Message]:
        return ()

    def view(self) -> PlatformView | None:
        return None

    def opened(self, actor: Actor) -> None: ...

    def closed(self, actor: Actor, code: int) -> None: ...

    def refused(self, actor: Actor, action: str, error: BotError) -> None: ...

    def failed(self, channel: str, error: BotError) -> None: ...

    def mended(self, channel: str, changes: int) -> None: ...


class _Server:
    def __init__(self, case: str, clients: int) -> None:
        self.case = case
        self.clients = clients
        self.made = 0
        self.hub: Hub[bytes] = Hub(CHANNELS, first_seq=time.time_ns() // 1000, wrap=_stamped)
        nothing, tickets, clock = _Nothing(), _Tickets(), SystemClock()
        self.feeds = Feeds(self.hub, truth=nothing, platform=nothing, watch=nothing, clock=clock)
        self.door = SocketDoor(
            hub=self.hub,
            ready=self.feeds.ready,
            tickets=tickets,
            living=tickets,
            watch=nothing,
            clock=clock,
        )

    async def make(self) -> None:
        """Make the case's messages at an even pace, from when they are due (open loop)."""
        rate = {"own": 1_000, "all": 2, "conflated": 1_000}[self.case.split("-")[0]]
        began, made = time.monotonic(), 0
        while True:
            await asyncio.sleep(0.001 if rate > _QUICK else 0.05)
            due = int((time.monotonic() - began) * rate)
            while made < due:
                made += 1
                self._one(made)
            self.made = made

    def _one(self, number: int) -> None:
        if self.case.startswith("conflated"):
            symbol = f"I{number % _INSTRUMENTS}.SIM"
            price = PriceUpdate(symbol=symbol, price=Decimal(number), timestamp=NOW)
            self.hub.put(Channel.PRICES, price)
            return
        name = f"I{number % self.clients}.SIM" if self.case.startswith("own") else "I.SIM"
        self.hub.put(Channel.ORDERS, _order(name, number))


def _order(instrument: str, number: int) -> OrderUpdate:
    return OrderUpdate(
        id=f"bc-{instrument}",
        account="paper",
        strategy="ema",
        instrument=instrument,
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        state=OrderState.PARTIAL,
        is_working=True,
        quantity=Decimal(1_000_000),
        filled=Decimal(number),
        leaves=Decimal(1_000_000 - number),
        limit_price=Decimal("64120.50"),
        venue_order_id="1234567890",
        placed_at=NOW,
        updated_at=NOW,
    )


async def _serve(case: str, clients: int, port: int) -> None:
    served = _Server(case, clients)
    kind = os.environ.get("BENCH_WS", "ours")
    config = uvicorn.Config(
        Router(served.door.routes()),
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws=_protocol(kind),
        ws_per_message_deflate=False,
        ws_max_size=64 * 1024,
        backlog=4096,
    )
    server = uvicorn.Server(config)
    before = _rss_kb()
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve())
        others = [tasks.create_task(each) for each in (served.feeds.run(), served.door.run())]
        while not server.started:
            await asyncio.sleep(0.01)
        start_is_over()  # as the platform's process does
        _say({"ready": True, "rss_kb": before})
        lines = await _stdin()
        while line := (await lines.readline()).decode().strip():
            if line == "make":
                others.append(tasks.create_task(served.make()))
            if line == "end":
                break
            _say(
                {
                    "cpu_s": _cpu_s(),
                    "waited_s": _waited_s(),
                    "at": time.monotonic(),
                    "rss_kb": _rss_kb(),
                    "sockets": served.door.sockets,
                    "made": served.made,
                }
            )
        server.should_exit = True
        for other in others:
            other.cancel()
        await asyncio.wait((serving,), timeout=20)


def _protocol(kind: str) -> object:
    return FrameProtocol if kind == "ours" else kind


# --------------------------------------------------------------------------------- clients


class _Client(picows.WSListener):
    """Counts and times frames; `seconds` are only recorded while measuring."""

    measuring = False
    latencies: list[int] = []  # noqa: RUF012  # one list for all clients of the process
    resyncs = 0
    closed = 0

    def __init__(self, case: str, number: int, ready: asyncio.Future[None]) -> None:
        self.case, self.number, self.ready = case, number, ready

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self._send({"ticket": _user(self.number)})

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        now = time.monotonic_ns()
        if frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
            return
        if frame.msg_type == picows.WSMsgType.CLOSE:
            type(self).closed += 1
            return
        payload = frame.get_payload_as_bytes()
        if payload.startswith(
            (b'{"type":"OrderUpdate"', b'{"type":"PriceUpdate"', b'{"type":"batch"')
        ):
            if _Client.measuring:
                _Client.latencies.append(now - int(payload[payload.rindex(b":") + 1 : -1]))
        elif payload.startswith(b'{"type":"welcome"'):
            channel, names = _channel(self.case), _filter(self.case, self.number)
            self._send({"op": "subscribe", "channel": channel, "filter": {"instruments": names}})
        elif payload.startswith(b'{"type":"snapshot"'):
            if not self.ready.done():
                self.ready.set_result(None)
        elif payload.startswith(b'{"type":"resync"'):
            _Client.resyncs += 1

    def _send(self, message: dict[str, object]) -> None:
        self.transport.send(picows.WSMsgType.TEXT, json.dumps(message).encode())


async def _clients(case: str, first: int, count: int, port: int) -> None:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(_CONNECTING)
    held = []

    async def one(number: int) -> None:
        async with gate:
            ready = loop.create_future()
            _, client = await picows.ws_connect(
                lambda: _Client(case, number, ready),
                f"ws://127.0.0.1:{port}/api/v1/ws",
                websocket_handshake_timeout=60,
            )
            await asyncio.wait_for(ready, 60)
            held.append(client)

    began = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(first, first + count)))
    _say({"connected": count, "seconds": time.monotonic() - began})
    lines = await _stdin()
    while line := (await lines.readline()).decode().strip():
        word, _, value = line.partition(" ")
        if word == "stop-reading":
            for client in held:
                client.transport.underlying_transport.pause_reading()
            _say({"stopped": len(held)})
            continue
        _Client.latencies.clear()
        _Client.measuring, cpu, at = True, _cpu_s(), time.monotonic()
        await asyncio.sleep(float(value))
        _Client.measuring = False
        spent = time.monotonic() - at
        measured = np.asarray(_Client.latencies, dtype=np.float64) / 1e6
        Path(os.environ["BENCH_OUT"]).joinpath(f"{os.getpid()}.npy").write_bytes(measured.tobytes())
        _say(
            {
                "frames": len(measured),
                "seconds": spent,
                "cpu_frac": (_cpu_s() - cpu) / spent,
                "resyncs": _Client.resyncs,
                "closed": _Client.closed,
                "file": f"{os.getpid()}.npy",
            }
        )


# ------------------------------------------------------------------------------------ both


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _waited_s() -> float:
    """Return how long this process was ready to run and had no core, seconds."""
    stat = Path("/proc/self/schedstat")
    return int(stat.read_text().split()[1]) / 1e9 if stat.exists() else float("nan")


def _rss_kb() -> int:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize() // 1024


def _raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: list[str]) -> None:
    """Be one end."""
    _raise_limit()
    role, case, *numbers = arguments
    work = _serve if role == "server" else _clients
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(work(case, *map(int, numbers)))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1:])
