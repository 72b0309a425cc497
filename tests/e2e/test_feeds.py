"""Real prices without a key: a recorded tape, Binance's streams from a local server, or neither."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.binance_stream_server import (
    BinanceStreamServer,
    Fault,
    a_candle,
    a_kline_row,
    a_quote,
    a_trade,
)
from tests.support.platform_process import PlatformProcess
from tests.support.recorded_candles import spot_days

from botcore.app.home import Home
from botcore.control.views import FeedStatus
from botcore.domain.ids import MINUTE_NS, SECOND_NS
from botcore.kernel.clock import SystemClock
from botcore.storage.lake import Lake

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.xdist_group("platform")]
RULES = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01", "minPrice": "0.01", "maxPrice": "1e6"},
        {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001", "maxQty": "9000"},
        {"filterType": "NOTIONAL", "minNotional": "5"},
    ],
}


@pytest.fixture
def venue() -> Iterator[BinanceStreamServer]:
    """A local Binance with one symbol and a day of candles that rise and fall."""
    clock = SystemClock()
    with BinanceStreamServer(clock) as server:
        server.symbols = [RULES]
        opens = clock.now_ns() // MINUTE_NS * MINUTE_NS
        for back in range(600, 0, -1):
            price = f"{100 + (back % 90) / 10:.2f}"
            row = a_kline_row(opens - back * MINUTE_NS, (price, price, price, price))
            server.klines.setdefault("BTCUSDT", []).append(row)
        yield server


def live_platform(folder: Path, venue: BinanceStreamServer, feed: str) -> PlatformProcess:
    return PlatformProcess(
        folder / "home",
        feed=feed,
        feed_instruments='["BTCUSDT.BINANCE"]',
        history_days="0.2",
        binance_rest=venue.rest_url,
        binance_streams=venue.stream_url,
    )


class Ticking:
    """Pushes quotes, prints and candles of the minute under way, as the exchange does."""

    def __init__(self, venue: BinanceStreamServer) -> None:
        self._venue = venue
        self._clock = SystemClock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Ticking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        number, closed = 1, self._venue.klines["BTCUSDT"][-1][0] * 1_000_000
        while not self._stopping.wait(0.2):
            now = self._clock.now_ns()
            opens = now // MINUTE_NS * MINUTE_NS
            number += 1
            self._venue.push(a_quote("BTCUSDT", number, "104.00", "104.02"))
            self._venue.push(a_trade("BTCUSDT", number, "104.01", now))
            if closed != opens - MINUTE_NS and now - opens > SECOND_NS // 2:
                closed = opens - MINUTE_NS
                self._venue.push(a_candle("BTCUSDT", closed))
                self._venue.klines["BTCUSDT"].append(a_kline_row(closed))
            self._venue.push(a_candle("BTCUSDT", opens, is_closed=False))


def test_live_prices_are_traded_on_paper_and_an_interruption_is_said(
    tmp_path: Path, venue: BinanceStreamServer
) -> None:
    platform = live_platform(tmp_path, venue, "binance")
    with Ticking(venue):
        platform.up()
        try:
            view = platform.seen(lambda v: v.feed.status is FeedStatus.LIVE, within_s=60)
            assert view.feed.name == "binance"
            assert view.feed.banner == "PAPER – Binance's public prices, play money"
            assert {s.status for s in view.strategies} == {"running"}, "warmed up by klines"

            decided = platform.seen(
                lambda v: any(d.ts for s in v.strategies for d in s.decisions), within_s=100
            )
            stamps = {d.ts for s in decided.strategies for d in s.decisions if d.ts}
            assert all(ts % MINUTE_NS == 0 for ts in stamps)

            venue.refuse_handshakes = 503
            venue.drop()
            platform.seen(lambda v: "interrupted" in v.feed.banner, within_s=60)
            assert b"interrupted" in platform.read()
            venue.refuse_handshakes = 0
            back = platform.seen(lambda v: "interrupted" not in v.feed.banner, within_s=90)
            assert any("interrupted" in alert.detail for alert in back.alerts)
        finally:
            platform.stop()


def test_auto_takes_binance_where_it_answers(tmp_path: Path, venue: BinanceStreamServer) -> None:
    platform = live_platform(tmp_path, venue, "auto")
    with Ticking(venue):
        started = platform.verb("start", "--detach")
        try:
            assert started.returncode == 0, started.stderr
            assert "Binance answers" in started.stderr
            assert platform.seen(lambda _: True, within_s=60).feed.name == "binance"
        finally:
            platform.stop()


def test_auto_takes_the_simulated_market_where_binance_does_not_serve_and_says_so(
    tmp_path: Path, venue: BinanceStreamServer
) -> None:
    venue.faults["time"] = Fault(status=451)
    platform = live_platform(tmp_path, venue, "auto")

    started = platform.verb("start", "--detach")

    try:
        assert started.returncode == 0, started.stderr
        assert "prices are simulated" in started.stderr
        assert "GEO_BLOCKED" in started.stderr
        assert platform.seen(lambda _: True, within_s=60).feed.name == "simulated"
    finally:
        platform.stop()


def test_binance_that_does_not_serve_this_place_is_one_sentence(
    tmp_path: Path, venue: BinanceStreamServer
) -> None:
    venue.faults["exchangeInfo"] = Fault(status=451)
    platform = live_platform(tmp_path, venue, "binance")

    ended = platform.verb("up", "--headless", "--no-browser")

    sentences = [line for line in ended.stderr.splitlines() if line.startswith("botcore:")]
    assert ended.returncode == 1
    assert len(sentences) == 1
    assert "GEO_BLOCKED" in sentences[0]
    assert "--feed auto" in sentences[0]
    assert "Traceback" not in ended.stderr


def test_a_tape_is_played_to_its_end_opens_nothing_more_and_is_rewound(
    tmp_path: Path, market_data_dir: Path
) -> None:
    home = tmp_path / "home"
    lake = Lake(Home(home).lake)
    lake.write(spot_days(market_data_dir, "BTCUSDT", "2022-05-11", 2))
    platform = PlatformProcess(home, feed="tape", feed_speed="6000", history_days="0.5")
    platform.up()
    try:
        playing = platform.seen(lambda v: bool(v.fills), within_s=60)
        assert playing.feed.banner.startswith("REPLAY 2022-05-1")
        assert "6000×" in playing.feed.banner

        ended = platform.seen(lambda v: v.accounts[0].mode == "REDUCE_ONLY", within_s=90)
        assert "rewind" in ended.accounts[0].mode_cause
        assert "ended" in ended.feed.banner
        assert b"REPLAY" in platform.read()
    finally:
        platform.stop()

    rewound = platform.verb("rewind")
    assert rewound.returncode == 0, rewound.stderr
    platform.up()
    try:
        again = platform.seen(lambda v: bool(v.fills), within_s=60)
        assert again.accounts[0].mode == "NORMAL"
        assert again.continued == ""
    finally:
        platform.stop()
