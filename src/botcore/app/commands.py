"""What the command line's verbs do: bring the platform up, look at it, act on it, stop it."""

import os
import shutil
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from botcore import __version__
from botcore.app.channel import Remote
from botcore.app.entrance import Entrance, has_display, make_entrance
from botcore.app.foreground import Show, keep
from botcore.app.home import Home, RunInfo
from botcore.app.home_lock import HomeLock, is_locked
from botcore.app.log_reading import log_lines
from botcore.app.processes import (
    FAILED_FOR_GOOD,
    child_environment,
    endpoints,
    log_to,
)
from botcore.app.settings import Settings, load_settings
from botcore.control.operations import Request
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError, ConfigError, StorageError
from botcore.kernel.clock import SystemClock
from botcore.kernel.supervisor import Ending

_STOP_S = 45.0
_READY_S = 60.0
_POLL_S = 0.1
_VIEW_S = 3.0
_INFINITY = float("inf")
_KEPT = ("lock", "settings.toml")
"""What `clean` leaves: the lock is held, and the settings are the person's own."""

Confirm = Callable[[Sequence[tuple[Path, int]]], bool]
"""Shows files with their sizes in bytes, and says whether they may be deleted."""


class FeedChoice(msgspec.Struct, frozen=True):
    """Where prices will come from: the overrides that say so, and a sentence why (or nothing)."""

    overrides: Mapping[str, object]
    note: str = ""


class Status(msgspec.Struct, frozen=True):
    """What runs in a home; `url` is empty and `pid` 0 when nothing does."""

    is_running: bool
    url: str
    pid: int
    home: Path
    view: PlatformView | None = None
    view_age_s: float = _INFINITY


def choose_feed(*, overrides: Mapping[str, object]) -> FeedChoice:
    """Settle where prices come from before anything starts.

    Only `auto` has to be settled: Binance if it answers within three seconds, else simulated.

    Raises:
        ConfigError: a setting is refused.
    """
    settings = load_settings(**overrides)
    if settings.feed != "auto":
        return FeedChoice(overrides)
    from botcore.app.live_prices import reach  # the network: only where it is asked for

    found = reach(settings)
    if not found.is_ok:
        note = f"Binance is not used ({found.cause} [{found.code}]): prices are simulated"
        return FeedChoice({**overrides, "feed": "simulated"}, note)
    note = "Binance answers: its public prices are used, with play money"
    return FeedChoice({**overrides, "feed": "binance"}, note)


def rewind(*, overrides: Mapping[str, object]) -> Path:
    """Put the account of the tape aside, so that the next start plays it from its beginning.

    Returns:
        Where the old account is kept.

    Raises:
        ConfigError: the platform runs, or the settings name no tape, or it was never played.
    """
    settings = load_settings(**{"feed": "tape", **overrides})
    home = Home(settings.home)
    folder = home.path / "markets" / settings.market_folder
    with HomeLock(home.path):
        if not folder.exists():
            raise ConfigError(
                code="NOTHING_TO_REWIND",
                cause="that tape was never played in this home",
                fix="name the same --instrument, --timeframe and --from as when it was played",
            )
        number = 1
        while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
            number += 1
        folder.rename(aside)
    return aside


def up(
    *,
    overrides: Mapping[str, object],
    show: Show,
    open_browser: bool,
    offer_link: bool = False,
    memory_optimized: bool = False,
    reload: bool = False,
) -> int:
    """Run the platform until SIGINT or SIGTERM; its state is durable when this returns.

    Args:
        overrides: settings from the command line.
        show: draws it, on a thread of its own.
        open_browser: open the page once it answers, signed in.
        offer_link: make a one-time link for `show`; where it draws into a file, none is made.
        memory_optimized: keep less in memory (smaller histories of decisions).
        reload: start anew when the code changes, for work on the platform.

    Returns:
        0, the exit code of a run that was stopped.

    Raises:
        ConfigError: a setting is refused, it runs already, or no port is free.
        StorageError: the home or a store cannot be used.
    """
    settings = load_settings(**overrides, memory_optimized=memory_optimized or None)
    _refuse_what_is_misspelt(settings)
    home = Home(settings.home)
    with HomeLock(home.path):
        while True:
            _forget_failures(home)
            verdict, changed = keep(
                settings,
                home,
                show,
                ask=partial(_asked, overrides),
                open_browser=open_browser,
                offer_link=offer_link,
                reload=reload,
            )
            if not changed:
                break
            open_browser = offer_link = False  # who is signed in stays so
    if verdict.ending is not Ending.STOPPED:
        raise _why_ended(home, verdict.child or "", verdict.code)
    return 0


