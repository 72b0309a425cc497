"""WebSocket: many clients, and none slowed by another."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import machine
from results import Section, table

NAME = "websocket"
TITLE = "WebSocket: latency from hub to client, and memory a client"
_HERE = Path(__file__).resolve().parent
_SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is run: ``kind`` names who gets what, ``slow`` clients never read."""

    kind: str
    clients: int
    seconds: float
    words: str
    p50_ms: float | None
    p99_ms: float
    slow: int = 0
    processes: int = 1


CASES = {
    "own-500": Case("own", 500, 20, "500 clients, 1,000 orders/s, each to one of them", 10, 50),
    "all-500": Case(
        "all", 500, 20, "500 clients, 2 orders/s, each to all of them (1,000 frames/s)", 10, 50
    ),
    "slow-500": Case(
        "own", 500, 20, "the first case beside 20 clients that read nothing", 10, 50, slow=20
    ),
    "conflated-10000": Case(
        "conflated",
        10_000,
        20,
        "10,000 clients, one conflated frame a second each, 1,000 prices/s",
        None,
        500,
        processes=2,
    ),
}


class _Process:
    """A server or a generator, spoken to in lines."""

    def __init__(self, folder: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "websocket_run.py", *map(str, arguments)],
            cwd=_HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "BENCH_OUT": folder},
        )

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended: {self._process.wait()}")
        return dict(json.loads(line))

    def ask(self, line: str) -> dict[str, Any]:
        self.tell(line)
        return self.hear()

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Run each case ``repeat`` times and return the section with the medians."""
    about = machine.describe()
    rows, verdicts = [], []
    for name, case in CASES.items():
        if only and name not in only:
            continue
        found = []
        for round_ in range(1, repeat + 1):
            found.append(_measure(case))
            say(f"{round_}/{repeat} {case.words}: {found[-1]}")
        middle = {key: statistics.median(each[key] for each in found) for key in found[0]}
        rows.append(
            (
                case.words,
                f"{middle['frames_s']:,.0f}",
                *(f"{middle[key]:.2f}" for key in ("p50", "p99", "p99.9", "max")),
                f"{middle['server_cpu']:.0%}",
                f"{middle['waited']:.1%}",
                f"{middle['client_cpu']:.0%}",
                f"{middle['kb_a_client']:.0f}",
            )
        )
        is_met = middle["p99"] < case.p99_ms and (
            case.p50_ms is None or middle["p50"] < case.p50_ms
        )
        bounds = f"p99 < {case.p99_ms:g} ms" + (
            "" if case.p50_ms is None else f", p50 < {case.p50_ms:g} ms"
        )
        verdicts.append(f"- {case.words}: {bounds}: {'met' if is_met else '**not met**'}")
    head = (
        "case",
        "frames/s",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "CPU server",
        "server without a core",
        "CPU clients",
        "KB a client",
    )
    body = "\n\n".join(
        (
            "\n".join(f"- {label}: {value}" for label, value in about),
            _method(repeat),
            table(head, rows),
            "\n".join(verdicts),
        )
    )
    return Section(NAME, TITLE, body)


def _method(repeat: int) -> str:
    return (
        f"Medians of {repeat}. Latency: from the instant at which the hub makes a frame to the"
        " client's callback, on the machine's one monotonic clock. Conflated channels are sent to"
        " twenty groups of clients in turn, so that the frames of a second are spread over it;"
        " each frame is made of the state at its own turn. Memory is the server's resident growth"
        " from before the first connection, with the snapshot read and the load on, a client."
        " Clients run in processes of their own (CPU in shares of one core; `server without a"
        " core` is how long it was ready to run and had none, /proc/<pid>/schedstat). Limits are"
        " on: 5 sockets a user, 20 messages/s a socket, heartbeats. Server, door, hub and feeds are"
        " the platform's; tickets, users and facts are made by the benchmark, and no engine, store"
        " or REST call runs beside them (the section of the API measures those)."
    )


def _measure(case: Case) -> dict[str, float]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        processes: list[_Process] = []
        try:
            server = _Process(folder, "server", case.kind, case.clients, port)
            processes.append(server)
            empty = server.hear()["rss_kb"]
            share = case.clients // case.processes
            readers = [
                _Process(folder, "clients", case.kind, number * share, share, port)
                for number in range(case.processes)
            ]
            processes += readers
            for reader in readers:
                reader.hear()
            if case.slow:
                idle = _Process(folder, "clients", "all", case.clients, case.slow, port)
                processes.append(idle)
                idle.hear()
                idle.ask("stop-reading")
            server.ask("make")
            time.sleep(_SETTLE_S)
            before = server.ask("figures")
            for reader in readers:
                reader.tell(f"measure {case.seconds}")
            told = [reader.hear() for reader in readers]
            after = server.ask("figures")
            latencies = np.concatenate(
                [np.frombuffer(Path(folder, each["file"]).read_bytes()) for each in told]
            )
        finally:
            for process in reversed(processes):
                process.end()
    if after["sockets"] != case.clients + case.slow or any(each["closed"] for each in told):
        raise RuntimeError(f"sockets were lost: {after}, {told}")
    p50, p99, p999 = np.percentile(latencies, (50, 99, 99.9))
    return {
        "frames_s": sum(each["frames"] / each["seconds"] for each in told),
        "p50": float(p50),
        "p99": float(p99),
        "p99.9": float(p999),
        "max": float(latencies.max()),
        "server_cpu": (after["cpu_s"] - before["cpu_s"]) / (after["at"] - before["at"]),
        "waited": (after["waited_s"] - before["waited_s"]) / (after["at"] - before["at"]),
        "client_cpu": sum(each["cpu_frac"] for each in told),
        "kb_a_client": (before["rss_kb"] - empty) / (case.clients + case.slow),
        "resyncs": float(sum(each["resyncs"] for each in told)),
    }
