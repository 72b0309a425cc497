"""Warming up: the strategies are fed history, unless they go on from their own state."""

from botcore.app.market_tape import Tape
from botcore.app.markets import Market
from botcore.app.recording import Recorder
from botcore.app.restoring import Restored
from botcore.engine import Session


def warm_up(
    session: Session, market: Market, restored: Restored, *, tape: Tape, recorder: Recorder
) -> int:
    """Feed the strategies history, and bring the market to where it ends.

    History is fed to the engine alone: the venue must not match a resting order against it.

    Args:
        session: begun; takes the bars.
        market: open.
        restored: what the strategies go on from.
        tape: holds the bars of earlier runs; history that is new is recorded on it.
        recorder: of the session.

    Returns:
        The close of the last bar the strategies saw, nanoseconds; 0 before the first.
    """
    history = market.history(restored, tape)
    recorder.is_taping = history.is_new
    for event in history.events:
        session.input(event, event.ts_close)
    recorder.is_taping = True
    tape.flush()
    newest = history.events[-1].ts_close if history.events else 0
    decided_at = max(newest, restored.decided_at)
    market.caught_up(decided_at)
    return decided_at
