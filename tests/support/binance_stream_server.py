"""Binance's public side on loopback: REST routes and combined streams, with faults at will.

It runs on a thread of its own. What it sends is what a test pushes: recorded lines, or lines made
here in the venue's layout. Loopback only, on a free port.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import WSMsgType, web

from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.kernel.clock import Clock

T = TypeVar("T")
_WAIT_S = 10.0
MS = 1_000_000


@dataclass
class Fault:
    """What a REST route does instead of answering: `status` and `body` after `delay_s`."""

    status: int = 200
    body: str | None = None
    delay_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1 << 30


@dataclass(eq=False)
class _Client:
    socket: web.WebSocketResponse
    transport: asyncio.Transport
    streams: set[str] = field(default_factory=set)
    requests: list[float] = field(default_factory=list)
    is_half_open: bool = False


class BinanceStreamServer:
    """A local venue.

    Args:
        clock: the venue's time.

    Attributes:
        klines: rows of ``klines`` by symbol: ``[open_ms, o, h, l, c, v, close_ms, …]``.
        depths: bodies of ``depth`` by symbol; a list is answered one after another, its last stays.
        symbols: entries of ``exchangeInfo``.
        faults: what a route does instead, by its name.
        refuse_handshakes: the HTTP status of every WebSocket handshake; 0 accepts.
        refuse_streams: the venue's error code to every SUBSCRIBE; None accepts.
        asked: how often each route was asked for.
        pongs: payloads of the pongs that came back.
        weight: told as used with every answer.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.klines: dict[str, list[list[Any]]] = {}
        self.depths: dict[str, list[str]] = {}
        self.symbols: list[dict[str, Any]] = []
        self.faults: dict[str, Fault] = {}
        self.refuse_handshakes = 0
        self.refuse_streams: int | None = None
        self.asked: Counter[str] = Counter()
        self.queries: list[dict[str, str]] = []
        self.pongs: list[bytes] = []
        self.weight = 1
        self.handshakes = 0
        self._clients: list[_Client] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0

    # --- life

    def __enter__(self) -> BinanceStreamServer:
        self._thread.start()
        assert self._ready.wait(_WAIT_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S)

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    # --- what a test does to it

    def push(self, line: str | bytes) -> int:
        """Send a frame to every client that subscribed to its stream; return to how many."""
        return self.push_all([line])

    def push_all(self, lines: Sequence[str | bytes]) -> int:
        """Send frames in order."""
        return self._do(self._push([x if isinstance(x, str) else x.decode() for x in lines]))

    def push_raw(self, text: str) -> int:
        """Send a frame that is no stream's, to all."""

        async def send() -> int:
            for client in self._clients:
                await client.socket.send_str(text)
            return len(self._clients)

        return self._do(send())

    def push_half_a_frame(self) -> None:
        """Send the head of a frame and a part of its payload, then break off."""

        async def send() -> None:
            for client in list(self._clients):
                client.transport.write(b"\x81\x7e\x01\x00" + b'{"stream":"btcus')
                client.transport.close()

        self._do(send())

    def ping(self, payload: bytes) -> None:
        async def send() -> None:
            for client in self._clients:
                await client.socket.ping(payload)

        self._do(send())

    def drop(self) -> None:
        """Break every connection off without a word."""

        async def send() -> None:
            for client in list(self._clients):
                client.transport.abort()

        self._do(send())

    def close_politely(self) -> None:
        """Close every connection as the venue does at its cut."""

        async def send() -> None:
            for client in list(self._clients):
                await client.socket.close(code=1008, message=b"24 h", drain=False)

        self._do(send())

    def half_open(self) -> None:
        """Keep every present connection open, and never send anything on it again."""

        async def mark() -> None:
            for client in self._clients:
                client.is_half_open = True

        self._do(mark())

    @property
    def connections(self) -> int:
        return len(self._clients)

    @property
    def subscribed(self) -> list[set[str]]:
        return [set(client.streams) for client in self._clients]

    @property
    def requests(self) -> list[list[float]]:
        """Real instants at which each client's requests came, seconds."""
        return [list(client.requests) for client in self._clients]

    # --- inside

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/api/v3/{route}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _shut(self) -> None:
        for client in list(self._clients):
            client.transport.abort()
        assert self._runner is not None
        await self._runner.cleanup()
        slow = asyncio.all_tasks() - {asyncio.current_task()}  # answers that are still delayed
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        await asyncio.sleep(0.01)  # sockets that were closed are let go of by the loop's next turns

    async def _push(self, lines: Sequence[str]) -> int:
        sent = 0
        for line in lines:
            name = line[11 : line.index('"', 11)] if line.startswith('{"stream":"') else ""
            for client in list(self._clients):
                if client.is_half_open or (name and name not in client.streams):
                    continue
                with contextlib.suppress(ConnectionError):
                    await client.socket.send_str(line)
                    sent += 1
        return sent

    async def _rest(self, request: web.Request) -> web.Response:
        route = request.match_info["route"]
        self.asked[route] += 1
        self.queries.append(dict(request.query))
        fault = self.faults.get(route)
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.weight)}
        if fault is not None and fault.times > 0:
            fault.times -= 1
            await asyncio.sleep(fault.delay_s)
            if fault.status != 200 or fault.body is not None:
                return web.Response(
                    status=fault.status, text=fault.body or "", headers={**headers, **fault.headers}
                )
        answer: Callable[[Mapping[str, str]], str | None] = {
            "time": lambda _: json.dumps({"serverTime": self.clock.now_ns() // MS}),
            "ping": lambda _: "{}",
            "klines": self._klines,
            "depth": self._depth,
            "exchangeInfo": self._rules,
        }[route]
        body = answer(request.query)
        if body is None:
            return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
        return web.Response(text=body, content_type="application/json", headers=headers)

    def _klines(self, query: Mapping[str, str]) -> str | None:
        rows = self.klines.get(query["symbol"])
        if rows is None:
            return None
        start, end, limit = int(query["startTime"]), int(query["endTime"]), int(query["limit"])
        return json.dumps([row for row in rows if start <= row[0] <= end][:limit])

    def _depth(self, query: Mapping[str, str]) -> str | None:
        bodies = self.depths.get(query["symbol"])
        if not bodies:
            return None
        return bodies.pop(0) if len(bodies) > 1 else bodies[0]

    def _rules(self, query: Mapping[str, str]) -> str | None:
        wanted = json.loads(query["symbols"])
        found = [each for each in self.symbols if each["symbol"] in wanted]
        return json.dumps({"symbols": found}) if len(found) == len(wanted) else None

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.handshakes += 1
        if self.refuse_handshakes:
            return web.Response(status=self.refuse_handshakes, text="<html>no</html>")
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        client = _Client(socket, request.transport)
        self._clients.append(client)
        try:
            async for message in socket:
                if message.type is WSMsgType.PONG:
                    self.pongs.append(bytes(message.data))
                elif message.type is WSMsgType.TEXT:
                    await self._asked(client, json.loads(message.data))
        finally:
            self._clients.remove(client)
        return socket

    async def _asked(self, client: _Client, request: dict[str, Any]) -> None:
        client.requests.append(self._loop.time())
        if client.is_half_open:
            return
        if self.refuse_streams is not None:
            refusal = {"code": self.refuse_streams, "msg": "no", "id": request["id"]}
            await client.socket.send_str(json.dumps(refusal))
            return
        if request["method"] == "SUBSCRIBE":
            client.streams.update(request["params"])
        elif request["method"] == "UNSUBSCRIBE":
            client.streams.difference_update(request["params"])
        await client.socket.send_str(json.dumps({"result": None, "id": request["id"]}))


# --- frames in the venue's layout


def _frame(symbol: str, kind: str, data: Mapping[str, Any]) -> str:
    named = {"stream": f"{symbol.lower()}@{kind}", "data": data}
    return json.dumps(named, separators=(",", ":"))


def symbol_of(instrument: InstrumentId) -> str:
    return instrument.partition(".")[0]


def a_trade(symbol: str, number: int, price: str, ts_ns: int, quantity: str = "1.0") -> str:
    ms = ts_ns // MS
    data = {"e": "trade", "E": ms, "s": symbol, "t": number, "p": price, "q": quantity, "T": ms}
    return _frame(symbol, "trade", {**data, "m": False, "M": True})


def a_quote(symbol: str, number: int, bid: str, ask: str) -> str:
    data = {"u": number, "s": symbol, "b": bid, "B": "1.0", "a": ask, "A": "2.0"}
    return _frame(symbol, "bookTicker", data)


def a_delta(
    symbol: str,
    first: int,
    last: int,
    ts_ns: int,
    bids: Sequence[tuple[str, str]] = (),
    asks: Sequence[tuple[str, str]] = (),
) -> str:
    data = {"e": "depthUpdate", "E": ts_ns // MS, "s": symbol, "U": first, "u": last}
    return _frame(symbol, "depth@100ms", {**data, "b": bids, "a": asks})


def a_snapshot(
    last: int,
    bids: Sequence[tuple[str, str]] = (("100.00", "1.0"),),
    asks: Sequence[tuple[str, str]] = (("101.00", "1.0"),),
) -> str:
    return json.dumps({"lastUpdateId": last, "bids": bids, "asks": asks})


def a_candle(
    symbol: str,
    opens_ns: int,
    prices: tuple[str, str, str, str] = ("100.00", "101.00", "99.00", "100.50"),
    *,
    is_closed: bool = True,
    volume: str = "5.0",
    trades: int = 7,
) -> str:
    opens, (o, h, low, c) = opens_ns // MS, prices
    kline = {"t": opens, "T": opens + MINUTE_NS // MS - 1, "s": symbol, "i": "1m", "f": 1, "L": 7}
    kline |= {"o": o, "c": c, "h": h, "l": low, "v": volume, "n": trades, "x": is_closed}
    kline |= {"q": "500.0", "V": "2.0", "Q": "200.0", "B": "0"}
    data = {"e": "kline", "E": opens + MINUTE_NS // MS, "s": symbol, "k": kline}
    return _frame(symbol, "kline_1m", data)


def a_kline_row(
    opens_ns: int, prices: tuple[str, str, str, str] = ("100.00", "101.00", "99.00", "100.50")
) -> list[Any]:
    opens = opens_ns // MS
    return [opens, *prices, "5.0", opens + MINUTE_NS // MS - 1, "500.0", 7, "2.0", "200.0", "0"]
