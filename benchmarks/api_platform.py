"""The platform under load: a home, its processes and users, and what the kernel says of them."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.local_header import local_header

T = TypeVar("T")
_ROOT = Path(__file__).resolve().parents[1]
_WAIT_S = 90.0
_OK, _NOT_OK = 200, 300
_TICKS = os.sysconf("SC_CLK_TCK")


def until(ask: Callable[[], T | None], what: str) -> T:
    """Ask until there is an answer.

    Raises:
        TimeoutError: none came.
    """
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        try:
            found = ask()
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            found = None
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(f"{what} did not happen within {_WAIT_S:.0f} s")


@dataclass(frozen=True)
class Reading:
    """What the kernel says of a process at one moment.

    Attributes:
        at: monotonic seconds.
        cpu_s: of all its threads.
        wait_s: how long its main thread waited for a core; in the engine that one steps.
        slices: how often the main thread was given a core.
        rss_mb: resident memory.
    """

    at: float
    cpu_s: float
    wait_s: float
    slices: int
    rss_mb: float


def reading(pid: int) -> Reading:
    """Read /proc.

    Raises:
        OSError: there is no such process.
    """
    folder = Path(f"/proc/{pid}")
    words = (folder / "stat").read_text().rpartition(")")[2].split()
    _, waited, slices = (folder / "schedstat").read_text().split()
    return Reading(
        at=time.monotonic(),
        cpu_s=(int(words[11]) + int(words[12])) / _TICKS,
        wait_s=int(waited) / 1e9,
        slices=int(slices),
        rss_mb=_rss_mb(folder),
    )


def _rss_mb(folder: Path) -> float:
    for line in (folder / "status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


@dataclass(frozen=True)
class Spent:
    """What a process took between two readings: shares of one core, and waits in ms."""

    cpu_frac: float
    cpu_s: float
    wait_ms_a_s: float
    wait_ms_a_slice: float
    rss_mb: float


def spent(before: Reading, after: Reading) -> Spent:
    """Return what was taken between two readings."""
    seconds = after.at - before.at
    waited = after.wait_s - before.wait_s
    return Spent(
        cpu_frac=(after.cpu_s - before.cpu_s) / seconds,
        cpu_s=after.cpu_s - before.cpu_s,
        wait_ms_a_s=waited * 1e3 / seconds,
        wait_ms_a_slice=waited * 1e3 / max(1, after.slices - before.slices),
        rss_mb=after.rss_mb,
    )


class Exchange:
    """The local exchange: a process of its own."""

    def __init__(self, instruments: int, rate: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "benchmarks/api_market.py", str(instruments), str(rate)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.urls: dict[str, str] = json.loads(self._process.stdout.readline())

    def end(self) -> dict[str, float]:
        """Stop it; return what it sent and took; nothing where it had ended."""
        if self._process.poll() is not None:
            return {}
        try:
            said, _ = self._process.communicate("", timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return {}
        return dict(json.loads(said)) if said else {}


class Platform:
    """One home; started and stopped as often as is needed.

    Args:
        home: its folder.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._up: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.engine_pid = self.api_pid = 0

    def start(self, settings: Mapping[str, str]) -> float:
        """Start it without a terminal; return how long it took until it was ready, seconds."""
        (self.home / "run.json").unlink(missing_ok=True)
        self._env = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith("BOTCORE_")
            },
            "BOTCORE_HOME": str(self.home),
            "BOTCORE_PORT": "0",
            **{f"BOTCORE_{name.upper()}": value for name, value in settings.items()},
        }
        began = time.perf_counter()
        self._up = subprocess.Popen(
            [sys.executable, "-m", "botcore", "up", "--headless", "--no-browser"],
            env=self._env,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        run = self.home / "run.json"
        try:
            self.port = until(lambda: int(json.loads(run.read_text())["port"]), "a port")
            until(lambda: self.call("GET", "/readyz")[0] == _OK, "readiness")
        except TimeoutError as error:
            error.add_note(self._last_words())
            raise
        ready = time.perf_counter() - began
        view = until(lambda: self.view() or None, "a view")
        self.engine_pid = int(view["engine_pid"])
        others = [pid for pid in _children(self._up.pid) if pid != self.engine_pid]
        self.api_pid = next(pid for pid in others if _listens(pid, self.port))
        return ready

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        assert self._up is not None
        return self._up.pid

    def stop(self) -> None:
        """Stop it in order; by force where it does not."""
        if self._up is None:
            return
        self._up.terminate()
        try:
            self._up.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._up.kill()
            self._up.wait()
        self._up = None

    def _last_words(self) -> str:
        """Return the ends of the logs: why it did not start."""
        logs = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-1_000:]}" for log in logs)

    def verb(self, *words: str) -> float:
        """Run a verb of the command line to its end; return how long it took, seconds.

        Raises:
            CalledProcessError: it failed.
        """
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "botcore", *words],
            env=self._env,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=_WAIT_S,
        )
        return time.perf_counter() - began

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        credential: str | None = None,
        source: str = "127.0.0.1",
    ) -> tuple[int, Any]:
        """Call the API with a credential; None is the home's token, empty is a stranger.

        Returns:
            The status, and the answer's JSON; None where it is none.
        """
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=30, source_address=(source, 0)
        )
        if credential is None:
            token = (self.home / "token").read_text().strip()
            credential = local_header(f"http://127.0.0.1:{self.port}", token)
        headers = {"Authorization": credential} if credential else {}
        if method != "GET":
            headers["Idempotency-Key"] = secrets.token_urlsafe(16)
        sent = None
        if body is not None:
            sent = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, None

    def must(self, method: str, path: str, body: object = None, **how: str) -> Any:  # noqa: ANN401  # JSON
        """Call the API, and return the JSON of a good answer.

        Raises:
            RuntimeError: it was refused.
        """
        status, found = self.call(method, path, body, **how)
        if not _OK <= status < _NOT_OK:
            raise RuntimeError(f"{method} {path}: {status} {found}")
        return found

    def view(self) -> dict[str, Any]:
        """Return the platform's newest document; empty before the first."""
        status, found = self.call("GET", "/view.json")
        return dict(found) if status == _OK and found else {}

    def readings(self) -> dict[str, Reading]:
        """Read what the kernel says of its processes, by name."""
        pids = {"engine": self.engine_pid, "api": self.api_pid, "supervisor": self.pid}
        return {name: reading(pid) for name, pid in pids.items()}


