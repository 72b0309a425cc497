"""What the command line's verbs do: bring the platform up, look at it, act on it, stop it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

from botcore.app.channel import Remote
from botcore.app.composition import engine_config
from botcore.app.home import Home, RunInfo
from botcore.app.processes import FAILED_FOR_GOOD, child_environment, log_to, supervisor_for
from botcore.app.settings import Settings
from botcore.control.ports import Platform
from botcore.control.views import PlatformView
from botcore.domain.commands import Command
from botcore.domain.errors import BotError, ConfigError, StorageError
from botcore.kernel.clock import SystemClock
from botcore.kernel.supervisor import ChildEvent, Ending
from botcore.storage import HomeLock

_STOP_S = 45.0
_READY_S = 60.0
_POLL_S = 0.1
_LOG_TAIL = 200

Show = Callable[[Platform, RunInfo, threading.Event], None]
"""Draws the platform until the event is set; runs on a thread of its own."""


def up(settings: Settings, *, show: Show, on_event: Callable[[ChildEvent], None]) -> None:
    """Start the platform and keep it until SIGINT or SIGTERM; its state is durable afterwards.

    Raises:
        ConfigError: a setting is refused, it runs already, or no port is free.
        StorageError: the home or a store cannot be used.
    """
    engine_config(settings)  # refuses what is misspelt before anything starts
    home = Home(settings.home)
    with HomeLock(home.path):
        _forget_failures(home)
        supervisor, info = supervisor_for(settings, on_event=on_event)
        home.write_run_info(info)
        stopping = threading.Event()
        remote = Remote(events=info.events, commands=info.commands, token=home.token())
        remote.start()

        def ask_to_stop(_number: int, _frame: object) -> None:
            stopping.set()
            supervisor.request_stop()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, ask_to_stop)
        view = threading.Thread(target=show, args=(remote, info, stopping), name="view")
        view.start()
        try:
            verdict = supervisor.run_blocking()
        finally:
            stopping.set()
            view.join(timeout=5.0)
            remote.close()
            home.clear_run_info()
    if verdict.ending is not Ending.STOPPED:
        raise _why_ended(home, verdict.child or "", verdict.code)


def start_detached(settings: Settings) -> RunInfo:
    """Start the platform in the background and return once it is ready.

    Raises:
        ConfigError: it runs already, or a setting is refused.
        StorageError: it did not get ready; the cause is in its log.
    """
    engine_config(settings)
    home = Home(settings.home)
    with HomeLock(home.path):
        _forget_failures(home)
    log = home.logs / "up.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "botcore", "up", "--headless", "--no-open"],
            env=child_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    clock = SystemClock()
    deadline = clock.monotonic_ns() + round(_READY_S * 1e9)
    while clock.monotonic_ns() < deadline:
        info = home.run_info()
        if info is not None and view_of(home, info, wait_s=1.0) is not None:
            return info
        if process.poll() is not None:
            raise _why_ended(home, "up", process.returncode)
        clock.sleep_blocking(_POLL_S)
    raise StorageError(
        code="NOT_READY",
        cause=f"the platform was not ready within {_READY_S:.0f} s",
        fix="see `bot logs`",
    )


def stop(settings: Settings) -> bool:
    """Stop the platform; return whether it ran.

    Raises:
        StorageError: it did not end in time.
    """
    home = Home(settings.home)
    info = running(home)
    if info is None:
        return False
    os.kill(info.pid, signal.SIGTERM)
    clock = SystemClock()
    deadline = clock.monotonic_ns() + round(_STOP_S * 1e9)
    while running(home) is not None:
        if clock.monotonic_ns() > deadline:
            raise StorageError(
                code="NOT_STOPPED",
                cause=f"pid {info.pid} has not ended within {_STOP_S:.0f} s",
                fix="see `bot logs`; a second `bot stop` asks again",
            )
        clock.sleep_blocking(_POLL_S)
    return True


def running(home: Home) -> RunInfo | None:
    """Return what runs in a home, or None: the lock tells, not a file left behind."""
    info = home.run_info()
    try:
        with HomeLock(home.path):
            return None
    except ConfigError:
        return info


def status(settings: Settings) -> tuple[Home, RunInfo | None, PlatformView | None]:
    """Return the home, what runs there, and its newest view."""
    home = Home(settings.home)
    info = running(home)
    view = None if info is None else view_of(home, info, wait_s=3.0)
    return home, info, view


def view_of(home: Home, info: RunInfo, *, wait_s: float) -> PlatformView | None:
    """Return a view of the running platform, or None where none comes within `wait_s`."""
    remote = Remote(events=info.events, commands=info.commands, token=home.token())
    remote.start()
    clock = SystemClock()
    deadline = clock.monotonic_ns() + round(wait_s * 1e9)
    try:
        while remote.view() is None and clock.monotonic_ns() < deadline:
            clock.sleep_blocking(_POLL_S / 2)
        return remote.view()
    finally:
        remote.close()


def act(settings: Settings, command: Command) -> str:
    """Give the running engine a command; return what it says once it is durable.

    Raises:
        ConfigError: nothing runs.
        BotError: the engine refuses, or does not answer.
    """
    home = Home(settings.home)
    info = running(home)
    if info is None:
        raise ConfigError(
            code="NOT_RUNNING",
            cause=f"nothing runs in {home.path}",
            fix="start it with `bot up`, or name its home with BOTCORE_HOME",
        )
    remote = Remote(events=info.events, commands=info.commands, token=home.token())
    try:
        return remote.act(command)
    finally:
        remote.close()


def log_files(settings: Settings, *, service: str | None) -> list[Path]:
    """Return the log files of a home, of one service where it is named.

    Raises:
        ConfigError: there is no such service.
    """
    logs = Home(settings.home).logs
    files = sorted(path for path in logs.glob("*.log") if not path.name.endswith(".1.log"))
    if service is None:
        return files
    found = [path for path in files if path.stem == service]
    if not found:
        known = ", ".join(path.stem for path in files) or "none yet"
        raise ConfigError(
            code="SERVICE_UNKNOWN",
            cause=f"there is no log of {service!r}",
            fix=f"services with a log: {known}",
        )
    return found


def log_lines(
    files: list[Path], *, follow: bool, lines: int = _LOG_TAIL
) -> Iterator[tuple[str, str]]:
    """Yield ``(service, line)``: the last lines of each file, then new ones as they come."""
    clock = SystemClock()
    offsets: dict[Path, int] = {}
    for path in files:
        text = path.read_text(errors="replace")
        offsets[path] = path.stat().st_size
        for line in text.splitlines()[-lines:]:
            yield path.stem, line
    while follow:
        for path in files:
            size = path.stat().st_size if path.exists() else 0
            if size < offsets[path]:
                offsets[path] = 0
            if size > offsets[path]:
                with path.open(errors="replace") as file:
                    file.seek(offsets[path])
                    for line in file:
                        yield path.stem, line.rstrip("\n")
                    offsets[path] = file.tell()
        clock.sleep_blocking(0.3)


def clean(settings: Settings) -> int:
    """Delete everything in a home; return the bytes freed.

    Raises:
        ConfigError: the platform runs there.
    """
    home = Home(settings.home)
    with HomeLock(home.path):
        freed = sum(size for _, size in home.contents())
        for path in home.path.iterdir():
            if path.name in ("lock", "settings.toml"):
                continue  # the lock is held; the settings are the person's own
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    return freed


def open_page(settings: Settings) -> str:
    """Open the page in the browser and return its address.

    Raises:
        ConfigError: nothing runs.
    """
    home = Home(settings.home)
    info = running(home)
    if info is None:
        raise ConfigError(
            code="NOT_RUNNING",
            cause=f"nothing runs in {home.path}",
            fix="start it with `bot up`",
        )
    webbrowser.open(info.url)
    return info.url


def run_engine(
    settings: Settings, *, events: str, commands: str, quarantined: tuple[str, ...] = ()
) -> None:
    """Run the engine's process (a child of `up`)."""
    from botcore.app.engine_process import run_engine as run  # heavy: only here

    _run_child(
        settings,
        "engine",
        lambda: run(settings, events=events, commands=commands, quarantined=quarantined),
    )


