"""Fetching history from a local server with Binance's layout, real archives and every fault."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.binance_archive_server import BinanceArchiveServer, Fault, Status

from botcore.domain.errors import BotError, ConfigError, DataError, StorageError, VenueError
from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId
from botcore.kernel import ManualClock
from botcore.venues.live.binance.archive_layout import BinanceUrls
from botcore.venues.live.binance.archives import (
    BinanceArchives,
    FetchedCandles,
    FetchedFile,
    FetchedPart,
    FetchProgress,
    MissingArchive,
    Origin,
)
from botcore.venues.live.binance.http import MustWait, PublicHttp

BTC = InstrumentId("BTCUSDT.BINANCE")
ATTEMPTS = 3


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_NS


@dataclass
class Exchange:
    """The server with real days on it, a cache, and a clock that stands still between waits."""

    server: BinanceArchiveServer
    source: Path
    cache: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(_ns("2022-03-05 12:00")))
    progress: list[FetchProgress] = field(default_factory=list)

    def day(self, date: str) -> Path:
        return self.source / f"BTCUSDT-1m-{date}.zip"

    def has_days(self, *dates: str) -> list[str]:
        return [self.server.add_day(self.day(date)) for date in dates]

    def has_month(self, month: str) -> str:
        return self.server.add_month(self.source.glob(f"BTCUSDT-1m-{month}-??.zip"))

    @asynccontextmanager
    async def client(self) -> AsyncIterator[BinanceArchives]:
        urls = BinanceUrls(archive=self.server.url, spot=self.server.url, futures=self.server.url)
        http = PublicHttp(
            clock=self.clock,
            rng=np.random.default_rng(1),
            attempts=ATTEMPTS,
            read_timeout_s=0.1,
        )
        async with http:
            yield BinanceArchives(http, cache=self.cache, clock=self.clock, urls=urls)

    async def fetch(
        self, start: str, end: str, instrument: InstrumentId = BTC
    ) -> list[FetchedPart]:
        async with self.client() as archives:
            fetched = archives.fetch(
                instrument, MINUTE_NS, _ns(start), _ns(end), progress=self.progress.append
            )
            return [part async for part in fetched]

    async def refusal(self, start: str, end: str) -> BotError:
        with pytest.raises(BotError) as refused:
            await self.fetch(start, end)
        return refused.value

    @property
    def stored(self) -> list[str]:
        return sorted(path.name for path in self.cache.rglob("*") if path.is_file())


Story = Callable[[Exchange], Coroutine[Any, Any, None]]


@pytest.fixture
def play(market_data_dir: Path, tmp_path: Path) -> Callable[[Story], None]:
    """Run a story against a fresh server and an empty cache."""

    async def told(story: Story) -> None:
        async with BinanceArchiveServer() as server:
            await story(Exchange(server, market_data_dir / "binance-spot-1m", tmp_path / "cache"))

    return lambda story: asyncio.run(told(story))


Play = Callable[[Story], None]


def test_months_days_and_the_route_come_in_order_and_whole(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        month = exchange.has_month("2022-02")
        exchange.has_days("2022-01-31", "2022-03-01")
        for date in ("2022-03-01", "2022-03-02"):
            exchange.server.add_candles(exchange.day(date))
        exchange.clock = ManualClock(_ns("2022-03-02 10:00"))
        exchange.server.now_ms = _ns("2022-03-02 10:00") // 1_000_000

        parts = await exchange.fetch("2022-01-31", "2022-03-05")

        files = [part for part in parts if isinstance(part, FetchedFile)]
        assert [file.path.name for file in files] == [
            "BTCUSDT-1m-2022-01-31.zip",
            "BTCUSDT-1m-2022-02.zip",
            "BTCUSDT-1m-2022-03-01.zip",
        ]
        assert {file.origin for file in files} == {Origin.DOWNLOAD}
        assert files[0].path.read_bytes() == exchange.day("2022-01-31").read_bytes()
        assert files[1].path == exchange.cache / month
        assert all(a.end_ns == b.start_ns for a, b in pairwise(parts))
        today = parts[-1]
        assert isinstance(today, FetchedCandles)
        assert len(today.candles) == 600
        assert today.candles.ts_open[0] == _ns("2022-03-02")
        assert exchange.progress[-1].covered_ns == exchange.progress[-1].wanted_ns
        assert [each.covered_ns for each in exchange.progress] == sorted(
            each.covered_ns for each in exchange.progress
        )
        assert exchange.progress[-1].received_bytes > sum(
            file.path.stat().st_size for file in files
        )

    play(story)


def test_what_is_verified_is_not_downloaded_again(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        first, second = exchange.has_days("2022-01-01", "2022-01-02")
        await exchange.fetch("2022-01-01", "2022-01-02")

        again = await exchange.fetch("2022-01-01", "2022-01-03")

        assert [part.origin for part in again if isinstance(part, FetchedFile)] == [
            Origin.CACHE,
            Origin.DOWNLOAD,
        ]
        assert exchange.server.requests[first] == exchange.server.requests[second] == 1
        assert exchange.server.requests[f"{first}.CHECKSUM"] == 1

    play(story)


def test_a_fetch_that_was_left_goes_on_where_it_stopped(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        dates = [f"2022-01-{day:02}" for day in range(2, 12)]
        paths = exchange.has_days(*dates)
        async with exchange.client() as archives:
            fetched = archives.fetch(BTC, MINUTE_NS, _ns(dates[0]), _ns("2022-01-12"))
            async with aclosing(fetched) as parts:
                async for _ in parts:
                    break
        kept = [name for name in exchange.stored if name.endswith(".zip")]
        assert 1 <= len(kept) < len(dates)
        assert not [name for name in exchange.stored if name.endswith(".part")]
        before = exchange.server.requests.copy()

        parts_again = await exchange.fetch(dates[0], "2022-01-12")

        assert len([part for part in parts_again if isinstance(part, FetchedFile)]) == 10
        for path in paths:
            asked = exchange.server.requests[path] - before[path]
            assert asked == (0 if Path(path).name in kept else 1)

    play(story)


@pytest.mark.parametrize("leftover", ["part", "zip without checksum", "damaged zip"])
def test_what_a_kill_left_behind_is_not_believed(play: Play, leftover: str) -> None:
    async def story(exchange: Exchange) -> None:
        (path,) = exchange.has_days("2022-01-01")
        place = exchange.cache / path
        place.parent.mkdir(parents=True)
        whole = exchange.day("2022-01-01").read_bytes()
        if leftover == "part":
            place.with_name(f"{place.name}.part").write_bytes(whole[:1_000])
        elif leftover == "zip without checksum":
            place.write_bytes(whole)
        else:
            await exchange.fetch("2022-01-01", "2022-01-02")
            place.write_bytes(whole[:-1] + b"x")

        (part,) = await exchange.fetch("2022-01-01", "2022-01-02")

        assert isinstance(part, FetchedFile)
        assert part.origin is Origin.DOWNLOAD
        assert place.read_bytes() == whole
        assert exchange.stored == [place.name, f"{place.name}.CHECKSUM"]

    play(story)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_a_file_that_comes_wrong_once_is_asked_for_again(play: Play, fault: Fault) -> None:
    async def story(exchange: Exchange) -> None:
        (path,) = exchange.has_days("2022-01-01")
        exchange.server.fail(path, fault)

        (part,) = await exchange.fetch("2022-01-01", "2022-01-02")

        assert isinstance(part, FetchedFile)
        assert part.path.read_bytes() == exchange.day("2022-01-01").read_bytes()
        assert exchange.server.requests[path] == 2
        assert exchange.stored == [part.path.name, f"{part.path.name}.CHECKSUM"]

    play(story)


@pytest.mark.parametrize(
    ("fault", "kind", "code", "words"),
    [
        (Fault.DROP, VenueError, "VENUE_UNREACHABLE", "in the middle of the answer"),
        (Fault.TRUNCATE, DataError, "ARCHIVE_DAMAGED", "truncated"),
        (Fault.OTHER, DataError, "ARCHIVE_DAMAGED", "not those of its checksum"),
        (Fault.HTML, DataError, "ARCHIVE_DAMAGED", "web page"),
        (Fault.SILENT, VenueError, "VENUE_TIMEOUT", "within"),
    ],
    ids=lambda each: each.name if isinstance(each, Fault) else "",
)
def test_a_file_that_stays_wrong_ends_in_one_sentence_and_is_never_stored(
    play: Play, fault: Fault, kind: type[BotError], code: str, words: str
) -> None:
    async def story(exchange: Exchange) -> None:
        (path,) = exchange.has_days("2022-01-01")
        exchange.server.fail(path, *[fault] * 10)

        refused = await exchange.refusal("2022-01-01", "2022-01-02")

        assert isinstance(refused, kind)
        assert refused.code == code
        assert words in refused.cause
        assert exchange.server.requests[path] == ATTEMPTS
        assert exchange.stored == []

    play(story)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>sign in</html>",
        b"",
        hashlib.sha256(b"x").hexdigest().encode() + b"  BTCUSDT-1m-2022-01-02.zip\n",
        b"0123  BTCUSDT-1m-2022-01-01.zip\n",
        b"\xff\xfe",
    ],
)
def test_a_checksum_that_is_none_or_of_another_file_is_refused(play: Play, body: bytes) -> None:
    async def story(exchange: Exchange) -> None:
        (path,) = exchange.has_days("2022-01-01")
        exchange.server.replace(f"{path}.CHECKSUM", body)

        refused = await exchange.refusal("2022-01-01", "2022-01-02")

        assert refused.code == "CHECKSUM_UNREADABLE"
        assert exchange.server.requests[path] == 0
        assert exchange.stored == []

    play(story)


def test_a_month_that_is_missing_is_its_days_and_a_missing_day_is_on_the_route(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        dates = [f"2022-01-{day:02}" for day in range(1, 32)]
        exchange.has_days(*(date for date in dates if date != "2022-01-17"))
        exchange.server.add_candles(exchange.day("2022-01-17"))

        parts = await exchange.fetch("2022-01-01", "2022-02-01")

        missing = [part.name for part in parts if isinstance(part, MissingArchive)]
        assert missing == ["BTCUSDT-1m-2022-01.zip", "BTCUSDT-1m-2022-01-17.zip"]
        assert len([part for part in parts if isinstance(part, FetchedFile)]) == 30
        (candles,) = [part.candles for part in parts if isinstance(part, FetchedCandles)]
        assert len(candles) == 1_440
        assert np.diff(candles.ts_open).tolist() == [MINUTE_NS] * 1_439
        # By hand, from the archive: the first and the last minute of that day.
        first = "1642377600000,43071.66"
        assert f"{candles.ts_open[0] // 1_000_000},{candles.columns['open'][0]}" == first

    play(story)


def test_a_month_before_the_listing_is_missing_as_a_whole_and_its_days_not_asked_for(
    play: Play,
) -> None:
    async def story(exchange: Exchange) -> None:
        parts = await exchange.fetch("2017-01-01", "2017-03-01")

        assert [(part.name, part.is_empty) for part in parts if isinstance(part, MissingArchive)]
        assert all(isinstance(part, MissingArchive) and part.is_empty for part in parts)
        assert len(parts) == 2
        assert not [path for path in exchange.server.requests if "daily" in path]

    play(story)


def test_a_day_on_which_nothing_traded_is_missing_and_empty(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        missing, candles = await exchange.fetch("2022-01-05", "2022-01-06")

        assert isinstance(missing, MissingArchive)
        assert isinstance(candles, FetchedCandles)
        assert missing.is_empty
        assert len(candles.candles) == 0

    play(story)


def test_an_archive_without_its_checksum_or_without_its_file_is_missing(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        first, second = exchange.has_days("2022-01-01", "2022-01-02")
        exchange.server.remove(first)
        exchange.server.remove(f"{second}.CHECKSUM")

        parts = await exchange.fetch("2022-01-01", "2022-01-03")

        assert len([part for part in parts if isinstance(part, MissingArchive)]) == 2
        assert exchange.stored == []

    play(story)


class TestTheRoute:
    """Candles that are in no file yet."""

    def test_e12_the_candle_that_still_forms_by_the_venue_s_clock_is_left_out(
        self, play: Play
    ) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.add_candles(exchange.day("2022-03-02"))
            exchange.clock = ManualClock(_ns("2022-03-02 09:00:30"))
            exchange.server.now_ms = _ns("2022-03-02 08:59:59") // 1_000_000

            (part,) = await exchange.fetch("2022-03-02", "2022-03-03")

            assert isinstance(part, FetchedCandles)
            assert part.candles.ts_open[-1] == _ns("2022-03-02 08:58")

        play(story)

    def test_pages_join_without_a_seam(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.add_candles(exchange.day("2022-03-02"))
            exchange.clock = ManualClock(_ns("2022-03-02 23:59:59"))

            (part,) = await exchange.fetch("2022-03-02 00:00", "2022-03-02 23:30")

            assert isinstance(part, FetchedCandles)
            assert len(part.candles) == 23 * 60 + 30
            assert np.diff(part.candles.ts_open).tolist() == [MINUTE_NS] * (23 * 60 + 29)
            assert [query["limit"] for query in exchange.server.queries] == ["1000", "1000"]
            assert exchange.server.queries[1]["startTime"] == str(
                _ns("2022-03-02 16:40") // 1_000_000
            )

        play(story)

    def test_a_perpetual_is_asked_for_at_the_futures_route(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            path = exchange.server.add_day(exchange.day("2022-03-01"), market="futures/um")
            exchange.server.add_candles(exchange.day("2022-03-02"))
            exchange.clock = ManualClock(_ns("2022-03-02 01:00"))

            parts = await exchange.fetch(
                "2022-03-01", "2022-03-03", InstrumentId("BTCUSDT-PERP.BINANCE")
            )

            assert [type(part) for part in parts] == [FetchedFile, FetchedCandles]
            assert exchange.server.requests == {
                path: 1, f"{path}.CHECKSUM": 1, "fapi/v1/klines": 1
            }  # fmt: skip

        play(story)

    @pytest.mark.parametrize(
        "body",
        [
            "<html></html>",
            "",
            "{}",
            '[[1642377600000,"1","1","1"',
            '[[1642377600000,"1","NaN","1","1","1",1642377659999]]',
            '[[1642377600000,"-1","1","1","1","1",1642377659999]]',
            '[[1642377600001,"1","1","1","1","1",1642377659999]]',
            '[[1542377600000,"1","1","1","1","1",1542377659999]]',
        ],
    )
    def test_an_answer_that_cannot_be_right_is_refused(self, play: Play, body: str) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.fail("api/v3/klines", *[Status(200, body=body)] * 10)

            refused = await exchange.refusal("2022-01-17", "2022-01-18")

            assert refused.code == "VENUE_ANSWER_UNREADABLE"
            assert exchange.server.requests["api/v3/klines"] == ATTEMPTS

        play(story)

    def test_an_unknown_symbol_is_said_in_the_venue_s_words(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.unlisted = True

            refused = await exchange.refusal("2022-01-01", "2022-02-01")

            assert isinstance(refused, ConfigError)
            assert refused.code == "HISTORY_REFUSED"
            assert "Invalid symbol. (-1121)" in refused.cause
            assert exchange.server.requests["api/v3/klines"] == 1

        play(story)


class TestLimits:
    """E71: who asks to slow down is left alone."""

    def test_e71_retry_after_is_waited_for_and_then_it_goes_on(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.add_candles(exchange.day("2022-03-05"))
            exchange.server.fail("api/v3/klines", Status(429, "17"))

            (part,) = await exchange.fetch("2022-03-05", "2022-03-06")

            assert isinstance(part, FetchedCandles)
            assert len(part.candles) == 720
            assert 17.0 <= exchange.clock.monotonic_ns() / SECOND_NS < 19.0

        play(story)

    @pytest.mark.parametrize("answer", [Status(418, "120"), Status(429, "3600")])
    def test_e71_a_ban_or_a_long_wait_ends_the_fetch_without_another_request(
        self, play: Play, answer: Status
    ) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.fail("api/v3/klines", *[answer] * 10)

            refused = await exchange.refusal("2022-03-05", "2022-03-06")

            assert isinstance(refused, MustWait)
            assert refused.code == "VENUE_RATE_LIMITED"
            assert f"for {answer.retry_after} s" in refused.cause
            assert exchange.server.requests["api/v3/klines"] == 1
            assert exchange.clock.monotonic_ns() == 0

        play(story)

    def test_e71_while_a_ban_lasts_the_same_client_asks_nothing(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.fail("api/v3/klines", Status(418, "120"))
            async with exchange.client() as archives:
                for expected in ("for 120 s", "for 20 s"):
                    with pytest.raises(MustWait) as refused:
                        async for _ in archives.fetch(
                            BTC, MINUTE_NS, _ns("2022-03-05"), _ns("2022-03-06")
                        ):
                            pass
                    assert expected in refused.value.cause
                    exchange.clock.advance(100 * SECOND_NS)

            assert exchange.server.requests["api/v3/klines"] == 1

        play(story)

    def test_a_used_up_weight_waits_for_the_next_minute(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            exchange.server.weight = 5_900
            exchange.server.add_candles(exchange.day("2022-03-02"))
            exchange.clock = ManualClock(_ns("2022-03-02 20:00:45"))

            await exchange.fetch("2022-03-02", "2022-03-03")

            assert exchange.server.requests["api/v3/klines"] == 2
            assert exchange.clock.monotonic_ns() == 15 * SECOND_NS

        play(story)

    @pytest.mark.parametrize("status", [403, 451])
    def test_a_place_that_is_not_served_is_told_so_at_once(self, play: Play, status: int) -> None:
        async def story(exchange: Exchange) -> None:
            (path,) = exchange.has_days("2022-01-01")
            exchange.server.fail(f"{path}.CHECKSUM", *[Status(status)] * 10)

            refused = await exchange.refusal("2022-01-01", "2022-01-02")

            assert isinstance(refused, ConfigError)
            assert refused.code == "HISTORY_GEO_BLOCKED"
            assert f"({status})" in refused.cause
            assert "botcore data import" in refused.fix
            assert exchange.server.requests[f"{path}.CHECKSUM"] == 1

        play(story)

    def test_where_only_the_route_is_blocked_the_archives_still_serve(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            dates = [f"2022-01-{day:02}" for day in range(1, 32)]
            exchange.has_days(*dates)
            exchange.server.fail("api/v3/klines", *[Status(451)] * 10)

            parts = await exchange.fetch("2022-01-01", "2022-02-01")

            assert len([part for part in parts if isinstance(part, FetchedFile)]) == 31

        play(story)

    def test_a_server_in_trouble_is_asked_a_bounded_number_of_times(self, play: Play) -> None:
        async def story(exchange: Exchange) -> None:
            (path,) = exchange.has_days("2022-01-01")
            exchange.server.fail(path, *[Status(503)] * 10)

            refused = await exchange.refusal("2022-01-01", "2022-01-02")

            assert refused.code == "VENUE_UNAVAILABLE"
            assert exchange.server.requests[path] == ATTEMPTS
            assert exchange.clock.monotonic_ns() > 0

        play(story)


def test_at_most_four_downloads_are_under_way(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        paths = exchange.has_days(*(f"2022-01-{day:02}" for day in range(2, 14)))
        for path in paths:
            exchange.server.fail(path, *[Fault.SILENT] * ATTEMPTS)

        await exchange.refusal("2022-01-02", "2022-01-14")

        assert len([path for path in paths if exchange.server.requests[path]]) == 4

    play(story)


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    async def story() -> BotError:
        clock = ManualClock(_ns("2022-03-05"))
        urls = BinanceUrls(archive="http://127.0.0.1:1")
        async with PublicHttp(clock=clock, rng=np.random.default_rng(1), attempts=2) as http:
            archives = BinanceArchives(http, cache=tmp_path, clock=clock, urls=urls)
            with pytest.raises(VenueError) as refused:
                async for _ in archives.fetch(BTC, MINUTE_NS, _ns("2022-01-01"), _ns("2022-01-02")):
                    pass
        return refused.value

    refused = asyncio.run(story())

    assert refused.code == "VENUE_UNREACHABLE"
    assert "127.0.0.1:1" in refused.cause


@pytest.mark.parametrize("url", ["no address", "http://[", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    async def story() -> BotError:
        clock = ManualClock(_ns("2022-03-05"))
        async with PublicHttp(clock=clock, rng=np.random.default_rng(1)) as http:
            urls = BinanceUrls(archive=url)
            archives = BinanceArchives(http, cache=tmp_path, clock=clock, urls=urls)
            with pytest.raises(ConfigError) as refused:
                async for _ in archives.fetch(BTC, MINUTE_NS, _ns("2022-01-01"), _ns("2022-01-02")):
                    pass
        return refused.value

    assert asyncio.run(story()).code == "URL_MALFORMED"


def test_a_cache_that_cannot_be_written_is_said_and_not_tried_again(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        (path,) = exchange.has_days("2022-01-01")
        exchange.cache.write_text("a file where a folder should be")

        refused = await exchange.refusal("2022-01-01", "2022-01-02")

        assert isinstance(refused, StorageError)
        assert refused.code == "ARCHIVE_NOT_STORED"
        assert exchange.server.requests[path] == 0

    play(story)


def test_nothing_is_asked_for_where_nothing_is_wanted(play: Play) -> None:
    async def story(exchange: Exchange) -> None:
        assert await exchange.fetch("2022-01-02", "2022-01-02") == []
        assert await exchange.fetch("2099-01-01", "2099-01-02") == []
        assert exchange.server.requests == {}

    play(story)
