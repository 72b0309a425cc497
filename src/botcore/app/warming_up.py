"""Warming up: the strategies are fed history, unless they go on from their own state."""

from botcore.app.market_tape import Tape
from botcore.app.markets import Market
from botcore.app.recording import Recorder
from botcore.app.restoring import Restored
from botcore.engine import Session
from botcore.venues.simulated import SimulatedVenue


def warm_up(
    session: Session,
    market: Market,
    restored: Restored,
    *,
    tape: Tape,
    recorder: Recorder,
    venue: SimulatedVenue,
) -> int:
    """Feed the strategies history, and bring the market to where it ends.

    History is fed to the engine alone: the venue must not match a resting order against it. One
    that has never seen a price learns the last one, so that it can say what an order is worth
    before its first bar.

    Args:
        session: begun; takes the bars.
        market: open.
        restored: what the strategies go on from.
        tape: holds the bars of earlier runs; history that is new is recorded on it.
        recorder: of the session.
        venue: of the account.

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
    if restored.lsn == 0 and venue.is_idle and history.events:
        for bar in history.events[-1].bars:
            venue.pass_over(bar)
    decided_at = max(newest, restored.decided_at)
    market.caught_up(decided_at)
    return decided_at
