"""An imported tape as a market: played at its speed, gone on with, ended and rewound."""

import threading
from pathlib import Path

import numpy as np
import pytest

from botcore.app.commands import rewind
from botcore.app.home import Home
from botcore.app.market_tape import Tape
from botcore.app.markets import MarketEvent
from botcore.app.restoring import Restored
from botcore.app.settings import Settings, load_settings
from botcore.app.tape_prices import ENDED, TapePrices
from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.domain.market import BarFlag, BarOpened, BarsClosed
from botcore.kernel.clock import ManualClock
from botcore.marketdata.candles import FIELDS, Candles
from botcore.storage.lake import Lake

START = 19_000 * DAY_NS
BARS = 40
FRESH = Restored(0, None, 0, are_strategies_warm=False, decided_at=0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a home with forty minutes of one instrument, of which the 31st is missing."""
    stamps = START + np.delete(np.arange(BARS, dtype=np.int64), 30) * MINUTE_NS
    prices = np.full(len(stamps), 100.0)
    columns = dict.fromkeys(FIELDS, prices)
    Lake(Home(tmp_path).lake).write(
        Candles(InstrumentId("BTCUSDT.BINANCE"), MINUTE_NS, stamps, columns)
    )
    return load_settings(
        home=tmp_path, feed="tape", feed_speed=100_000, history_days=20 * MINUTE_NS / DAY_NS
    )


class Played:
    """A tape played to its end on a virtual clock, or until it is stopped."""

    def __init__(self, settings: Settings, *, last: int = 0) -> None:
        home = Home(settings.home, settings.market_folder)
        self.market = TapePrices(settings, home)
        self.clock = ManualClock(7)
        self.market.open(wall=self.clock, last=last)
        tape = Tape(home.tape, max_bytes=1 << 20)
        self.history = list(self.market.history(FRESH, tape).events)
        tape.close()
        self.market.caught_up(self.history[-1].ts_close if self.history else 0)
        self.events: list[tuple[MarketEvent, int]] = []
        self._enough = threading.Event()

    def play(self, until: int | None = None) -> "Played":
        def put(event: MarketEvent, ts: int) -> None:
            self.events.append((event, ts))
            if until is not None and ts >= until:
                self._enough.set()
                self.market._stopping.set()

        self.market.start(put, lambda _event, _ts: None)
        self.market._thread.join(timeout=20.0)
        return self

    @property
    def closes(self) -> list[int]:
        """The minutes that closed, counted from the start."""
        bars = [event for event, _ in self.events if isinstance(event, BarsClosed)]
        return [(event.ts_close - START) // MINUTE_NS for event in bars]


def test_a_tape_begins_behind_its_history_and_plays_every_bar_once(settings: Settings) -> None:
    played = Played(settings).play()

    assert [(each.ts_close - START) // MINUTE_NS for each in played.history] == [*range(1, 21)]
    assert played.closes == [*range(21, 31), *range(32, 41)]
    assert [ts for _, ts in played.events] == sorted(ts for _, ts in played.events)


def test_a_bar_is_opened_before_it_closes_but_not_behind_a_hole(settings: Settings) -> None:
    played = Played(settings).play()

    opened = [event.ts_open for event, _ in played.events if isinstance(event, BarOpened)]
    behind = START + 31 * MINUTE_NS
    assert behind not in opened
    assert START + 25 * MINUTE_NS in opened
    (bar,) = next(
        event.bars
        for event, _ in played.events
        if isinstance(event, BarsClosed) and event.bars[0].ts_open == behind
    )
    assert bar.flags & BarFlag.GAP_BEFORE


def test_a_tape_names_its_day_and_its_speed_and_says_when_it_has_ended(
    settings: Settings,
) -> None:
    played = Played(settings)
    assert played.market.banner() == "REPLAY 2022-01-08 · 100000×"

    played.play()

    assert played.market.has_ended
    assert "ended" in played.market.banner()
    assert played.market.news() == ENDED
    assert played.market.news() == ""


def test_a_tape_that_was_stopped_goes_on_where_it_stood(settings: Settings) -> None:
    first = Played(settings).play(until=START + 25 * MINUTE_NS)
    first.market.keep()
    stood = first.closes[-1]

    second = Played(settings, last=START + stood * MINUTE_NS).play()

    assert second.closes[0] == stood + 1
    assert second.closes[-1] == BARS


def test_a_tape_that_has_ended_stays_ended_after_a_restart(settings: Settings) -> None:
    played = Played(settings).play()
    played.market.keep()

    again = Played(settings, last=START + BARS * MINUTE_NS)

    assert again.market.has_ended
    assert again.market.clock.now_ns() == played.market.clock.now_ns()


def test_rewinding_puts_the_account_aside_and_the_tape_begins_again(settings: Settings) -> None:
    played = Played(settings).play()
    played.market.keep()

    aside = rewind(overrides={"home": settings.home, "feed": "tape"})

    assert (aside / "market.json").exists()
    assert Played(settings).play().closes[0] == 21


def test_there_is_nothing_to_rewind_where_no_tape_was_played(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        rewind(overrides={"home": tmp_path})

    assert refused.value.code == "NOTHING_TO_REWIND"


def test_a_start_that_the_tape_does_not_hold_is_refused_with_what_it_holds(
    settings: Settings,
) -> None:
    other = load_settings(home=settings.home, feed="tape", feed_from="2030-01-01")

    with pytest.raises(ConfigError) as refused:
        TapePrices(other, Home(settings.home))

    assert refused.value.code == "RANGE_REFUSED"
    assert "2022-01-08" in refused.value.fix


def test_a_home_without_data_says_how_to_bring_some_in(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        TapePrices(load_settings(home=tmp_path, feed="tape"), Home(tmp_path))

    assert refused.value.code == "DATA_ABSENT"
    assert "data import" in refused.value.fix


def test_another_tape_is_another_account(settings: Settings) -> None:
    one = load_settings(home=settings.home, feed="tape", feed_instruments=("BTCUSDT.BINANCE",))
    other = load_settings(home=settings.home, feed="tape", feed_from="2022-01-08T00:30")

    folders = {settings.market_folder, one.market_folder, other.market_folder}
    assert len(folders) == 3
    assert load_settings(home=settings.home).market_folder == ""
