"""Bot Core's year: the call that ``botcore backtest`` makes, over the benchmark's tape.

Only slippage, participation cap and EMA seed are set to the peers', and the risk limits are wide
enough that none trips; all of it is in the line's ``assumptions``. ``--sizing tenth`` is the
second line: 10 % of equity an entry. ``--profile`` runs it once more under cProfile and prints
the functions that take the most time instead of the line.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import botcore
from botcore.backtest import BacktestingFramework, BarSeries, BarTape, StrategyRun
from botcore.domain.ids import MINUTE_NS, Currency, InstrumentId
from botcore.domain.instruments import Instrument
from botcore.domain.market import BarSpec
from botcore.risk import RiskLimits, Sizing, SizingKind
from botcore.venues.simulated import VenueConfig

from contestant import FAST, QUANTITY_BTC, SLOW, STARTING_CASH_USDT, report, timed
from tape import Tape, load_year

BTC = Instrument(
    id=InstrumentId("BTCUSDT.BINANCE"),
    base=Currency("BTC"),
    quote=Currency("USDT"),
    settle=Currency("USDT"),
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(10),
)

PROFILE_LINES = 25


@dataclass(frozen=True, slots=True)
class YearResult:
    """What the year gave: filled orders, equity in USDT at the last close, and how."""

    orders: int
    final_equity: float
    fingerprint: str
    assumptions: dict[str, str]


def prepare(tape: Tape, *, sizing: str) -> Callable[[], YearResult]:
    """Return the run to measure; what is done here (building the tape's input) is not measured.

    ``sizing`` is ``one`` (1 BTC an entry) or ``tenth`` (10 % of equity an entry). The limits are
    evaluated for every order and are wide enough that none trips; the strategy's no-trade band is
    0 because the peers have none; the EMA is seeded with the first price, as the fastest peer's.
    """
    wide = RiskLimits(
        order_frac=10.0,
        instrument_frac=10.0,
        strategy_frac=10.0,
        account_frac=10.0,
        daily_loss_frac=0.99,
        drawdown_frac=0.99,
    )
    series = BarSeries(
        BTC.id,
        BarSpec(MINUTE_NS),
        ts_open=tape.ts_open,
        columns={
            "open": tape.open,
            "high": tape.high,
            "low": tape.low,
            "close": tape.close,
            "volume": tape.volume,
        },
    )
    framework = BacktestingFramework(
        tape=BarTape([series]),
        instruments=(BTC,),
        cash=str(STARTING_CASH_USDT),
        venue=VenueConfig(slippage_ppm=0, participation_ppm=None),
        limits=wide,
    )
    size = (
        Sizing(kind=SizingKind.FIXED, quantity=Decimal(QUANTITY_BTC))
        if sizing == "one"
        else Sizing(equity_frac=0.1, band_frac=10.0)
    )
    parameters = {"fast": FAST, "slow": SLOW, "no_trade_bps": 0, "seed": 1}
    run = StrategyRun("ema-cross", parameters, size)

    def measured() -> YearResult:
        found = framework.run_backtest(run)
        return YearResult(
            found.orders,
            float(found.equity_end),
            found.fingerprint,
            {**dict(found.assumptions), "strategy": str(parameters)},
        )

    return measured


def profile_of(run: Callable[[], YearResult]) -> str:
    """Return the functions of one run that take the most time themselves, as text."""
    profiler = cProfile.Profile()
    profiler.runcall(run)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(
        PROFILE_LINES
    )
    return text.getvalue().strip()


def main() -> int:
    """Run the year once and print the line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sizing", choices=("one", "tenth"), default="one")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    tape = load_year()
    run = prepare(tape, sizing=arguments.sizing)
    if arguments.profile:
        sys.stdout.write(profile_of(run) + "\n")
        return 0
    time, result = timed(run)
    report(
        name="Bot Core",
        version=botcore.__version__,
        bars=len(tape),
        time=time,
        orders=result.orders,
        final_equity=result.final_equity,
        notes="; ".join(f"{key} {value}" for key, value in result.assumptions.items()),
        fill="next-open",
        fingerprint=result.fingerprint,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