def run_api(settings: Settings, *, events: str, commands: str, port: int) -> None:
    """Run the page's process (a child of `up`)."""
    from botcore.app.api_process import run_api as run  # heavy: only here

    _run_child(settings, "api", lambda: run(settings, events=events, commands=commands, port=port))


def _run_child(settings: Settings, name: str, run: Callable[[], None]) -> None:
    from botcore.observability import configure_logging  # heavy: only here

    home = Home(settings.home)
    log_to(home.logs / f"{name}.log")
    configure_logging(format="json", level=settings.log_level, stream=sys.stdout)
    try:
        run()
    except BotError as error:
        document = (error.code, error.cause, error.fix)
        home.replace(f"{name}-error.json", _encode_error(*document))
        sys.exit(FAILED_FOR_GOOD)


def _encode_error(code: str, cause: str, fix: str) -> bytes:
    import msgspec  # light, and only when something failed

    return msgspec.json.encode({"code": code, "cause": cause, "fix": fix})


def _forget_failures(home: Home) -> None:
    for name in ("engine", "api"):
        (home.path / f"{name}-error.json").unlink(missing_ok=True)


def _why_ended(home: Home, child: str, code: int | None) -> BotError:
    for name in (child, "engine", "api"):
        told = home.read_json(f"{name}-error.json")
        if told is not None:
            return StorageError(**told)
    return StorageError(
        code="PROCESS_ENDED",
        cause=f"the {child or 'platform'} process ended with code {code}",
        fix=f"see `bot logs --service {child or 'engine'}`",
    )
