"""The total order of inputs: every event the engine sees has a key, and no two share one."""

from enum import IntEnum

import msgspec


class Rank(IntEnum):
    """Order at one stamp. A new kind needs an ADR.

    A bar covers ``[ts_open, ts_close)``: what ends at T, and what is decided on it, comes before
    what begins at T.
    """

    BAR = 0
    MODEL = 1
    INSTRUMENT = 2
    FUNDING = 3
    BAR_OPEN = 4
    BOOK = 5
    TRADE = 6
    VENUE_REPORT = 7
    EXPIRY = 8
    TIMER = 9
    COMMAND = 10


class Key(msgspec.Struct, frozen=True, gc=False, order=True, array_like=True):
    """Where an input stands among all inputs.

    Attributes:
        ts: the instant of the input, nanoseconds UTC.
        rank: its `Rank`, kept as a plain integer for speed.
        source: which source it came from, in configured order.
        seq: counted by the one sequencer; unique in a session.
    """

    ts: int
    rank: int
    source: int
    seq: int
