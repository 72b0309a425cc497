"""`botcore doctor`: what is wrong with this machine or home, each finding with its fix."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping

import msgspec

from botcore.app.commands import running
from botcore.app.feed import load_state
from botcore.app.home import Home
from botcore.app.home_lock import HomeLock
from botcore.app.processes import free_port
from botcore.app.settings import Settings, load_settings
from botcore.domain.errors import BotError
from botcore.storage import (
    Finding,
    Severity,
    Store,
    rebuild_projections,
    verify,
)
from botcore.venues.simulated import SqliteVenueStore

_DISK_LOW = 512 * 1024 * 1024


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. `fix` is empty where all is well."""

    name: str
    is_ok: bool
    detail: str
    fix: str = ""


def run(*, overrides: Mapping[str, object]) -> Iterator[Check]:
    """Look at everything, and yield what is found as it is found."""
    for name, findings in _checks(load_settings(**overrides)):
        if not findings:
            yield Check(name, True, "ok")
        for found in findings:
            is_ok = found.severity is not Severity.ERROR
            yield Check(name, is_ok, f"{found.cause} [{found.code}]", found.fix)


def rebuild(*, overrides: Mapping[str, object]) -> int:
    """Make every table from the journal again; return how many records were folded.

    Raises:
        ConfigError: the platform runs in the home.
        StorageError: the journal itself is damaged, or the store cannot be written; the tables
            are then as before.
    """
    home = Home(load_settings(**overrides).home)
    with HomeLock(home.path), Store(home.journal_url) as store:
        store.upgrade()
        return rebuild_projections(store)


def _checks(settings: Settings) -> Iterator[tuple[str, list[Finding]]]:
    yield f"Python {sys.version.split()[0]}", []
    try:
        home = Home(settings.home)
    except BotError as error:
        yield "home", [Finding.of(error)]
        return
    yield f"home {home.path}", []
    yield "disk space", _disk(home)
    info = running(home)
    yield f"port {settings.port}", [] if info else _port(settings)
    yield "journal, ledger and projections", _storage(home)
    yield "paper venue's store", _guard(lambda: _open_venue(home))
    yield "simulated market's state", _guard(lambda: load_state(home))


def _disk(home: Home) -> list[Finding]:
    free = shutil.disk_usage(home.path).free
    if free >= _DISK_LOW:
        return []
    return [
        Finding(
            "DISK_LOW",
            Severity.WARNING,
            f"{free // 1024 // 1024} MB are free at {home.path}",
            "free some space: a full disk stops new orders",
        )
    ]


def _port(settings: Settings) -> list[Finding]:
    try:
        port = free_port(settings.host, settings.port)
    except BotError as error:
        return [Finding.of(error)]
    if port == settings.port:
        return []
    return [
        Finding(
            "PORT_TAKEN",
            Severity.WARNING,
            f"port {settings.port} is taken; {port} would be used",
            "nothing, or choose another with BOTCORE_PORT",
        )
    ]


def _storage(home: Home) -> list[Finding]:
    if not (home.path / "engine.db").exists():
        return []
    try:
        with Store(home.journal_url) as store:
            return verify(store)
    except BotError as error:
        return [Finding.of(error)]


def _open_venue(home: Home) -> None:
    if home.venue.exists():
        SqliteVenueStore(home.venue).load()


def _guard(check: Callable[[], object]) -> list[Finding]:
    try:
        check()
    except BotError as error:
        return [Finding.of(error)]
    return []
