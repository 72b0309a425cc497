"""The simulated market as a tape: seeded history, said to be simulated wherever it is shown."""

from botcore.backtest.tape import BarSeries, BarTape
from botcore.domain.ids import Currency, InstrumentId
from botcore.domain.instruments import Instrument
from botcore.domain.market import BarSpec
from botcore.venues.simulated.market import DEMO, MarketConfig, SimulatedMarket

SIMULATED = "SIMULATED MARKET – not real prices; this result says nothing about real markets"
USDT = Currency("USDT")
ORIGIN_NS = 1_704_067_200_000_000_000
"""2024-01-01T00:00:00Z: where simulated history begins in a backtest."""


def demo_instruments(config: MarketConfig = DEMO) -> tuple[Instrument, ...]:
    """Return the rules of the simulated market's instruments."""
    return tuple(
        Instrument(
            id=InstrumentId(each.instrument),
            base=Currency(each.instrument.partition("USDT")[0]),
            quote=USDT,
            settle=USDT,
            tick=each.tick_size,
            lot=each.lot_size,
            min_quantity=each.lot_size,
            min_notional=each.min_notional,
        )
        for each in config.instruments
    )


def demo_tape(
    bars: int, *, seed: int, step_ns: int, instruments: tuple[str, ...] | None = None
) -> BarTape:
    """Return `bars` simulated bars an instrument.

    Args:
        bars: how many.
        seed: the same seed gives the same market.
        step_ns: length of a bar, nanoseconds.
        instruments: which of the market's; None is all.
    """
    market = SimulatedMarket(DEMO.with_bar_ns(step_ns), seed, origin_ns=ORIGIN_NS)
    spec = BarSpec(step_ns)
    return BarTape(
        [
            BarSeries(
                InstrumentId(name),
                spec,
                ts_open=columns.ts_open,
                columns={
                    "open": columns.open,
                    "high": columns.high,
                    "low": columns.low,
                    "close": columns.close,
                    "volume": columns.volume,
                },
            )
            for name, columns in sorted(market.history(bars).items())
            if instruments is None or name in instruments
        ]
    )
