"""Past candles from Binance's public archives, and from its klines route what is in none yet.

Nothing is kept unless its checksum is right: a file is downloaded beside its place, checked, and
only then moved there, so that a fetch that was killed at any point goes on where it stopped.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from botcore.domain.errors import ConfigError, VenueError
from botcore.domain.ids import InstrumentId
from botcore.kernel.clock import Clock
from botcore.marketdata.candles import Candles
from botcore.venues.live.binance.archive_cache import PartFile, expected_digest, is_verified
from botcore.venues.live.binance.archive_layout import (
    Archive,
    BinanceUrls,
    Listing,
    Piece,
    Recent,
    listing,
    plan,
)
from botcore.venues.live.binance.http import PublicHttp
from botcore.venues.live.binance.kline_pages import KlinePages

AT_ONCE: Final = 4
"""Downloads under way at the same time."""
_USUAL_URLS: Final = BinanceUrls()
_FILE_MAX: Final = 512 * 1024 * 1024
_CHECKSUM_MAX: Final = 4_096


class Origin(StrEnum):
    """Where a fetched file comes from."""

    DOWNLOAD = "DOWNLOAD"
    CACHE = "CACHE"


class FetchedFile(msgspec.Struct, frozen=True):
    """An archive whose checksum is right, ready to be imported.

    Attributes:
        path: the zip on this machine; it stays there for the next time.
        start_ns, end_ns: the whole span of the file, which may reach beyond what was wanted.
        origin: downloaded now, or found where an earlier fetch had put it.
    """

    path: Path
    start_ns: int
    end_ns: int
    origin: Origin


class FetchedCandles(msgspec.Struct, frozen=True, eq=False):
    """Candles of the klines route, all finished; none where nothing traded.

    Attributes:
        start_ns, end_ns: what was asked for.
    """

    candles: Candles
    start_ns: int
    end_ns: int


class MissingArchive(msgspec.Struct, frozen=True):
    """An archive that the venue does not have; its replacement, where there is one, follows.

    Attributes:
        is_empty: the klines route knows of no candle in that span either: there is nothing.
    """

    name: str
    start_ns: int
    end_ns: int
    is_empty: bool = False


FetchedPart = FetchedFile | FetchedCandles | MissingArchive


class FetchProgress(msgspec.Struct, frozen=True, gc=False):
    """How far a fetch has come.

    Attributes:
        covered_ns: how much of the wanted time is dealt with, from its start on.
        wanted_ns: how much time is wanted.
        received_bytes: what came over the network.
    """

    covered_ns: int
    wanted_ns: int
    received_bytes: int


class BinanceArchives:
    """Fetches history. One fetch at a time uses one cache folder.

    Args:
        http: an open client.
        cache: the folder of verified files; made when it is needed.
        clock: what is over, and what is still forming.
        urls: where to ask.
    """

    def __init__(
        self, http: PublicHttp, *, cache: Path, clock: Clock, urls: BinanceUrls = _USUAL_URLS
    ) -> None:
        self._http = http
        self._cache = cache
        self._clock = clock
        self._urls = urls

    async def fetch(
        self,
        instrument: InstrumentId,
        step_ns: int,
        start_ns: int,
        end_ns: int,
        *,
        progress: Callable[[FetchProgress], None] | None = None,
    ) -> AsyncGenerator[FetchedPart, None]:
        """Give the candles that open in ``[start_ns, end_ns)`` in parts, oldest first.

        Close the iterator when leaving it early (`contextlib.aclosing`): that ends the downloads.

        Args:
            instrument: of Binance, spot or USDⓈ-M futures.
            step_ns: length of a candle, up to a day.
            start_ns: nanoseconds UTC; what is before the listing is missing.
            end_ns: nanoseconds UTC; what has not happened yet is left out.
            progress: called after each piece.

        Raises:
            ConfigError: the instrument, the timeframe or the place cannot be served.
            DataError: a file was wrong as often as it was asked for.
            StorageError: the cache cannot be written.
            VenueError: the venue cannot be reached, or asks to be left alone.
        """
        wanted = listing(instrument, step_ns)
        pages = self._pages(instrument, step_ns, wanted)
        pieces = plan(wanted, start_ns, end_ns, self._clock.now_ns())
        waiting = deque(pieces)
        under_way: deque[tuple[Piece, asyncio.Task[list[FetchedPart]]]] = deque()
        try:
            while waiting or under_way:
                while waiting and len(under_way) < AT_ONCE:
                    piece = waiting.popleft()
                    task = asyncio.create_task(self._piece(piece, pages))
                    under_way.append((piece, task))
                piece, task = under_way.popleft()
                for part in await task:
                    yield part
                if progress is not None:
                    whole = pieces[-1].end_ns - start_ns
                    covered = min(piece.end_ns - start_ns, whole)
                    progress(FetchProgress(covered, whole, self._http.received_bytes))
        finally:
            for _, task in under_way:
                task.cancel()
            await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)

    def _pages(self, instrument: InstrumentId, step_ns: int, wanted: Listing) -> KlinePages:
        return KlinePages(
            self._http,
            instrument=instrument,
            step_ns=step_ns,
            wanted=wanted,
            urls=self._urls,
            clock=self._clock,
        )

    async def _piece(self, piece: Piece, pages: KlinePages) -> list[FetchedPart]:
        if isinstance(piece, Recent):
            return [await self._candles(piece.start_ns, piece.end_ns, pages)]
        found = await self._archive(piece)
        if found is not None:
            return [found]
        if not piece.days:
            candles = await self._candles(piece.start_ns, piece.end_ns, pages)
            return [_missing(piece, is_empty=not len(candles.candles)), candles]
        if not await self._has_traded(piece, pages):
            return [_missing(piece, is_empty=True)]
        parts: list[FetchedPart] = [_missing(piece)]
        for day in piece.days:
            parts += await self._piece(day, pages)
        return parts

    async def _candles(self, start_ns: int, end_ns: int, pages: KlinePages) -> FetchedCandles:
        return FetchedCandles(await pages.between(start_ns, end_ns), start_ns, end_ns)

    async def _has_traded(self, month: Archive, pages: KlinePages) -> bool:
        """Ask whether it is worth to look for the days of a month that is not there.

        Where nobody can say, it is: the archives may answer where the route does not.
        """
        try:
            return await pages.has_any(month.start_ns, month.end_ns)
        except VenueError:
            return True
        except ConfigError as error:
            if error.code == "HISTORY_GEO_BLOCKED":
                return True
            raise

    async def _archive(self, archive: Archive) -> FetchedFile | None:
        """Return a file that is verified, here already or now; None if the venue has none."""
        place = self._cache / archive.path
        if await asyncio.to_thread(is_verified, place):
            return FetchedFile(place, archive.start_ns, archive.end_ns, Origin.CACHE)
        found = await self._http.retried(lambda: self._download(archive, place))
        if not found:
            return None
        return FetchedFile(place, archive.start_ns, archive.end_ns, Origin.DOWNLOAD)

    async def _download(self, archive: Archive, place: Path) -> bool:
        """Download once, check, and only then put the file in its place; False is a 404."""
        url = f"{self._urls.archive.rstrip('/')}/{archive.path}"
        told = await self._http.get(f"{url}.CHECKSUM", size_max=_CHECKSUM_MAX)
        if told is None:
            return False
        expected = expected_digest(told.body, archive.name)
        with PartFile(place) as part:
            if not await self._http.download(url, part.write, size_max=_FILE_MAX):
                return False
            if part.digest != expected:
                raise part.damaged()
            part.keep()
        return True


def _missing(archive: Archive, *, is_empty: bool = False) -> MissingArchive:
    return MissingArchive(archive.name, archive.start_ns, archive.end_ns, is_empty)
