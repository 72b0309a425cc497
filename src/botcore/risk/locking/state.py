"""What a guard remembers, as plain values."""

from collections.abc import Mapping

import msgspec

from botcore.risk.locking.locks import Lock
from botcore.risk.locking.trades import ClosedTrade, OpenTrade


class WindowState(msgspec.Struct, frozen=True, gc=False):
    """One look-back of equity: marks from `begins` on, and the highest of each slice."""

    begins: int
    highs: tuple[tuple[int, float], ...]


class GuardState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The guard of one account; its protections are configuration and are not kept.

    Attributes:
        locks: by id.
        forgiven: lock id → when a person lifted it, as long as a look-back reaches there.
        open, closed: trades.
        windows: protection → its look-back of equity.
    """

    locks: tuple[Lock, ...] = ()
    forgiven: Mapping[str, int] = {}
    open: tuple[OpenTrade, ...] = ()
    closed: tuple[ClosedTrade, ...] = ()
    windows: Mapping[str, WindowState] = {}
