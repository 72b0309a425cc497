"""Whatever the order of arrival and the gaps: streams and columns agree, closed is closed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarOrigin, BarSpec, Trade
from botcore.marketdata.aggregation import BarAggregator
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.resampling import resample

BTC = InstrumentId("BTCUSDT.BINANCE")
START = 19_500 * DAY_NS + 23 * 60 * MINUTE_NS + 47 * MINUTE_NS  # not far from a midnight
PRICES = st.floats(0.5, 2.0)


@st.composite
def minutes_with_gaps(draw: st.DrawFn) -> Candles:
    present = draw(st.lists(st.booleans(), min_size=1, max_size=80))
    index = np.flatnonzero(present)
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ends = chance.uniform(1.0, 2.0, size=(2, len(index)))
    columns = {
        "open": ends[0],
        "high": ends.max(axis=0) + chance.exponential(size=len(index)),
        "low": ends.min(axis=0) * chance.uniform(0.1, 1.0, size=len(index)),
        "close": ends[1],
        "volume": chance.exponential(size=len(index)) * (chance.random(len(index)) < 0.8),
    }
    return Candles(BTC, MINUTE_NS, START + index * MINUTE_NS, columns)


@given(candles=minutes_with_gaps(), parts=st.sampled_from([1, 2, 3, 5, 15, 60]))
def test_the_stream_and_the_columns_agree_to_the_bit(candles: Candles, parts: int) -> None:
    step_ns = parts * MINUTE_NS
    spec = BarSpec(step_ns, origin=BarOrigin.BUILT)
    stream = BarAggregator([BTC], spec, since_ns=START, parts_ns=MINUTE_NS)

    columns = [candles.columns[name].tolist() for name in FIELDS]
    streamed: list[Bar] = []
    for ts, *values in zip(candles.ts_open.tolist(), *columns, strict=True):
        bar = Bar(BTC, BarSpec(MINUTE_NS), ts, ts + MINUTE_NS, *values)
        streamed += stream.on_bar(bar)
        # E11, E12: whatever comes out has ended with the part that closed it, or before.
        assert all(each.ts_close <= bar.ts_close for each in streamed)
    # A bar that lacks an earlier part waits for it, as long as one part lasts.
    newest = int(candles.ts_open[-1]) + MINUTE_NS if len(candles) else START
    streamed += stream.advance(newest + MINUTE_NS)

    whole = resample(candles, step_ns)
    assert [bar.ts_open for bar in streamed] == whole.candles.ts_open.tolist()
    for name in FIELDS:
        values = [getattr(bar, name) for bar in streamed]
        assert values == whole.candles.columns[name].tolist()
    origin = START - START % step_ns - step_ns
    behind = np.diff(whole.candles.ts_open, prepend=origin) > step_ns
    gapped = [bar.flags & BarFlag.GAP_BEFORE > 0 for bar in streamed]
    assert gapped == list(behind | (whole.missing > 0))


@given(candles=minutes_with_gaps())
def test_in_two_hops_as_in_one(candles: Candles) -> None:
    once = resample(candles, 60 * MINUTE_NS).candles

    twice = resample(resample(candles, 5 * MINUTE_NS).candles, 60 * MINUTE_NS).candles

    shared = min(len(once), len(twice))
    assert len(once) - len(twice) in (0, 1)  # the last five minutes may be unfinished
    assert once.ts_open[:shared].tolist() == twice.ts_open[:shared].tolist()
    for name in FIELDS[:4]:
        assert once.columns[name][:shared].tolist() == twice.columns[name][:shared].tolist()
    assert once.columns["volume"][:shared] == pytest.approx(
        twice.columns["volume"][:shared], rel=1e-12
    )


TRADES = st.lists(
    st.tuples(st.integers(0, 10 * 60_000), PRICES, st.floats(0.0, 5.0)), min_size=1, max_size=60
)


@given(trades=TRADES, seed=st.integers(0, 2**32 - 1), jitter_ms=st.integers(0, 5_000))
def test_disorder_within_the_lateness_changes_no_bar(
    trades: list[tuple[int, float, float]], seed: int, jitter_ms: int
) -> None:
    chance = np.random.default_rng(seed)
    ordered = sorted(trades, key=lambda each: each[0])
    delays = chance.integers(0, jitter_ms + 1, size=len(ordered))
    arrival = np.argsort([each[0] for each in ordered] + delays, kind="stable").tolist()

    in_order, _ = _bars(list(enumerate(ordered)), lateness_ns=5 * SECOND_NS)
    disordered, ignored = _bars([(at, ordered[at]) for at in arrival], lateness_ns=5 * SECOND_NS)

    assert ignored == (0, 0)
    assert [bar[:5] for bar in disordered] == [bar[:5] for bar in in_order]
    assert [bar[5] for bar in disordered] == pytest.approx([bar[5] for bar in in_order])


@given(trades=TRADES, repeats=st.lists(st.integers(0, 59), max_size=20))
def test_e62_each_trade_counts_once_or_is_counted_as_ignored(
    trades: list[tuple[int, float, float]], repeats: list[int]
) -> None:
    numbered = list(enumerate(trades))  # in any order, with copies at the end
    again = numbered + [numbered[at] for at in repeats if at < len(numbered)]

    bars, (late, duplicates) = _bars(again, lateness_ns=0, quantity=1.0)

    assert sum(bar[5] for bar in bars) + late + duplicates == len(again)


def _bars(
    trades: list[tuple[int, tuple[int, float, float]]],
    *,
    lateness_ns: int,
    quantity: float | None = None,
) -> tuple[list[tuple[float, ...]], tuple[int, int]]:
    """Open, high, low, close, stamp and volume of the bars; how many came late or twice."""
    start = START - START % (60 * MINUTE_NS)
    minutes = BarAggregator(
        [BTC],
        BarSpec(MINUTE_NS, origin=BarOrigin.BUILT),
        since_ns=start,
        lateness_ns=lateness_ns,
    )
    closed: list[Bar] = []
    for trade_id, (ms, price, size) in trades:
        size_or = size if quantity is None else quantity
        trade = Trade(BTC, Nanos(start + ms * 1_000_000), price, size_or)
        closed += minutes.on_trade(trade, trade_id=trade_id)
    closed += minutes.advance(start + DAY_NS)
    rows: list[tuple[float, ...]] = [
        (b.open, b.high, b.low, b.close, float(b.ts_open), b.volume) for b in closed
    ]
    return rows, (minutes.ignored.late, minutes.ignored.duplicates)
