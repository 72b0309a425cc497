"""Aggregation of what exchanges recorded: against their own hours, and stream against columns."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarOrigin, BarSpec, Trade
from botcore.marketdata.aggregation import BarAggregator, Ignored
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.resampling import resample

HOUR_NS = 60 * MINUTE_NS
OUTAGE = ("2023-03-23", "2023-03-24", "2023-03-25")  # 80 minutes without a candle on the 24th
BTC, SOL = InstrumentId("BTCUSDT.BINANCE"), InstrumentId("SOLUSDT.BINANCE")


def recorded(folder: Path, symbol: str, *days: str) -> Candles:
    rows = []
    for day in days:
        with zipfile.ZipFile(folder / "binance-spot-1m" / f"{symbol}-1m-{day}.zip") as archive:
            text = archive.read(archive.namelist()[0])
        rows.append(np.loadtxt(io.BytesIO(text), delimiter=",", usecols=range(6)))
    table = np.vstack(rows)
    columns = {name: np.ascontiguousarray(table[:, 1 + i]) for i, name in enumerate(FIELDS)}
    ts_open = table[:, 0].astype(np.int64) * 1_000_000
    return Candles(InstrumentId(f"{symbol}.BINANCE"), MINUTE_NS, ts_open, columns)


def bars_of(candles: Candles) -> list[Bar]:
    columns = [candles.columns[name].tolist() for name in FIELDS]
    spec = BarSpec(candles.step_ns)
    return [
        Bar(candles.instrument, spec, ts, ts + candles.step_ns, *values)
        for ts, *values in zip(candles.ts_open.tolist(), *columns, strict=True)
    ]


def table(bars: list[Bar]) -> NDArray[np.float64]:
    return np.array([[getattr(bar, name) for name in FIELDS] for bar in bars])


@pytest.mark.parametrize("step_ns", [5 * MINUTE_NS, 15 * MINUTE_NS, HOUR_NS, 4 * HOUR_NS, DAY_NS])
def test_the_stream_gives_the_bits_of_the_columns_through_a_real_outage(
    market_data_dir: Path, step_ns: int
) -> None:
    minutes = recorded(market_data_dir, "BTCUSDT", *OUTAGE)
    whole = resample(minutes, step_ns)
    spec = BarSpec(step_ns, origin=BarOrigin.BUILT)
    stream = BarAggregator([BTC], spec, since_ns=int(minutes.ts_open[0]), parts_ns=MINUTE_NS)

    streamed = [closed for bar in bars_of(minutes) for closed in stream.on_bar(bar)]

    assert [bar.ts_open for bar in streamed] == whole.candles.ts_open.tolist()
    columns = np.column_stack([whole.candles.columns[name] for name in FIELDS])
    assert table(streamed).tobytes() == columns.tobytes()
    behind_gap = np.diff(whole.candles.ts_open, prepend=whole.candles.ts_open[0]) > step_ns
    assert [bar.flags & BarFlag.GAP_BEFORE > 0 for bar in streamed] == list(
        behind_gap | (whole.missing > 0)
    )
    # What is missing lies in the candles that are there and in those that are not.
    absent = (len(streamed) * step_ns - 3 * DAY_NS) // MINUTE_NS + 80
    assert whole.missing.sum() == absent
    assert stream.ignored == Ignored()


@pytest.mark.requirement("E13")
def test_e13_a_minute_that_one_instrument_lacks_is_flat_and_a_minute_that_all_lack_is_a_gap(
    market_data_dir: Path,
) -> None:
    day = "2023-02-14"  # SOL has no candle of 16:39, BTC has
    both = [recorded(market_data_dir, symbol, day) for symbol in ("BTCUSDT", "SOLUSDT")]
    tape = sorted(
        bars_of(both[0]) + bars_of(both[1]), key=lambda bar: (bar.ts_close, bar.instrument)
    )
    filling = BarAggregator(
        [BTC, SOL], BarSpec(MINUTE_NS), since_ns=tape[0].ts_open, parts_ns=MINUTE_NS
    )

    filled = [closed for bar in tape for closed in filling.on_bar(bar)]

    sol = [bar for bar in filled if bar.instrument == SOL]
    flat = [bar for bar in sol if bar.flags]
    assert len(sol) == DAY_NS // MINUTE_NS == len(both[1]) + 1
    assert [str(np.datetime64(bar.ts_open, "ns"))[:16] for bar in flat] == ["2023-02-14T16:39"]
    before = sol[sol.index(flat[0]) - 1]
    assert (flat[0].flags, flat[0].volume) == (int(BarFlag.FLAT), 0.0)
    assert {flat[0].open, flat[0].high, flat[0].low, flat[0].close} == {before.close}


def test_hours_of_minutes_are_the_exchanges_own_hours(market_data_dir: Path) -> None:
    path = market_data_dir / "binance-1h-long" / "BTC_USDT_1h.csv.gz"
    with gzip.open(path) as text:
        own = np.loadtxt(text, delimiter=",", skiprows=1, usecols=range(6))
    days = np.arange("2022-11-01", "2023-04-01", dtype="datetime64[D]").astype(str)
    minutes = recorded(market_data_dir, "BTCUSDT", *days)

    hours = resample(minutes, HOUR_NS).candles

    shared, ours, theirs = np.intersect1d(
        hours.ts_open, own[:, 0].astype(np.int64) * 1_000_000, return_indices=True
    )
    assert len(shared) == len(hours) == 151 * 24 - 1  # 13:00 on 2023-03-24 does not exist
    for i, name in enumerate(FIELDS[:4]):
        assert hours.columns[name][ours].tolist() == own[theirs, 1 + i].tolist()
    assert hours.columns["volume"][ours] == pytest.approx(own[theirs, 5], rel=1e-12)


def test_e62_minutes_of_recorded_trades_hold_each_trade_once(market_data_dir: Path) -> None:
    folder = market_data_dir / "l2-hftbacktest" / "spot"
    trades = [
        each
        for name in ("btcusdt_20240808.gz", "btcusdt_20240809.gz")
        for each in _trades(folder / name)
    ]
    first = trades[0][1].ts_event
    minutes = BarAggregator(
        [BTC], BarSpec(MINUTE_NS, origin=BarOrigin.BUILT), since_ns=first, lateness_ns=10**9
    )

    closed: list[Bar] = []
    for at, (trade_id, trade) in enumerate(trades):
        closed += minutes.on_trade(trade, trade_id=trade_id)
        if at % 3 == 0:  # as if the overlap of two connections gave it again
            minutes.on_trade(trade, trade_id=trade_id)

    # By hand: trades of each whole minute that ended a second before the newest one.
    stamps = np.array([trade.ts_event for _, trade in trades])
    prices = np.array([trade.price for _, trade in trades])
    sizes = np.array([trade.quantity for _, trade in trades])
    assert (np.diff([trade_id for trade_id, _ in trades]) == 1).all()
    assert (np.diff(stamps) >= 0).all()
    starts = [start for start in np.unique(stamps // MINUTE_NS * MINUTE_NS) if start >= first]
    starts = [start for start in starts if start + MINUTE_NS <= stamps[-1] - 10**9]
    expected = []
    for start in starts:
        inside = (stamps >= start) & (stamps < start + MINUTE_NS)
        price = prices[inside]
        expected.append([price[0], price.max(), price.min(), price[-1], sizes[inside].sum()])
    assert [bar.ts_open for bar in closed] == starts
    assert len(closed) == 10
    assert table(closed) == pytest.approx(np.array(expected), rel=1e-12)
    assert minutes.ignored == Ignored(duplicates=-(-len(trades) // 3), torn=1)


def _trades(path: Path) -> list[tuple[int, Trade]]:
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if '"e":"trade"' not in line:
                continue
            data = json.loads(line.partition(" ")[2])["data"]
            trade = Trade(
                BTC, Nanos(data["T"] * 1_000_000), float(data["p"]), float(data["q"]), not data["m"]
            )
            found.append((data["t"], trade))
    return found
