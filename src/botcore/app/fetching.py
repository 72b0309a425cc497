"""History from an exchange into the lake: its archives first, then what is in none yet."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import assert_never

import msgspec

from botcore.app.data import bring_in, detect, lake_of
from botcore.app.home import Home
from botcore.app.settings import Settings, load_settings
from botcore.domain.calendar import parse_instant, parse_step, step_name
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.ids import InstrumentId, instrument_id
from botcore.kernel.clock import Clock, SystemClock
from botcore.kernel.random import stream
from botcore.marketdata.candles import Candles
from botcore.marketdata.validation import RawCandles, validate
from botcore.storage.lake import Lake
from botcore.storage.lake.quarantine import BadRows, as_csv
from botcore.venues.live.binance.archive_layout import BinanceUrls
from botcore.venues.live.binance.archives import (
    BinanceArchives,
    FetchedCandles,
    FetchedFile,
    FetchProgress,
    MissingArchive,
)
from botcore.venues.live.binance.http import PublicHttp

Told = Callable[[int, int], None]
"""Told how much is done, and how much there is."""


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch came to.

    Attributes:
        files: archives, downloaded now or before.
        added: candles that are new in the lake.
        same: candles that were there with the same values.
        conflicts: stamps that were there with other values.
        quarantined: rows set aside.
        absent: names of archives the exchange does not have, and for whose time it has no candle.
    """

    instrument: InstrumentId
    step_ns: int
    files: int
    added: int
    same: int
    conflicts: int
    quarantined: int
    absent: tuple[str, ...]


class _Received:
    """What has come so far, so that a fetch that fails keeps it."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.candles: list[Candles] = []
        self.absent: list[str] = []

    def add(self, part: FetchedFile | FetchedCandles | MissingArchive) -> None:
        match part:
            case FetchedFile():
                self.files.append(part.path)
            case FetchedCandles():
                self.candles.append(part.candles)
            case MissingArchive():
                if part.is_empty:
                    self.absent.append(part.name)
            case _:
                assert_never(part)


def fetch(
    *,
    overrides: Mapping[str, object],
    instrument: str,
    timeframe: str,
    start: str,
    end: str | None,
    progress: Told,
    urls: BinanceUrls | None = None,
    clock: Clock | None = None,
) -> Fetched:
    """Fetch candles, and import them.

    What was fetched before is not fetched again, and what arrived before a failure is imported.

    Args:
        overrides: settings given on the command line.
        instrument: of Binance.
        timeframe: length of a candle.
        start: first open, as a person writes it.
        end: first open that is left out; None for now.
        progress: told nanoseconds done and in all.
        urls: where to ask; None for where the settings say.
        clock: what is over and what is still forming.

    Raises:
        ConfigError: a name or a time is refused, or the exchange serves no one here.
        DataError: what came is damaged.
        StorageError: the lake or the cache cannot be written.
        VenueError: the exchange does not answer.
    """
    clock = clock or SystemClock()
    name, step_ns = instrument_id(instrument), parse_step(timeframe)
    first, last = parse_instant(start), clock.now_ns() if end is None else parse_instant(end)
    if first >= last:
        raise ConfigError(
            code="RANGE_EMPTY",
            cause=f"nothing lies between {start} and {end or 'now'}",
            fix="give an earlier --from or a later --to",
        )
    settings = load_settings(**overrides)
    home = Home(settings.home)
    received = _Received()
    work = _receive(
        received,
        cache=home.archives,
        urls=urls or _urls(settings),
        clock=clock,
        wanted=(name, step_ns, first, last),
        progress=progress,
    )
    try:
        asyncio.run(work)
    except BotError:
        _stored(overrides, received, name, step_ns, clock)
        raise
    return _stored(overrides, received, name, step_ns, clock)


def _urls(settings: Settings) -> BinanceUrls:
    """Return where the settings say; the klines route has a host of its own unless one is set."""
    urls = BinanceUrls(archive=settings.binance_archives)
    if "binance_rest" in settings.model_fields_set:
        return replace(urls, spot=settings.binance_rest)
    return urls


async def _receive(
    received: _Received,
    *,
    cache: Path,
    urls: BinanceUrls,
    clock: Clock,
    wanted: tuple[InstrumentId, int, int, int],
    progress: Told,
) -> None:
    def told(now: FetchProgress) -> None:
        progress(now.covered_ns, now.wanted_ns)

    async with PublicHttp(clock=clock, rng=stream(clock.now_ns(), "fetching.waits")) as http:
        archives = BinanceArchives(http, cache=cache, clock=clock, urls=urls)
        async with aclosing(archives.fetch(*wanted, progress=told)) as parts:
            async for part in parts:
                received.add(part)


def _stored(
    overrides: Mapping[str, object],
    received: _Received,
    instrument: InstrumentId,
    step_ns: int,
    clock: Clock,
) -> Fetched:
    """Import all that came: files as any others, candles after the same validation."""
    added = same = conflicts = quarantined = 0
    if received.files:
        said = {"instrument": str(instrument), "timeframe": step_name(step_ns)}
        detected = detect(path=received.files[0], options=said)
        every = msgspec.structs.replace(detected.series[0], files=tuple(received.files))
        for each in bring_in(
            overrides=overrides,
            detected=msgspec.structs.replace(detected, series=(every,)),
            clock=clock,
        ):
            added, same = added + each.added, same + each.same
            conflicts += each.conflicts
            quarantined += sum(each.quarantined.values())
    lake = lake_of(overrides)
    for candles in received.candles:
        written = _written(lake, candles, clock)
        added, same = added + written[0], same + written[1]
        conflicts += written[2]
        quarantined += written[3]
    if lake.has(instrument, step_ns):
        lake.assess(instrument, step_ns)
    return Fetched(
        instrument=instrument,
        step_ns=step_ns,
        files=len(received.files),
        added=added,
        same=same,
        conflicts=conflicts,
        quarantined=quarantined,
        absent=tuple(received.absent),
    )


def _written(lake: Lake, candles: Candles, clock: Clock) -> tuple[int, int, int, int]:
    raw = RawCandles(ts_open=candles.ts_open, columns=candles.columns)
    found = validate(
        raw, instrument=candles.instrument, step_ns=candles.step_ns, now=clock.now_ns()
    )
    if not len(found.candles):
        return 0, 0, 0, len(found.bad)
    aside = as_csv([BadRows("klines route", raw, found.bad)]) if len(found.bad) else b""
    written = lake.write(found.candles, quarantine=aside)
    return written.added, written.same, written.conflicts, len(found.bad)
