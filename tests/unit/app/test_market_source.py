"""Where a run's bars come from: what is missing inside a long bar is missing all the same."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from botcore.app.home import Home
from botcore.app.market_source import source_of
from botcore.app.runs import Recipe, StrategyRecipe
from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles
from botcore.storage.lake import Lake

START = 19_000 * DAY_NS
BTC, ETH = InstrumentId("BTCUSDT.BINANCE"), InstrumentId("ETHUSDT.BINANCE")
RECIPE = Recipe(
    strategies=(StrategyRecipe("rsi", {}, 0.1),),
    market="data",
    instruments=(BTC,),
    step_ns=30 * MINUTE_NS,
)


def minutes(home: Path, name: InstrumentId, *, without: tuple[int, ...] = ()) -> None:
    """Import two hours of a flat market, of which some minutes are missing."""
    stamps = START + np.delete(np.arange(120, dtype=np.int64), without) * MINUTE_NS
    columns = dict.fromkeys(FIELDS, np.full(len(stamps), 100.0))
    Lake(Home(home).lake).write(Candles(name, MINUTE_NS, stamps, columns))


def test_minutes_that_are_missing_inside_a_long_bar_are_a_hole(tmp_path: Path) -> None:
    minutes(tmp_path, BTC, without=(40, 41, 42))

    with pytest.raises(DataError, match="DATA_GAPS") as refused:
        source_of(RECIPE, Home(tmp_path))

    assert "00:40" in refused.value.cause
    assert "00:43 (3 candles)" in refused.value.cause


def test_a_bar_of_which_parts_are_missing_is_told_where_holes_are_allowed(tmp_path: Path) -> None:
    minutes(tmp_path, BTC, without=(40, 41, 42))

    found = source_of(msgspec.structs.replace(RECIPE, allow_gaps=True), Home(tmp_path))

    assert len(found.tape) == 4
    assert f"{BTC}: 1 bar was made from fewer candles than they span" in found.notes
    assert any("00:40 – " in note and "(3 candles)" in note for note in found.notes)


def test_a_minute_in_which_nobody_traded_is_no_hole_in_a_long_bar(tmp_path: Path) -> None:
    minutes(tmp_path, BTC)
    minutes(tmp_path, ETH, without=(40,))

    found = source_of(msgspec.structs.replace(RECIPE, instruments=(BTC, ETH)), Home(tmp_path))

    assert len(found.tape) == 8
    assert not [note for note in found.notes if "fewer" in note]


def test_a_hole_outside_the_traded_range_is_none_of_its_business(tmp_path: Path) -> None:
    minutes(tmp_path, BTC, without=(10,))
    recipe = msgspec.structs.replace(RECIPE, start=START + 60 * MINUTE_NS)

    assert len(source_of(recipe, Home(tmp_path)).tape) == 4


def test_a_long_bar_of_which_more_than_a_tenth_is_missing_is_left_out(tmp_path: Path) -> None:
    minutes(tmp_path, BTC, without=tuple(range(50, 64)))

    found = source_of(msgspec.structs.replace(RECIPE, allow_gaps=True), Home(tmp_path))

    opens = found.tape.series[0].ts_open
    assert ((opens - START) // MINUTE_NS).tolist() == [0, 90]
    assert found.tape.gaps == 1
    assert any("2 bars are left out" in note for note in found.notes)


@pytest.mark.parametrize("days", [(300, None), (None, -1), (1, 2)])
def test_a_range_without_candles_is_refused_with_what_is_there(
    tmp_path: Path, days: tuple[int | None, int | None]
) -> None:
    minutes(tmp_path, BTC)
    start, end = (None if day is None else START + day * DAY_NS for day in days)

    with pytest.raises(ConfigError, match="RANGE_REFUSED") as refused:
        source_of(msgspec.structs.replace(RECIPE, start=start, end=end), Home(tmp_path))

    assert "1m from 2022-01-08 to 2022-01-08 02:00" in refused.value.fix