class Bare:
    """The peer's process; a context manager."""

    def __enter__(self) -> Bare:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._process = subprocess.Popen(
            [sys.executable, "benchmarks/api_bare.py", str(self.port)],
            cwd=_ROOT,
            stdout=subprocess.DEVNULL,
        )
        until(self._is_up, "the bare route")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def reading(self) -> Reading:
        """Read what the kernel says of it."""
        return reading(self._process.pid)

    def _is_up(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True


def people_of(platform: Platform, names: Sequence[str], keys_each: int) -> dict[str, list[str]]:
    """Make traders who sign in with a password, and keys of theirs whose acts need no confirmation.

    Returns:
        Name in the audit → the Authorization headers that come under it: a session of each
        person, and each key.
    """
    found: dict[str, list[str]] = {}
    for at, name in enumerate(names):
        made = platform.must("POST", "/api/v1/users", {"user": name, "role": "trader"})
        taken = platform.must(
            "POST",
            "/api/v1/auth/link/take",
            {
                "token": made["link"]["token"],
                "password": f"correct horse battery {name} staple",
                "transport": "body",
            },
            credential="",
            source=f"127.0.2.{at + 1}",
        )
        found[f"person:{name}"] = [f"Bearer {taken['access_token']}"]
        for number in range(keys_each):
            key = platform.must(
                "POST",
                "/api/v1/keys",
                {
                    "name": f"{name}-{number}",
                    "scopes": ["read:account", "read:market", "trade:paper", "manage:bots"],
                    "is_unattended": True,
                    "user": name,
                },
            )
            found[f"key:{key['key']['id']}"] = [f"Bearer {key['api_key']}"]
    return found


def _children(pid: int) -> list[int]:
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (thread / "children").read_text().split()]
    return found


def _listens(pid: int, port: int) -> bool:
    """Whether a process holds the socket that listens on a port."""
    wanted = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {
        words[9]
        for words in map(str.split, lines)
        if words[1].endswith(wanted) and words[3] == "0A"
    }
    links = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(each.readlink()))
        except OSError:
            continue
    return any(f"socket:[{inode}]" in links for inode in inodes)
