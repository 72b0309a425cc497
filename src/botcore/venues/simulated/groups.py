"""Groups: working orders of which one's fill cancels the others (OCO)."""

from collections.abc import Sequence

from botcore.venues.simulated.working import GroupKey, Order


class Groups:
    """The groups of a venue.

    An order knows only its group's key: orders that knew one another would be kept alive, and
    walked through by the garbage collector, for ever.
    """

    def __init__(self) -> None:
        self._members: dict[GroupKey, list[Order]] = {}

    def of(self, order: Order) -> Sequence[Order]:
        """Return the order's group, itself among it; itself alone where it has none."""
        return (order,) if order.group is None else self._members[order.group]

    def join(self, order: Order) -> None:
        """Put a working order into the group that it names."""
        order.group = (order.spec.account, order.spec.oco_group)
        self._members.setdefault(order.group, []).append(order)

    def leave(self, order: Order) -> None:
        """Take an order out of its group, if it is in one."""
        if order.group is None:
            return
        members = self._members[order.group]
        members.remove(order)
        if not members:
            del self._members[order.group]
        order.group = None
