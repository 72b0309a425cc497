"""The two processes of one machine, and the supervisor that keeps them."""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from botcore.app.home import RunInfo
from botcore.app.settings import GIVEN_ON, PREFIX, Settings
from botcore.domain.errors import ConfigError
from botcore.kernel.child import ChildSpec
from botcore.kernel.clock import SystemClock
from botcore.kernel.supervisor import ChildEvent, Supervisor

if TYPE_CHECKING:
    from numpy.random import Generator

STARTUP_S = 120.0
"""How long a recovery may take before the engine counts as silent."""
FAILED_FOR_GOOD = 3
"""Exit code of a process that a restart would not help: the error is in its `…-error.json`."""
RECOMPOSED = 4
"""Exit code of an engine that is to be composed anew: it is started again at once."""
_LOG_BYTES = 10 * 1024 * 1024
_PORTS_TRIED = 50


def free_port(host: str, wanted: int) -> int:
    """Return `wanted`, or the next port that nobody listens on.

    Raises:
        ConfigError: none of the next fifty is free, or the address is not this machine's.
    """
    last: OSError | None = None
    for port in range(wanted, min(wanted + _PORTS_TRIED, 65_536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                last = error
                continue
            return int(probe.getsockname()[1])
    raise ConfigError(
        code="PORT_TAKEN",
        cause=f"no port from {wanted} on is free at {host}: {last}",
        fix="end what listens there, or choose another with BOTCORE_PORT",
    )


def endpoints() -> tuple[str, str]:
    """Return two free places on loopback: for events, and for commands."""
    with contextlib.ExitStack() as held:
        ports = []
        for _ in range(2):
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    return f"tcp://127.0.0.1:{ports[0]}", f"tcp://127.0.0.1:{ports[1]}"


def supervisor_for(
    settings: Settings, *, on_event: Callable[[ChildEvent], None]
) -> tuple[Supervisor, RunInfo]:
    """Return the supervisor of engine and page, not started, and where they will be.

    Raises:
        ConfigError: no port is free.
    """
    port = free_port(settings.host, settings.port)
    events, commands = endpoints()
    clock = SystemClock()
    info = RunInfo(
        pid=os.getpid(),
        url=page_address(settings, port),
        started_wall_ns=clock.now_ns(),
        events=events,
        commands=commands,
        port=port,
    )
    python = (sys.executable, "-m", "botcore")
    env = child_environment(settings)
    engine = ChildSpec(
        name="engine",
        argv=(*python, "engine"),
        env=env,
        silence_s=10.0,
        startup_s=STARTUP_S,
        final_codes=frozenset({0, 2, FAILED_FOR_GOOD}),
        again_codes=frozenset({RECOMPOSED}),
        stuck_arguments=lambda name: ("--quarantine", name) if name else (),
    )
    page = ChildSpec(
        name="api",
        argv=(*python, "api"),
        env=env,
        startup_s=STARTUP_S,
        final_codes=frozenset({0, 2, FAILED_FOR_GOOD}),
    )
    jitter = _Jitter(seed=clock.now_ns())
    supervisor = Supervisor([engine, page], clock=clock, rng=jitter, on_event=on_event)
    return supervisor, info


def page_address(settings: Settings, port: int) -> str:
    """Return where a browser of this machine finds the page."""
    scheme = "http" if settings.tls_certificate is None else "https"
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104  # to know them, not to bind them
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment with which a process of ours reads the same settings."""
    given = _given(settings)
    ours = [name for name in given if name not in os.environ]
    return {
        **os.environ,
        **given,
        GIVEN_ON: ",".join(name.removeprefix(PREFIX).lower() for name in ours),
        # The engine is one thread of Python; idle BLAS threads would only take memory.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _given(settings: Settings) -> dict[str, str]:
    return {
        "BOTCORE_HOME": str(settings.home),
        "BOTCORE_HOST": settings.host,
        "BOTCORE_PORT": str(settings.port),
        "BOTCORE_SEED": str(settings.seed),
        "BOTCORE_CASH": f"{settings.cash:f}",
        **_feed_environment(settings),
        "BOTCORE_BAR_S": str(settings.bar_s),
        "BOTCORE_HISTORY_DAYS": str(settings.history_days),
        "BOTCORE_LOG_LEVEL": settings.log_level,
        "BOTCORE_MEMORY_OPTIMIZED": str(settings.memory_optimized).lower(),
    }


def _feed_environment(settings: Settings) -> dict[str, str]:
    more = {} if settings.feed_from is None else {"BOTCORE_FEED_FROM": settings.feed_from}
    return {
        "BOTCORE_FEED": settings.feed,
        "BOTCORE_FEED_INSTRUMENTS": json.dumps(settings.feed_instruments),
        "BOTCORE_FEED_TIMEFRAME": settings.feed_timeframe,
        "BOTCORE_FEED_SPEED": str(settings.feed_speed),
        "BOTCORE_BINANCE_REST": settings.binance_rest,
        "BOTCORE_BINANCE_STREAMS": settings.binance_streams,
        "BOTCORE_BINANCE_ARCHIVES": settings.binance_archives,
        **more,
    }


class _Jitter:
    """Chance that is drawn at a restart only: most runs have none, and NumPy takes long to load.

    Args:
        seed: of the generator.
    """

    def __init__(self, *, seed: int) -> None:
        self._seed = seed

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._drawn_from.random()

    @cached_property
    def _drawn_from(self) -> "Generator":
        from numpy.random import PCG64, Generator

        return Generator(PCG64(self._seed))


def log_to(path: Path) -> None:
    """Send this process's standard output and error to a log file, turned over at 10 MB."""
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_suffix(".1.log"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
