"""A load generator over HTTP/1.1: a process of its own, bounded, that says what it took itself.

``python api_generator.py PLAN`` reads a `Plan` as JSON and prints one JSON line. Open loop: each
request has an instant at which it is due, and its latency runs from there to the answer's last
byte, so that a slow answer makes no later request invisible. Closed loop (``rate`` 0): each
connection sends as soon as it was answered.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import uvloop

_PATIENCE_S = 30.0
"""How long the last answers are waited for."""
_TURNS = 16
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


class Ask(msgspec.Struct, frozen=True):
    """One request: the kind it is counted under, and its bytes as text."""

    kind: str
    text: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send.

    Attributes:
        asks: sent in turn, from the first again after the last.
        is_once: each is sent once, and the run ends when the last was answered.
        rate: a second, in all; 0 is a closed loop.
        seconds: measured, after ``warm_s`` that are not.
        connections: kept open; an open loop's request takes one that is free, or waits.
        sources: own addresses to connect from, in turn; each request then has a connection of
            its own, made when it is due and closed when it was answered.
        apart: kinds that are told by themselves and not counted in ``all``.
        answers: a file that takes one line an answer: number of the ask, status, ``id`` in it.
    """

    port: int
    asks: list[Ask]
    is_once: bool = False
    rate: float = 0.0
    seconds: float = 10.0
    warm_s: float = 1.0
    connections: int = 32
    sources: list[str] = []
    apart: list[str] = []
    answers: str = ""


class _Wire(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._number = -1
        self._due = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if self._number >= 0:
            self._run.broken += 1
            self._number = -1

    def send(self, number: int, due: int) -> None:
        assert self._transport is not None
        self._number, self._due = number, due
        self._transport.write(self._run.bytes_of(number))

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        end = buffer.find(_END)
        if end < 0:
            return
        at = buffer.lower().find(_LENGTH, 0, end + 2)
        length = 0
        if at >= 0:
            start = at + len(_LENGTH)
            length = int(buffer[start : buffer.index(b"\r", start)])
        whole = end + len(_END) + length
        if len(buffer) < whole:
            return
        status = int(buffer[9:12])
        body = bytes(buffer[end + len(_END) : whole]) if self._run.keeps_answers else b""
        del buffer[:whole]
        number, self._number = self._number, -1
        self._run.answered(self, number, self._due, status, body)


class _Run:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._bytes = [ask.text.encode() for ask in plan.asks]
        self._waiting: deque[tuple[int, int]] = deque()
        self._free: deque[_Wire] = deque()
        self._begun: set[asyncio.Task[None]] = set()
        self._from = self._until = 0
        self._done = asyncio.Event()
        self._sent = self._answered = 0
        self._late: list[float] = []
        self._found: dict[str, list[float]] = {}
        self._statuses: Counter[str] = Counter()
        self._lines: list[str] = []
        self.broken = 0
        self.keeps_answers = bool(plan.answers)

    def bytes_of(self, number: int) -> bytes:
        return self._bytes[number % len(self._bytes)]

    async def go(self) -> dict[str, Any]:
        plan, loop = self._plan, asyncio.get_running_loop()
        for _ in range(0 if plan.sources else plan.connections):
            self._free.append(await self._wire())
        start = time.perf_counter_ns()
        self._from = start + round(plan.warm_s * 1e9)
        self._until = self._from + round(plan.seconds * 1e9)
        loop.call_at(loop.time() + plan.warm_s, self._note_cpu)
        if plan.rate:
            await self._paced(start)
        else:
            for wire in list(self._free):
                self._next(wire)
            await asyncio.sleep(plan.warm_s + plan.seconds)
        ended = time.perf_counter_ns()
        cpu = _cpu_s() - self._cpu_before
        if plan.rate and self._sent > self._answered + self.broken:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._done.wait(), _PATIENCE_S)
        if plan.answers:
            Path(plan.answers).write_text("".join(self._lines))
        seconds = (ended - self._from) / 1e9
        measured = sum(map(len, self._found.values()))
        return {
            "seconds": seconds,
            "sent": self._sent,
            "answered": self._answered,
            "measured": measured,
            "per_s": measured / seconds,
            "broken": self.broken,
            "unanswered": self._sent - self._answered - self.broken if plan.rate else 0,
            "cpu_frac": cpu / seconds,
            "late_ms": _percentiles(self._late),
            "all": _percentiles(
                [
                    each
                    for kind, kept in self._found.items()
                    if kind not in plan.apart
                    for each in kept
                ]
            ),
            "kinds": {kind: _percentiles(kept) for kind, kept in sorted(self._found.items())},
            "statuses": dict(sorted(self._statuses.items())),
        }

    _cpu_before = 0.0

    def _note_cpu(self) -> None:
        self._cpu_before = _cpu_s()

    async def _paced(self, start: int) -> None:
        plan = self._plan
        gap = 1e9 / plan.rate
        count = len(plan.asks) if plan.is_once else round((plan.warm_s + plan.seconds) * plan.rate)
        for number in range(count):
            due = start + round(number * gap)
            while (left := due - time.perf_counter_ns()) > 0:
                await asyncio.sleep(left / 1e9)
            if not number % _TURNS:
                await asyncio.sleep(0)  # answers are taken in also while one is behind
            self._sent += 1
            self._done.clear()
            self._late.append((time.perf_counter_ns() - due) / 1e6)
            if plan.sources:
                begun = asyncio.create_task(self._alone(number, due))
                self._begun.add(begun)
                begun.add_done_callback(self._begun.discard)
            elif self._free:
                self._free.popleft().send(number, due)
            else:
                self._waiting.append((number, due))

    async def _wire(self, source: str = "") -> _Wire:
        _, wire = await asyncio.get_running_loop().create_connection(
            lambda: _Wire(self),
            "127.0.0.1",
            self._plan.port,
            local_addr=(source, 0) if source else None,
        )
        return wire

    async def _alone(self, number: int, due: int) -> None:
        """Send a request over a connection of its own."""
        try:
            wire = await self._wire(self._plan.sources[number % len(self._plan.sources)])
        except OSError:
            self.broken += 1
            return
        wire.send(number, due)

    def _next(self, wire: _Wire) -> None:
        number, self._sent = self._sent, self._sent + 1
        wire.send(number, time.perf_counter_ns())

    def answered(self, wire: _Wire, number: int, due: int, status: int, body: bytes) -> None:
        now = time.perf_counter_ns()
        self._answered += 1
        ask = number % len(self._bytes)
        if self._plan.is_once or self._from <= due < self._until:
            self._found.setdefault(self._plan.asks[ask].kind, []).append((now - due) / 1e6)
            self._statuses[str(status)] += 1
        if self.keeps_answers:
            self._lines.append(f"{ask} {status} {_id_of(body)}\n")
        if not self._plan.rate:
            if now < self._until:
                self._next(wire)
            return
        if self._plan.sources:
            wire.close()
        elif self._waiting:
            wire.send(*self._waiting.popleft())
        else:
            self._free.append(wire)
        if self._answered + self.broken >= self._sent:
            self._done.set()


def _id_of(body: bytes) -> str:
    try:
        return str(json.loads(body).get("id", "-"))
    except ValueError:
        return "-"


def _percentiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    p50, p95, p99, p999 = np.percentile(np.array(values), (50, 95, 99, 99.9))
    return {
        "count": len(values),
        "p50": float(p50),
        "p95": float(p95),
        "p99": float(p99),
        "p99.9": float(p999),
        "max": max(values),
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run the plan and print what came of it."""
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(_Run(plan).go())) + "\n")


if __name__ == "__main__":
    main()
