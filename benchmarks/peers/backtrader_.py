"""backtrader's year: orders fill at the next open by its default, no forced exit.

Its EMA is seeded with the simple mean of the first bars. Observers are off (``stdstats=False``),
preloading and vectorised indicators on (its defaults, the faster). The feed hands over Python
floats made before; moving them into its lines is part of its run call.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import backtrader as bt

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

NS_IN_S = 1_000_000_000


class EmaCross(bt.Strategy):
    """Long or flat by EMA 10/30."""

    def __init__(self) -> None:
        self.fast = bt.indicators.EMA(self.data.close, period=FAST)
        self.slow = bt.indicators.EMA(self.data.close, period=SLOW)
        self.completed = 0
        self.sent = 0

    def next(self) -> None:
        if len(self) <= FIRST_DECISION:  # len counts from 1
            return
        fast, slow = self.fast[0], self.slow[0]
        if fast > slow and not self.position:
            self.sent += 1
            self.buy(size=QUANTITY_BTC)
        elif fast < slow and self.position:
            self.sent += 1
            self.sell(size=QUANTITY_BTC)

    def notify_order(self, order: bt.Order) -> None:
        self.completed += order.status == order.Completed


class ColumnsFeed(bt.feed.DataBase):
    """Rows ``(date number, open, high, low, close, volume)`` from memory."""

    params = (("rows", ()),)

    def start(self) -> None:
        super().start()
        self.iterator = iter(self.p.rows)

    def _load(self) -> bool:
        row = next(self.iterator, None)
        if row is None:
            return False
        lines = self.lines
        (
            lines.datetime[0],
            lines.open[0],
            lines.high[0],
            lines.low[0],
            lines.close[0],
            lines.volume[0],
        ) = row
        lines.openinterest[0] = 0.0
        return True


def rows_of(tape: Tape) -> list[tuple[float, ...]]:
    stamps = [
        bt.date2num(datetime.fromtimestamp(ts // NS_IN_S, UTC).replace(tzinfo=None))
        for ts in tape.ts_open.tolist()
    ]
    columns = (tape.open, tape.high, tape.low, tape.close, tape.volume)
    return list(zip(stamps, *(column.tolist() for column in columns), strict=True))


def main() -> int:
    tape = load_year()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(ColumnsFeed(rows=rows_of(tape), timeframe=bt.TimeFrame.Minutes, compression=1))
    cerebro.broker.setcash(STARTING_CASH_USDT)
    cerebro.broker.setcommission(commission=FEE_RATE)
    cerebro.addstrategy(EmaCross)
    time, strategies = timed(cerebro.run)
    report(
        name="backtrader",
        version=bt.__version__,
        bars=len(tape),
        time=time,
        orders=strategies[0].completed,
        final_equity=float(cerebro.broker.getvalue()),
        notes="EMA mean-of-30 seed (its own); fills at the next open; observers off",
        fill="next-open",
        orders_sent=strategies[0].sent,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
