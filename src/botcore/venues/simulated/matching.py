"""Where one bar takes one order: at its open, inside it, or on the bar of its entry."""

from typing import NamedTuple

from botcore.domain.market import Bar
from botcore.venues.simulated import rules
from botcore.venues.simulated.scales import Scale
from botcore.venues.simulated.working import Order


class BarTicks:
    """A bar in ticks."""

    __slots__ = ("close", "high", "low", "open", "ts_close", "ts_open")

    def __init__(self, bar: Bar, scale: Scale) -> None:
        self.ts_open = bar.ts_open
        self.ts_close = bar.ts_close
        self.open = scale.ticks(bar.open)
        self.high = scale.ticks(bar.high)
        self.low = scale.ticks(bar.low)
        self.close = scale.ticks(bar.close)


class Hit(NamedTuple):
    """An order that a bar reaches; hits sort in the order of the path (P11).

    Attributes:
        leg: -1 at the open, then 0 and 1.
        place: where on its leg, smaller is earlier.
        rank: at one price, stops (0) before limits (1).
        number: then the order's number.
        price: ticks, before slippage.
        slips: whether slippage applies.
    """

    leg: int
    place: int
    rank: int
    number: int
    order: Order
    price: int
    slips: bool
    is_maker: bool
    is_ambiguous: bool = False


def hit_at_open(order: Order, bar: Bar, first: int, gap_improves: bool) -> Hit | None:
    """Return the hit if the open, at `first` ticks, has passed a resting order."""
    side = order.sign
    if order.is_stop:
        if not rules.stop_is_through(side, order.trigger, first):
            return None
        if not order.limit:
            price = rules.stop_price(side, order.trigger, first)
            return Hit(-1, 1, 0, order.number, order, price, True, False)
        order.fire()
        takes = True
    else:
        # A limit that is through at the first open it meets arrived marketable: it takes (E29).
        takes = order.eligible_from > 2 * bar.ts_open - bar.ts_close
    if not rules.limit_is_through(side, order.limit, first):
        return None
    price = rules.limit_price(side, order.limit, first, gap_improves)
    return Hit(-1, 2, 1, order.number, order, price, False, not takes)


def hit_inside(
    order: Order, bar: BarTicks, *, gap_improves: bool, is_optimistic: bool
) -> Hit | None:
    """Return the hit if the bar reaches the order after its open.

    A trailing stop that is not reached is carried: its trigger moves (E14).
    """
    side, number, trigger = order.sign, order.number, order.trigger
    high, low = bar.high, bar.low
    if not order.is_stop:
        if not rules.limit_is_crossed(side, order.limit, high, low):
            return None
        leg, place = rules.leg(side, False, is_optimistic), rules.place(order.limit, side, False)
        return Hit(leg, place, 1, number, order, order.limit, False, True)
    leg, place = rules.leg(side, True, is_optimistic), rules.place(trigger, side, True)
    if order.trail and bar.ts_open >= order.trail_from:
        outcome, price, moved = rules.trail(side, trigger, order.trail, bar.open, high, low)
        if outcome == rules.STAYS:
            if moved != trigger:
                order.trigger = moved
                order.seen = bar.ts_open
            return None
        if outcome == rules.AT_NEW_STOP:
            # It moved on the other leg's way: it lies there, before any target beyond it (E1).
            order.trigger = moved
            place = -price if is_optimistic else price
            return Hit(1, place, 0, number, order, price, True, False, True)
        return Hit(leg, place, 0, number, order, price, True, False)
    if not rules.stop_is_hit(side, trigger, high, low):
        return None
    if order.limit:
        order.fire()
        order.seen = bar.ts_open
        if rules.limit_is_through(side, order.limit, trigger):
            price = rules.limit_price(side, order.limit, trigger, gap_improves)
            return Hit(leg, place, 0, number, order, price, False, False)
        if rules.target_is_reached_after_entry(side, order.limit, bar.close):
            return Hit(1, bar.high + 1, 1, number, order, order.limit, False, True)
        return None
    price = rules.stop_price(side, trigger, bar.open)
    return Hit(leg, place, 0, number, order, price, True, False)


def hit_on_entry_bar(
    child: Order, bar: BarTicks, entry: int, *, entry_is_stop: bool, gap_improves: bool
) -> Hit | None:
    """Return the hit if a child is reached on the bar inside which its parent filled (P10).

    Args:
        child: went live with the entry.
        bar: the entry's bar.
        entry: the entry's price, ticks.
        entry_is_stop: whether the entry was a stop, so that the bar's extreme may be older.
        gap_improves: as `VenueConfig.gap_improvement`.
    """
    side, trigger = child.sign, child.trigger
    if not child.is_stop:
        if not rules.target_is_reached_after_entry(side, child.limit, bar.close):
            return None
        return Hit(1, 0, 1, child.number, child, child.limit, False, True)
    if not rules.stop_is_hit(side, trigger, bar.high, bar.low):
        return None
    certain = rules.stop_after_entry_is_certain(side, trigger, bar.close, entry_is_stop)
    price = rules.stop_price(side, trigger, entry)
    if child.limit:
        child.fire()
        child.seen = bar.ts_open
        if not rules.limit_is_through(side, child.limit, price):
            return None
        price = rules.limit_price(side, child.limit, price, gap_improves)
        return Hit(0, 0, 0, child.number, child, price, False, False, not certain)
    return Hit(0, 0, 0, child.number, child, price, True, False, not certain)
