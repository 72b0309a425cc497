"""Live prices as a market: a feed that fails begins again behind the last minute that was given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from botcore.app import live_prices
from botcore.app.home import Home
from botcore.app.live_prices import LivePrices
from botcore.app.markets import MarketEvent
from botcore.app.settings import load_settings
from botcore.control.views import StreamView
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarsClosed, BarSpec
from botcore.kernel.clock import ManualClock
from botcore.marketdata.instruments import known_instrument
from botcore.venues.live.binance.notices import ConnectionChanged, GapSeen, Notice

BTC = InstrumentId("BTCUSDT.BINANCE")
START = 27_000_000 * MINUTE_NS


def minute(number: int) -> BarsClosed:
    opens = START + number * MINUTE_NS
    bar = Bar(BTC, BarSpec(MINUTE_NS), opens, opens + MINUTE_NS, 100.0, 101.0, 99.0, 100.0, 1.0)
    return BarsClosed(Nanos(bar.ts_close), (bar,))


class Feed:
    """Stands for `LiveFeed`: remembers from where it was begun, and fails where it is told to."""

    begun: list[Feed]

    def __init__(
        self,
        *,
        put: Callable[[MarketEvent, int], None],
        put_history: Callable[[BarsClosed, int], None],
        tell: Callable[[Notice], None],
        since_ns: int,
        **_: object,
    ) -> None:
        self.put, self.put_history, self.since_ns = put, put_history, since_ns
        self.tell = tell
        self.error: BaseException | None = None
        self.is_stopped = False
        self.connection = ConnectionChanged(0, is_up=True)
        Feed.begun.append(self)

    def start(self) -> None:
        """Do nothing: the test puts what comes."""

    def stop(self) -> None:
        """Take note."""
        self.is_stopped = True


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivePrices:
    async def listed(*_: object, **__: object) -> tuple[object, ...]:
        known = known_instrument(BTC)
        assert known is not None
        return (known.instrument,)

    monkeypatch.setattr(Feed, "begun", [], raising=False)
    monkeypatch.setattr(live_prices, "LiveFeed", Feed)
    monkeypatch.setattr(live_prices, "listed", listed)
    settings = load_settings(home=tmp_path, feed="binance", feed_instruments=(BTC,))
    return LivePrices(settings, Home(tmp_path))


def begin(market: LivePrices, heard: list[MarketEvent]) -> None:
    market.open(wall=ManualClock(START), last=0)
    market.caught_up(START)
    market.start(lambda event, _ts: heard.append(event), lambda event, _ts: heard.append(event))


def test_a_feed_that_fails_begins_again_behind_the_last_live_minute(market: LivePrices) -> None:
    heard: list[MarketEvent] = []
    begin(market, heard)
    (first,) = Feed.begun
    for number in range(3):
        first.put(minute(number), minute(number).ts_close)

    first.error = RuntimeError("it broke")
    told = market.news()

    assert first.since_ns == START
    assert first.is_stopped
    assert "begins again" in told
    assert Feed.begun[-1].since_ns == START + 3 * MINUTE_NS
    assert len(heard) == 3


def test_a_feed_that_fails_while_it_catches_up_goes_on_behind_that(market: LivePrices) -> None:
    heard: list[MarketEvent] = []
    begin(market, heard)
    (first,) = Feed.begun
    first.put_history(minute(0), minute(0).ts_close)

    first.error = RuntimeError("it broke")
    market.news()

    assert Feed.begun[-1].since_ns == START + MINUTE_NS
    assert heard == [minute(0)]


def test_what_was_missed_is_counted_on_when_the_feed_begins_again(
    market: LivePrices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_prices, "stream_of", lambda _feed, gaps: StreamView(gaps=gaps))
    before = market.stream()
    begin(market, [])
    (first,) = Feed.begun
    first.tell(GapSeen(BTC, "trades", START, 4, "4 prints did not come"))
    first.tell(ConnectionChanged(START, is_up=True))

    first.error = RuntimeError("it broke")
    market.news()
    Feed.begun[-1].tell(GapSeen(None, "minutes", START, 1, "1 minute was missed"))

    assert before is None
    assert market.stream() == StreamView(gaps=2)
