"""What a run did beside its round trips: positions through time, refusals, and orders' ends."""

from collections.abc import Mapping

import msgspec

from botcore.backtest.reporting.trips import Line
from botcore.domain.events import ModeChanged


class AmbiguousFill(msgspec.Struct, frozen=True, gc=False):
    """A fill inside a bar that reached a stop and a target; the worse one was taken."""

    ts: int
    strategy: str
    instrument: str


class Activity(msgspec.Struct, frozen=True, eq=False):
    """What a run did; stamps are nanoseconds UTC.

    Attributes:
        lines: every position that there was, by strategy and instrument.
        traded: UTC day number since 1970 → bought and sold notional, quote units.
        denied: (strategy, code) → intents that risk refused.
        ended: terminal state → orders that ended in it without a fill that completed them.
        replaced: orders whose price or quantity was changed.
        ambiguous: oldest first.
        modes: every change of what the account was allowed to do, oldest first.
        locks: protection → how often it locked entries, or made a lock last longer.
        denied_by: protection → intents that risk refused for its lock.
    """

    lines: tuple[Line, ...] = ()
    traded: Mapping[int, float] = {}
    denied: Mapping[tuple[str, str], int] = {}
    ended: Mapping[str, int] = {}
    replaced: int = 0
    ambiguous: tuple[AmbiguousFill, ...] = ()
    modes: tuple[ModeChanged, ...] = ()
    locks: Mapping[str, int] = {}
    denied_by: Mapping[str, int] = {}
