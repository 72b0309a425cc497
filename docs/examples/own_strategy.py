from botcore.backtest import BacktestingFramework, demo_instruments, demo_tape
from botcore.domain.intents import Target
from botcore.strategies import EventStrategyBase


class Highs(EventStrategyBase):
    name = "highs"

    def on_bar(self, bar, view):
        *past, now = view.bars(bar.instrument, 241)  # closed bars, oldest first, never the future
        if len(past) == 240 and now.close > max(b.high for b in past):
            yield Target(view.account, view.strategy, bar.instrument, 1.0)  # its whole budget
        elif len(past) == 240 and now.close < min(b.low for b in past[120:]):
            yield Target(view.account, view.strategy, bar.instrument, 0.0)  # flat


tape = demo_tape(20_000, seed=7, step_ns=60 * 10**9, instruments=("BTCUSDT.SIM",))
run = BacktestingFramework(tape=tape, instruments=demo_instruments(), strategies={"highs": Highs})
for name, value in run.run_backtest("highs").rows():
    print(f"{name:20} {value}")
