"""Buckets in memory: bounded, and no crowd of newcomers makes anybody's bucket full again.

A bucket that has filled up says no more than one that was never used: it may be dropped. While a
table is full of buckets that have not, newcomers share one, and who gets a bucket later begins with
what that one owes. So a flood from many addresses is slowed as one payer, and it neither grows the
table nor pushes anybody out of it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from botcore.api.limits.gcra import take
from botcore.api.limits.ports import Charge, Outcome

_LOOKED_AT: Final = 2
"""Buckets examined for each newcomer: more than one, so that full ones go faster than new ones
come."""


class MemoryBuckets:
    """Keeps one table a rate.

    Args:
        capacity: most buckets in each table, above zero.

    Raises:
        ValueError: it is not.
    """

    def __init__(self, capacity: int) -> None:
        if capacity <= 0:
            raise ValueError(f"capacity {capacity} must be above zero")
        self._capacity = capacity
        self._tables: dict[str, _Table] = {}

    def __len__(self) -> int:
        """Return how many buckets are kept."""
        return sum(len(table.full_at) for table in self._tables.values())

    def take(self, charges: Sequence[Charge], now_ns: int) -> Outcome:
        """Pay all the charges, or none of them if one does not conform."""
        takings = []
        worst = None
        for charge in charges:
            rate = charge.rate
            table = self._tables.get(rate.name)
            if table is None:
                table = self._tables[rate.name] = _Table()
            full_at = table.full_at.get(charge.payer, table.shared)
            taking = take(rate, full_at, now_ns, charge.cost, reserve=charge.reserve)
            if taking.wait_ns and (worst is None or taking.wait_ns > worst.wait_ns):
                worst = Outcome(charge, *taking[1:])
            takings.append((charge, table, taking))
        if worst is not None:
            return worst
        for charge, table, taking in takings:
            table.put(charge.payer, taking.full_at, now_ns * charge.rate.quota, self._capacity)
        charge, _, taking = takings[0]
        return Outcome(charge, *taking[1:])


class _Table:
    """The buckets of one rate: payer → when his is full again, in the rate's units of time.

    Attributes:
        shared: the bucket of those for whom there was no room.
    """

    __slots__ = ("full_at", "shared")

    def __init__(self) -> None:
        self.full_at: OrderedDict[str, int] = OrderedDict()
        self.shared = 0

    def put(self, payer: str, full_at: int, now: int, capacity: int) -> None:
        """Keep what a payer owes."""
        kept = self.full_at
        if payer not in kept:
            for _ in range(min(_LOOKED_AT, len(kept))):
                name, at = kept.popitem(last=False)
                if at > now:
                    kept[name] = at
            if len(kept) >= capacity:
                self.shared = full_at
                return
        kept[payer] = full_at
