"""Warming up: the strategies are fed history, unless they go on from their own state."""

from botcore.app.feed import bars_of
from botcore.app.market_tape import Tape
from botcore.app.recording import Recorder
from botcore.app.restoring import Restored
from botcore.app.settings import Settings
from botcore.domain.ids import DAY_NS
from botcore.domain.market import BarsClosed, BarSpec
from botcore.engine import Session
from botcore.venues.simulated.market import SimulatedMarket


def warm_up(
    session: Session,
    market: SimulatedMarket,
    restored: Restored,
    *,
    tape: Tape,
    recorder: Recorder,
    settings: Settings,
) -> int:
    """Feed the strategies history, and bring the market to where it ends.

    History is fed to the engine alone: the venue must not match a resting order against it.

    Args:
        session: begun; takes the bars.
        market: as it was begun, or as it was kept.
        restored: what the strategies go on from.
        tape: holds the bars of earlier runs; those of a market that is new are recorded on it.
        recorder: of the session.
        settings: say how much history there is.

    Returns:
        The close of the last bar the strategies saw, nanoseconds; 0 before the first.
    """
    spec = BarSpec(market.config.bar_ns)
    is_first = market.next_bar == 0
    history_bars = round(settings.history_days * DAY_NS) // spec.step_ns
    recorder.is_taping = is_first
    if is_first:
        events = list(bars_of(market.history(history_bars), spec))
    elif restored.are_strategies_warm:
        events = [event for event in _taped(tape) if event.ts_close > restored.decided_at]
    else:
        events = _taped(tape)[-history_bars:]
    for event in events:
        session.input(event, event.ts_close)
    recorder.is_taping = True
    tape.flush()
    newest = events[-1].ts_close if events else 0
    decided_at = max(newest, restored.decided_at)
    # Bars that closed after the market's file was written were played: they are on the tape.
    while not is_first and market.ts_open(market.next_bar) + spec.step_ns <= decided_at:
        market.history(1)
    return decided_at


def _taped(tape: Tape) -> list[BarsClosed]:
    return [event for _, event in tape.read() if isinstance(event, BarsClosed)]
