"""Runs whose reports can be worked out by hand, and their candles."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from tests.support.trading_session import ONE_COIN, ByColour
from tests.support.venue_session import COINUSDT, a_config, an_instrument

from botcore.backtest import (
    BacktestingFramework,
    BacktestReport,
    BarSeries,
    BarTape,
    StrategyRun,
)
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.domain.market import BarSpec
from botcore.kernel.clock import ManualClock
from botcore.marketdata.candles import Candles
from botcore.risk import RiskLimits

Ohlc = tuple[float, float, float, float]

WIDE = RiskLimits(order_frac=10.0, instrument_frac=10.0, account_frac=10.0, daily_loss_frac=0.99)
RISES, FALLS = (100.0, 102.0, 99.0, 101.0), (110.0, 111.0, 104.0, 105.0)
HAND_TAPE: tuple[Ohlc, ...] = (
    RISES,  # wants a coin
    (100.0, 120.0, 100.0, 110.0),  # bought at 100, marked at 110
    FALLS,  # marked at 105, wants out
    (104.0, 106.0, 90.0, 95.0),  # sold at 104
    (95.0, 100.0, 95.0, 98.0),  # wants a coin
    (98.0, 99.0, 80.0, 90.0),  # bought at 98, marked at 90, wants out
    (88.0, 90.0, 85.0, 86.0),  # sold at 88
    (86.0, 88.0, 86.0, 87.0),  # wants a coin
    (87.0, 97.0, 87.0, 96.0),  # bought at 87, marked at 96, still held
)
"""Nine minutes from 1970: two round trips of +3.796 and −10.186, and a coin held at the end."""


def minutes(
    *bars: Ohlc, stamps: list[int] | None = None, instrument: InstrumentId = COINUSDT
) -> BarTape:
    """Minutes of open, high, low and close; `stamps` are their numbers since 1970."""
    rows = np.array(bars, float).T
    columns = dict(zip(("open", "high", "low", "close"), rows, strict=True))
    columns["volume"] = np.full(len(bars), 1e6)
    at = np.array(stamps or range(len(bars)), dtype=np.int64)
    return BarTape(
        [BarSeries(instrument, BarSpec(MINUTE_NS), ts_open=at * MINUTE_NS, columns=columns)]
    )


def candles_of(tape: BarTape) -> Mapping[InstrumentId, Candles]:
    """The candles that a tape was made of."""
    return {
        each.instrument: Candles(each.instrument, each.spec.step_ns, each.ts_open, each.columns)
        for each in tape.series
    }


def run_on(tape: BarTape, strategy: Any = ByColour, **more: Any) -> BacktestReport:
    """A run of one strategy with one coin a time, at 0.1 % a fill and 1,000 USDT."""
    given: dict[str, Any] = {
        "cash": "1000",
        "venue": a_config(taker_fee_ppm=1_000),
        "limits": WIDE,
        "instruments": [an_instrument(name) for name in tape.instruments],
        "clock": ManualClock(0),
    }
    framework = BacktestingFramework(tape=tape, strategies={"strategy": strategy}, **(given | more))
    return framework.run_backtest(StrategyRun("strategy", sizing=ONE_COIN))


def hand_run(**more: Any) -> tuple[BacktestReport, Mapping[InstrumentId, Candles]]:
    """The run over `HAND_TAPE`, and its candles."""
    tape = minutes(*HAND_TAPE)
    return run_on(tape, **more), candles_of(tape)