def start(*, overrides: Mapping[str, object], memory_optimized: bool = False) -> Status:
    """Run the platform in the background; return once it is ready.

    Raises:
        ConfigError: it runs already, or a setting is refused.
        StorageError: it did not get ready; the cause is in its log.
    """
    settings = load_settings(**overrides, memory_optimized=memory_optimized or None)
    _refuse_what_is_misspelt(settings)
    home = Home(settings.home)
    with HomeLock(home.path):
        _forget_failures(home)
    with (home.logs / "up.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "botcore", "up", "--headless", "--no-browser"],
            env=child_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    clock = SystemClock()
    deadline = clock.monotonic_ns() + round(_READY_S * 1e9)
    while clock.monotonic_ns() < deadline:
        found = status(overrides=overrides)
        if found.view is not None:
            return found
        if process.poll() is not None:
            raise _why_ended(home, "up", process.returncode)
        clock.sleep_blocking(_POLL_S)
    raise StorageError(
        code="NOT_READY",
        cause=f"the platform was not ready within {_READY_S:.0f} s",
        fix="see `./bot logs`",
    )


def stop(*, overrides: Mapping[str, object]) -> Status | None:
    """Stop the platform and wait; return what ran, or None if nothing did.

    Raises:
        StorageError: it did not end in time.
    """
    home = Home(load_settings(**overrides).home)
    info = running(home)
    if info is None:
        return None
    os.kill(info.pid, signal.SIGTERM)
    clock = SystemClock()
    deadline = clock.monotonic_ns() + round(_STOP_S * 1e9)
    while is_locked(home.path):
        if clock.monotonic_ns() > deadline:
            raise StorageError(
                code="NOT_STOPPED",
                cause=f"pid {info.pid} has not ended within {_STOP_S:.0f} s",
                fix="see `./bot logs`; a second `./bot stop` asks again",
            )
        clock.sleep_blocking(_POLL_S)
    return Status(False, info.url, info.pid, home.path)


def restart(*, overrides: Mapping[str, object], memory_optimized: bool = False) -> Status:
    """Stop it if it runs, then start it in the background.

    Raises:
        BotError: as `stop` and `start`.
    """
    stop(overrides=overrides)
    return start(overrides=overrides, memory_optimized=memory_optimized)


def status(*, overrides: Mapping[str, object]) -> Status:
    """Return what runs in the home, with its newest view."""
    home = Home(load_settings(**overrides).home)
    info = running(home)
    if info is None:
        return Status(False, "", 0, home.path)
    remote = Remote(events=info.events, commands=info.commands, token=home.token())
    remote.start()
    clock = SystemClock()
    deadline = clock.monotonic_ns() + round(_VIEW_S * 1e9)
    try:
        while remote.view() is None and clock.monotonic_ns() < deadline:
            clock.sleep_blocking(_POLL_S / 2)
        return Status(True, info.url, info.pid, home.path, remote.view(), remote.view_age_s())
    finally:
        remote.close()


def running(home: Home) -> RunInfo | None:
    """Return what runs in a home, or None: the lock tells, not a file left behind."""
    return home.run_info() if is_locked(home.path) else None


def logs(
    *, overrides: Mapping[str, object], service: str | None, lines: int, follow: bool
) -> Iterator[str]:
    """Yield the last log lines of a service or of all, then new ones as they come.

    Raises:
        ConfigError: there is no such service.
    """
    folder = Home(load_settings(**overrides).home).logs
    files = sorted(path for path in folder.glob("*.log") if not path.name.endswith(".1.log"))
    if service is not None:
        known = ", ".join(path.stem for path in files) or "none yet"
        files = [path for path in files if path.stem == service]
        if not files:
            raise ConfigError(
                code="SERVICE_UNKNOWN",
                cause=f"there is no log of {service!r}",
                fix=f"services with a log: {known}",
            )
    return log_lines(files, lines=lines, follow=follow)


def clean(*, overrides: Mapping[str, object], confirm: Confirm) -> bool:
    """Delete the home's contents, but its settings, if `confirm` allows it.

    Raises:
        ConfigError: the platform runs there.
    """
    home = Home(load_settings(**overrides).home)
    with HomeLock(home.path):
        if not confirm([entry for entry in home.contents() if entry[0].name not in _KEPT]):
            return False
        for path in home.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in _KEPT:
                path.unlink()
    return True


def open_page(*, overrides: Mapping[str, object], open_browser: bool) -> Entrance:
    """Make a one-time sign-in link, and open it where there is a display.

    Raises:
        ConfigError: nothing runs.
        BotError: the page does not answer, or the link is refused.
    """
    _must_run(Home(load_settings(**overrides).home))
    entrance = make_entrance(partial(_asked, overrides), os.environ)
    if open_browser and has_display(os.environ):
        webbrowser.open(entrance.url)
    return entrance


def run_engine(*, overrides: Mapping[str, object], quarantined: Sequence[str] = ()) -> int:
    """Be the engine's process: a child of `up`, or alone; return an exit code."""
    from botcore.app.engine_process import run_engine as run  # heavy: only here

    settings = load_settings(**overrides)
    home = Home(settings.home)

    def role(info: RunInfo) -> int:
        return run(
            settings,
            events=info.events,
            commands=info.commands,
            quarantined=tuple(quarantined),
        )

    info = home.run_info()
    if info is not None and is_locked(home.path):
        return _run_child(settings, home, "engine", lambda: role(info))
    with HomeLock(home.path):
        alone = RunInfo(os.getpid(), "", SystemClock().now_ns(), *endpoints())
        home.write_run_info(alone)
        try:
            return _run_child(settings, home, "engine", lambda: role(alone))
        finally:
            home.clear_run_info()


def run_api(*, overrides: Mapping[str, object]) -> int:
    """Be the page's process; the engine's must run in the same home; return an exit code."""
    from botcore.app.api_process import run_api as run  # heavy: only here

    settings = load_settings(**overrides)
    home = Home(settings.home)
    info = _must_run(home)
    return _run_child(
        settings,
        home,
        "api",
        lambda: run(settings, info),
    )


def _asked(overrides: Mapping[str, object], request: Request[Any]) -> object:
    """Tell control, as who sits at this machine."""
    from botcore.app.doors import tell  # the network: only where it is asked for
    from botcore.control.schema import operation_of

    return tell(
        operation_of(request),
        request,
        overrides=overrides,
        server="",
        key_file="",
        confirm=lambda _: False,
        idempotency_key="",
        all_pages=False,
        say=lambda _: None,
    )


def _must_run(home: Home) -> RunInfo:
    info = running(home)
    if info is None:
        raise ConfigError(
            code="NOT_RUNNING",
            cause=f"nothing runs in {home.path}",
            fix="start it with `./bot up`, or name its home with BOTCORE_HOME",
        )
    return info


def _refuse_what_is_misspelt(settings: Settings) -> None:
    """Refuse strategies and limits that the engine would refuse, before anything starts.

    Only what somebody has set can be wrong; the shipped ones spare the start the engine's modules.

    Raises:
        ConfigError: a strategy or a parameter does not exist, or a value is out of range.
    """
    if settings.model_fields_set & {"strategies", "limits"}:
        from botcore.app.composition import engine_config  # heavy: only here

        engine_config(settings)


def _run_child(settings: Settings, home: Home, name: str, run: Callable[[], int | None]) -> int:
    from botcore.observability import configure_logging, get_logger  # heavy: only here

    log_to(home.logs / f"{name}.log")
    try:
        configure_logging(
            format="json",
            level=settings.log_level,
            stream=sys.stdout,
            service=name,
            version=__version__,
            env="sim" if settings.feed == "simulated" else "paper",
            secrets=(home.token(),),
        )
        code = run()
    except BotError as error:
        told = {"code": error.code, "cause": error.cause, "fix": error.fix}
        home.replace(f"{name}-error.json", msgspec.json.encode(told))
        get_logger().error("process_refused", **told)
        return FAILED_FOR_GOOD
    return code or 0


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
        fix=f"see `./bot logs --service {child or 'engine'}`",
    )
