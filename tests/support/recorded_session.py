"""A busy session, recorded: run as a program it prints the digest of all that happened."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from tests.support.trading_session import (
    ACCOUNT,
    ByColour,
    Taken,
    TradingSession,
    buy,
    change,
    scripted,
    sell,
    target,
)
from tests.support.venue_session import an_instrument

from botcore.backtest import BacktestingFramework, StrategyRun, demo_instruments, demo_tape
from botcore.domain.commands import (
    Checkpoint,
    Deposit,
    Flatten,
    Input,
    KillSwitch,
    PauseStrategy,
    ResumeStrategy,
    SetMode,
)
from botcore.domain.events import OrderFilled
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId, StrategyId
from botcore.domain.intents import Intent
from botcore.domain.market import Bar
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType
from botcore.domain.records import encode
from botcore.engine import Engine, EngineConfig, StrategyClass
from botcore.risk import RiskLimits, Sizing
from botcore.strategies import StrategyView
from botcore.strategies.library import EmaCross

PERSON = "person:ann"
ONE, TWO = InstrumentId("ONEUSDT.SIM"), InstrumentId("TWOUSDT.SIM")
BARS = 400


@dataclass(frozen=True)
class Recorded:
    """Every input with what came of it, and the configuration it ran under."""

    config: EngineConfig
    classes: Mapping[str, StrategyClass]
    entries: list[Taken]
    state_hash: str


def _grid(bar: Bar, view: StrategyView) -> Iterable[Intent]:
    """Rests a bracket below the market, moves it, and asks for too much now and then."""
    name, minute = bar.instrument, bar.ts_close // MINUTE_NS
    working = view.working(name)
    if minute % 37 == 0:
        return [sell(view, "5", instrument=name)]
    if not working:
        return [
            buy(
                view,
                "1",
                OrderType.LIMIT,
                limit_price=bar.close * 0.995,
                stop_loss=bar.close * 0.98,
                take_profit=bar.close * 1.01,
                instrument=name,
            )
        ]
    if minute % 5 == 0 and len(working) == 1 and working[0].limit_price is not None:
        moved = (working[0].limit_price * Decimal("1.001")).quantize(Decimal("0.01"))
        return [change(view, 0, name, limit_price=str(moved))]
    return []


def _trend(bar: Bar, view: StrategyView) -> Iterable[Intent]:
    bars = view.bars(bar.instrument, 20)
    mean = sum(b.close for b in bars) / len(bars)
    return [target(view, 0.8 if bar.close > mean else 0.0, bar.instrument)]


def _raises(bar: Bar, view: StrategyView) -> Iterable[Intent]:
    if bar.ts_close % DAY_NS // MINUTE_NS == 100:
        raise ValueError("once is enough")
    return []


def _reenters(fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
    if not view.position(fill.instrument):
        return [buy(view, "0.5", instrument=fill.instrument)]
    return []


def a_recorded_session(seed: int = 11) -> Recorded:
    """Run two instruments for 400 minutes over a UTC midnight, with a person interfering."""
    chance = np.random.default_rng(seed)
    run = TradingSession(
        {
            "trend": scripted(_trend),
            "grid": scripted(_grid, on_fill=_reenters),
            "faulty": scripted(_raises),
            "colour": ByColour,
            "ema": EmaCross,
        },
        an_instrument(TWO, min_notional="5"),
        an_instrument(ONE, lot="0.01"),
        limits=RiskLimits(daily_loss_frac=0.03, drawdown_frac=0.1),
        sizing=Sizing(equity_frac=0.03, band_frac=0.2),
        parameters={"ema": {"fast": 5, "slow": 15, "no_trade_bps": 0}},
        venue={"taker_fee_ppm": 1_000, "maker_fee_ppm": 800, "participation_ppm": 100_000},
        cash="100000",
        origin=DAY_NS - 90 * MINUTE_NS,
    )
    prices = {ONE: 100.0, TWO: 20.0}
    acts = {
        60: lambda: run.tell(PauseStrategy(ACCOUNT, StrategyId("colour"), PERSON)),
        80: lambda: run.tell(ResumeStrategy(ACCOUNT, StrategyId("colour"), PERSON)),
        150: lambda: run.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, PERSON, "lunch")),
        160: lambda: run.tell(SetMode(ACCOUNT, Mode.NORMAL, PERSON, "back")),
        200: lambda: run.tell(KillSwitch(ACCOUNT, PERSON)),
        205: lambda: run.tell(SetMode(ACCOUNT, Mode.NORMAL, PERSON, "looked")),
        230: lambda: run.tell(Deposit(ACCOUNT, run.instruments[0].quote, "1234.56", "more")),
        300: lambda: run.tell(Checkpoint(ACCOUNT)),
        350: lambda: run.tell(Flatten(ACCOUNT, PERSON, confirmed=True)),
    }
    for step in range(BARS):
        if step in acts:
            acts[step]()
        if step == 250:
            run.gap(7)
        bars = []
        for name in sorted(prices):
            opened = prices[name]
            closed = round(max(1.0, opened * (1 + chance.normal(0, 0.006))), 2)
            reach = opened * abs(chance.normal(0, 0.004))
            bars.append(
                run.a_bar(
                    opened,
                    round(max(opened, closed) + reach, 2),
                    round(max(0.01, min(opened, closed) - reach), 2),
                    closed,
                    float(round(chance.lognormal(3, 1.5), 1)),
                    instrument=name,
                )
            )
            prices[name] = closed
        run.bars(*bars)
    return Recorded(run.config, run.classes, run.taken, run.engine.state_hash())


def replayed(recorded: Recorded, through: Callable[[Input], Input]) -> Recorded:
    """Give a fresh engine the recorded inputs, each as `through` returns it."""
    engine = Engine(recorded.config, recorded.classes)
    entries = []
    for entry in recorded.entries:
        event = through(entry.event)
        entries.append(Taken(entry.key, event, engine.step(entry.key, event), entry.durable))
    return Recorded(recorded.config, recorded.classes, entries, engine.state_hash())


def digest_of(recorded: Recorded) -> str:
    """Return the SHA-256 over every key, fact and effect in order, and the state at the end."""
    seen = hashlib.sha256()
    for entry in recorded.entries:
        for part in (entry.key, *entry.step.facts, *entry.step.effects):
            seen.update(encode(part))
    seen.update(recorded.state_hash.encode())
    return seen.hexdigest()


def a_backtest_fingerprint() -> str:
    """Return the fingerprint of a backtest of two library strategies on the simulated market."""
    framework = BacktestingFramework(
        tape=demo_tape(600, seed=3, step_ns=MINUTE_NS), instruments=demo_instruments()
    )
    runs = [StrategyRun("ema-cross", {"no_trade_bps": 0}), StrategyRun("macd")]
    return framework.run_backtest(runs).fingerprint


if __name__ == "__main__":
    print(digest_of(a_recorded_session()), a_backtest_fingerprint())
