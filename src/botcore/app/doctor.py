"""`botcore doctor`: what is wrong with this machine or home, each finding with its fix."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from botcore.app.commands import running
from botcore.app.feed import load_state
from botcore.app.home import Home
from botcore.app.home_lock import HomeLock
from botcore.app.processes import free_port
from botcore.app.settings import Settings, load_settings
from botcore.control.identity.envelope import key_encryption_key
from botcore.domain.calendar import step_name
from botcore.domain.errors import BotError
from botcore.storage import (
    Finding,
    Severity,
    Store,
    rebuild_projections,
    upgrades_of,
    verify,
)
from botcore.storage.control import look_at_control
from botcore.venues.simulated import SqliteVenueStore

_DISK_LOW = 512 * 1024 * 1024
_SKEW_MOST_S = 1.0
"""Binance refuses requests stamped more than a second ahead (its "Timing security")."""


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        is_ok: whether it can be left as it is.
        fix: what to do, or what to know of it; empty where there is nothing to say.
    """

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
        home = Home(settings.home, settings.market_folder)
    except BotError as error:
        yield "home", [Finding.of(error)]
        return
    yield f"home {home.path}", []
    yield "disk space", _disk(home)
    info = running(home)
    yield f"port {settings.port}", [] if info else _port(settings)
    yield "journal, ledger and projections", _storage(home)
    yield from _control(settings, home)
    yield "paper venue's store", _guard(lambda: _open_venue(home))
    if not settings.market_folder:
        yield "simulated market's state", _guard(lambda: load_state(home))
    yield from _data(home)
    yield from _exchange(settings)


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
    if not home.engine.exists():
        return []
    try:
        with Store(home.journal_url) as store:
            return [*verify(store), *upgrades_of(store)]
    except BotError as error:
        return [Finding.of(error)]


def _control(settings: Settings, home: Home) -> Iterator[tuple[str, list[Finding]]]:
    """Look at users, audit and jobs: what opens them, and what can be told without reading all."""
    from botcore.app.control_room import KEY_FILE  # heavy: only here

    try:
        found = look_at_control(settings.control_url_in(home.path))
    except BotError as error:
        yield "users, audit and jobs", [Finding.of(error)]
        return
    version = f", written by {found.written_by}" if found.written_by else ""
    yield f"users, audit and jobs{version}", [*found.store, *found.upgrades]
    if found.entries or found.audit:
        newest = f"the newest {found.checked:,} of {found.entries:,} entries"
        yield f"audit, {newest} (`botcore audit verify` checks all)", [*found.audit]
    yield KEY_FILE, _key(home.path / KEY_FILE, is_needed=found.has_secrets)


def _key(path: Path, *, is_needed: bool) -> list[Finding]:
    if path.exists():
        try:
            return _guard(lambda: key_encryption_key(path))
        except OSError as error:
            return [
                Finding(
                    "SECRETS_UNREADABLE",
                    Severity.ERROR,
                    f"{path} cannot be read: {error.strerror}",
                    f"make the account that Bot Core runs as its owner, and chmod 600 {path}",
                )
            ]
    if not is_needed:
        return []
    return [
        Finding(
            "KEY_FILE_MISSING",
            Severity.ERROR,
            f"{path} is not there, and only it opens the secrets in the control store",
            "put it back from the backup that the control store is in; do not start before that:"
            " a start makes a new key, which opens none of them",
        )
    ]


def _data(home: Home) -> Iterator[tuple[str, list[Finding]]]:
    """Look at what was imported: whole files first, then holes."""
    from botcore.storage.lake import Lake  # heavy: only here

    lake = Lake(home.lake)
    try:
        known = lake.series()
    except BotError as error:
        yield "imported data", [Finding.of(error)]
        return
    for info in known:
        name = f"data {info.instrument} {step_name(info.step_ns)}"
        damage = lake.verify(info.instrument, info.step_ns)
        found = [
            Finding(
                "DATA_DAMAGED",
                Severity.ERROR,
                each,
                "remove the series and bring it in again: botcore data remove, then import",
            )
            for each in damage
        ]
        if info.gaps:
            found.append(
                Finding(
                    "DATA_GAPS",
                    Severity.WARNING,
                    f"{len(info.gaps)} holes, {info.missing:,} candles missing",
                    "`botcore data check` names them; a backtest over one needs --allow-gaps",
                )
            )
        yield name, found


def _exchange(settings: Settings) -> Iterator[tuple[str, list[Finding]]]:
    """Ask Binance whether it serves this place, and how far this machine's clock is off."""
    from botcore.app.live_prices import reach  # the network: only here

    found = reach(settings)
    if not found.is_ok:
        is_needed = settings.feed == "binance"
        yield (
            "Binance's public prices",
            [
                Finding(
                    "FEED_UNREACHABLE",
                    Severity.ERROR if is_needed else Severity.WARNING,
                    f"{found.cause} [{found.code}]",
                    "nothing, unless you want live prices: --feed simulated and --feed tape need"
                    " no network",
                )
            ],
        )
        return
    yield "Binance's public prices", []
    if found.clock_offset_ns is None:
        return
    offset = -found.clock_offset_ns / 1e9
    far = abs(offset) > _SKEW_MOST_S
    yield (
        f"clock, {offset:+.3f} s from Binance's",
        [
            Finding(
                "CLOCK_SKEW",
                Severity.ERROR,
                f"this machine's clock is {offset:+.1f} s off",
                "set it by NTP (on Linux: timedatectl set-ntp true)",
            )
        ]
        if far
        else [],
    )


def _open_venue(home: Home) -> None:
    if home.venue.exists():
        SqliteVenueStore(home.venue).load()


def _guard(check: Callable[[], object]) -> list[Finding]:
    try:
        check()
    except BotError as error:
        return [Finding.of(error)]
    return []
