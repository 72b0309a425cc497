"""Candles of several instruments as the minutes they were: for warm-up, and for what was missed."""

import asyncio
from collections.abc import Iterable

from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarsClosed, BarSpec
from botcore.marketdata.candles import FIELDS, Candles
from botcore.venues.live.binance.rest import BinanceRest


async def fetch_minutes(
    rest: BinanceRest,
    instruments: Iterable[InstrumentId],
    start_ns: int,
    end_ns: int,
    *,
    step_ns: int = MINUTE_NS,
) -> list[BarsClosed]:
    """Fetch the closed bars that open in ``[start_ns, end_ns)``, those of one close together.

    Args:
        rest: open.
        instruments: whose.
        start_ns: first open, nanoseconds UTC.
        end_ns: the open of the first bar that is left to the live stream.
        step_ns: length of a bar.

    Returns:
        Oldest first; an instrument without a candle at a close is not among its bars.

    Raises:
        ConfigError: the venue does not know an instrument or the length.
        VenueError: it does not answer as it should; nothing of what was fetched is returned.
    """
    fetched = await asyncio.gather(
        *(rest.klines(each, step_ns, start_ns, end_ns) for each in instruments)
    )
    return minutes_of(fetched)


def minutes_of(fetched: Iterable[Candles]) -> list[BarsClosed]:
    """Return candles as bars, those of one close together, oldest first."""
    by_close: dict[int, list[Bar]] = {}
    for candles in fetched:
        spec = BarSpec(candles.step_ns)
        columns = [candles.columns[name].tolist() for name in FIELDS]
        for opens_at, *values in zip(candles.ts_open.tolist(), *columns, strict=True):
            closes_at = opens_at + candles.step_ns
            bar = Bar(candles.instrument, spec, opens_at, closes_at, *values)
            by_close.setdefault(closes_at, []).append(bar)
    return [
        BarsClosed(Nanos(at), tuple(sorted(by_close[at], key=lambda bar: bar.instrument)))
        for at in sorted(by_close)
    ]
