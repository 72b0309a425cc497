"""Five hundred people watch orders: sockets over the real door, and who places what they watch.

``python api_sockets.py PLAN.json`` prints one JSON line when all sockets have their snapshot, waits
for a line, places orders at an even pace, and prints one more with what was seen. An order's time
runs from before its request is sent to each socket's first frame about it, on one clock.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import resource
import statistics
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import picows

_CONNECTING = 16
_LAST_S = 3.0


class _Watcher(picows.WSListener):
    """One socket that follows orders."""

    frames = 0
    others = 0
    first: dict[str, dict[int, int]] = defaultdict(dict)  # noqa: RUF012  # of all in this process

    def __init__(self, number: int, ticket: str, ready: asyncio.Future[None]) -> None:
        self.number, self.ticket, self.ready = number, ticket, ready

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self._send({"ticket": self.ticket})

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        now = time.monotonic_ns()
        if frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
            return
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        told: dict[str, Any] = json.loads(frame.get_payload_as_bytes())
        match told["type"]:
            case "OrderUpdate":
                _Watcher.frames += 1
                _Watcher.first[told["data"]["id"]].setdefault(self.number, now)
            case "welcome":
                self._send({"op": "subscribe", "channel": "orders"})
            case "snapshot":
                if not self.ready.done():
                    self.ready.set_result(None)
            case _:
                _Watcher.others += 1

    def _send(self, message: dict[str, object]) -> None:
        self.transport.send(picows.WSMsgType.TEXT, json.dumps(message).encode())


def _call(port: int, path: str, body: object, credential: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {
        "Authorization": credential,
        "Content-Type": "application/json",
        "Idempotency-Key": uuid.uuid4().hex,
    }
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status not in (200, 201):
        raise SystemExit(f"{path}: {answer.status} {text[:300]!r}")
    return dict(json.loads(text))


async def _run(plan: dict[str, Any]) -> None:
    port, loop, gate = plan["port"], asyncio.get_running_loop(), asyncio.Semaphore(_CONNECTING)
    held = []

    async def watch(number: int, credential: str) -> None:
        async with gate:
            got = await asyncio.to_thread(_call, port, "/api/v1/ws-ticket", {}, credential)
            ready = loop.create_future()
            _, client = await picows.ws_connect(
                lambda: _Watcher(number, got["ticket"], ready),
                f"ws://127.0.0.1:{port}/api/v1/ws",
                websocket_handshake_timeout=60,
            )
            await asyncio.wait_for(ready, 60)
            held.append(client)

    watching = [each for each in plan["watchers"] for _ in range(plan["sockets_each"])]
    await asyncio.gather(*(watch(number, each) for number, each in enumerate(watching)))
    _say({"connected": len(held)})
    await asyncio.to_thread(sys.stdin.readline)
    _Watcher.first.clear()
    _Watcher.frames, cpu, began = 0, _cpu_s(), time.monotonic()
    sent: dict[str, int] = {}
    for number, order in enumerate(plan["orders"]):
        due = began + number / plan["rate"]
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        at = time.monotonic_ns()
        told = await asyncio.to_thread(_call, port, "/api/v1/trading/orders", order, plan["trader"])
        sent[told["id"]] = at
    await asyncio.sleep(_LAST_S)
    seconds = time.monotonic() - began - _LAST_S
    _say(_told(sent, len(watching), seconds, _cpu_s() - cpu))
    for client in held:
        client.transport.disconnect()


def _told(sent: dict[str, int], sockets: int, seconds: float, cpu_s: float) -> dict[str, Any]:
    seen = {order: _Watcher.first.get(order, {}) for order in sent}
    whole = [(at - sent[order]) / 1e6 for order, times in seen.items() for at in times.values()]
    spread = [(at - min(times.values())) / 1e6 for times in seen.values() for at in times.values()]
    return {
        "sockets": sockets,
        "orders": len(sent),
        "missing": sum(sockets - len(times) for times in seen.values()),
        "frames_per_s": _Watcher.frames / seconds,
        "whole_ms": _quantiles(whole),
        "spread_ms": _quantiles(spread),
        "cpu_frac": cpu_s / seconds,
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": max(values)}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text())))
