"""Locks: what a protection has closed to entries, until when and why."""

import msgspec

from botcore.domain.calendar import instant_name
from botcore.domain.events import ProtectionLocked
from botcore.domain.ids import InstrumentId, StrategyId
from botcore.risk.locking.rules import Scope


class Lock(msgspec.Struct, frozen=True, gc=False):
    """One lock. It lets through what does not raise exposure.

    Attributes:
        id: of the protection and what is covered: one lock of that name at a time.
        protection: its name; `kind`: which rule it is, such as ``cool-down``.
        strategy, instrument: what alone is locked; None is all of them.
        since, until: nanoseconds UTC; at `until` it has ended.
        cause: why, with the figures.
    """

    id: str
    protection: str
    kind: str
    strategy: StrategyId | None
    instrument: InstrumentId | None
    since: int
    until: int
    cause: str

    @classmethod
    def of(cls, fact: ProtectionLocked, since: int) -> "Lock":
        """Return the lock that a fact began, or let last longer."""
        return cls(
            fact.lock,
            fact.protection,
            fact.kind,
            fact.strategy,
            fact.instrument,
            since,
            fact.until,
            fact.cause,
        )

    def covers(self, strategy: StrategyId, instrument: InstrumentId) -> bool:
        """Whether an entry of the strategy on the instrument is among what is locked."""
        return self.strategy in (None, strategy) and self.instrument in (None, instrument)

    @property
    def scope(self) -> str:
        """What is locked, in words."""
        if self.strategy is None:
            return "the account" if self.instrument is None else f"{self.instrument}"
        if self.instrument is None:
            return f"strategy {self.strategy}"
        return f"strategy {self.strategy} on {self.instrument}"

    @property
    def detail(self) -> str:
        """Which protection, until when and why, as a denial says it; `protection_of` reads it."""
        return f"{self.protection} until {instant_name(self.until)} UTC: {self.cause}"


def protection_of(detail: str) -> str:
    """Return the name of the protection whose lock a denial told of: a name has no space."""
    return detail.partition(" ")[0]


def covered(
    scope: Scope, strategy: StrategyId, instrument: InstrumentId
) -> tuple[StrategyId | None, InstrumentId | None]:
    """Return which strategy and instrument a scope covers for a trade; None is all of them."""
    return (
        strategy if scope in (Scope.STRATEGY, Scope.LINE) else None,
        instrument if scope in (Scope.INSTRUMENT, Scope.LINE) else None,
    )


def lock_id(protection: str, strategy: StrategyId | None, instrument: InstrumentId | None) -> str:
    """Return the name of the lock of a protection on what it covers."""
    return ":".join(part for part in (protection, strategy, instrument) if part)
