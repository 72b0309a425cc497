"""backtesting.py's year: orders fill at the next open by its default, no forced exit.

It has no EMA of its own: an indicator is any array, computed before the first bar. The EMA here
is pandas' ``ewm(adjust=False)``, seeded with the first price, as its users write it.
"""

from __future__ import annotations

import sys
from typing import Any

import backtesting
import pandas as pd
from backtesting import Backtest, Strategy

from contestant import (
    FAST,
    FEE_RATE,
    FIRST_DECISION,
    QUANTITY_BTC,
    SLOW,
    STARTING_CASH_USDT,
    report,
    timed,
)
from tape import Tape, load_year


def ema(values: Any, span: int) -> Any:
    return pd.Series(values).ewm(span=span, adjust=False).mean().to_numpy()


class EmaCross(Strategy):
    """Long or flat by EMA 10/30."""

    bar = 0
    sent = 0

    def init(self) -> None:
        self.fast = self.I(ema, self.data.Close, FAST)
        self.slow = self.I(ema, self.data.Close, SLOW)
        self.bar = 0  # the first call of `next` is for bar 1: an order may not stand on bar 0

    def next(self) -> None:
        self.bar += 1
        if self.bar < FIRST_DECISION:
            return
        fast, slow = self.fast[-1], self.slow[-1]
        if fast > slow and not self.position:
            EmaCross.sent += 1
            self.buy(size=QUANTITY_BTC)
        elif fast < slow and self.position:
            EmaCross.sent += 1
            self.position.close()


def frame_of(tape: Tape) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Open": tape.open,
            "High": tape.high,
            "Low": tape.low,
            "Close": tape.close,
            "Volume": tape.volume,
        },
        index=pd.to_datetime(tape.ts_open, unit="ns", utc=True).tz_localize(None),
    )


def main() -> int:
    tape = load_year()
    test = Backtest(frame_of(tape), EmaCross, cash=STARTING_CASH_USDT, commission=FEE_RATE)
    time, stats = timed(test.run)
    still_open = len(stats["_strategy"].trades)
    report(
        name="backtesting.py",
        version=backtesting.__version__,
        bars=len(tape),
        time=time,
        orders=2 * len(stats["_trades"]) + still_open,
        final_equity=float(stats["Equity Final [$]"]),
        notes="EMA first-price seed (pandas, precomputed array); fills at the next open; "
        "its statistics are part of the call",
        fill="next-open",
        orders_sent=EmaCross.sent,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
