"""Orders as the venue holds them: whole numbers, changed in place."""

from decimal import Decimal
from typing import cast

import msgspec

from botcore.domain.ids import AccountId, VenueOrderId
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderSpec, OrderState, OrderType, Side, TimeInForce
from botcore.domain.reports import VenueReport
from botcore.venues.simulated import rules
from botcore.venues.simulated.accounts import Purse
from botcore.venues.simulated.records import FillRecord, OrderRecord
from botcore.venues.simulated.scales import Scale, amount, quanta

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_BUY = Side.BUY
_MARKET = OrderType.MARKET
_LIMIT = OrderType.LIMIT
_GTC = TimeInForce.GTC
_GTD = TimeInForce.GTD
_REJECTED = OrderState.REJECTED


GroupKey = tuple[AccountId, str]
"""Account and name of a group of orders that cancel one another."""


class Order(msgspec.Struct, eq=False, gc=False):
    """One order ever asked for; prices in ticks, quantities in lots, money in quanta.

    All are kept: none refers to another, so the garbage collector need not see them.

    Attributes not named here are those of `OrderRecord`.

    Attributes:
        scale: in which its numbers are; it and the purses are missing until it is admitted.
        sign: +1 buys, -1 sells.
        leaves: lots still wanted, 0 once it ended; filled: lots traded.
        limit, trigger, trail, reserve_price: ticks, 0 where it has none.
        is_stop: waits for a trigger (a stop, a stop-limit, a trailing stop).
        is_market: takes the next open: a market order, or what a stop that fired left.
        is_immediate: IOC or FOK: one open, then gone.
        lock: the purse its lock is in.
        reserve_ppm: the fee its lock allows for.
        covered: the price, ticks, up to which a buy's own lock surely pays for all it wants; 0 is
            unknown.
        group: the key of the group whose orders cancel one another; None outside any.
        final: its record, where it was read back.
    """

    spec: OrderSpec
    number: int
    ts: int
    eligible_from: int
    venue_order_id: VenueOrderId
    sign: int
    quantity: Decimal
    is_market: bool
    is_stop: bool
    is_immediate: bool
    state: OrderState = _REJECTED
    leaves: int = 0
    filled: int = 0
    limit: int = 0
    trigger: int = 0
    trail: int = 0
    locked: int = 0
    covered: int = 0
    reserve_price: int = 0
    reserve_ppm: int = 0
    trail_from: int = 0
    ended: int = 0
    triggered: bool = False
    detail: str = ""
    seen: int | None = None
    fills: tuple[VenueReport, ...] = ()
    group: GroupKey | None = None
    final: OrderRecord | None = None
    scale: Scale = cast("Scale", None)
    lock: Purse = cast("Purse", None)
    base: Purse = cast("Purse", None)
    quote: Purse = cast("Purse", None)

    @classmethod
    def of(cls, spec: OrderSpec, number: int, ts: int) -> "Order":
        """Return the order that `spec` asks for, refused as long as nobody takes it."""
        kind, life = spec.type, spec.time_in_force
        return cls(
            spec,
            number,
            ts,
            ts,
            VenueOrderId(f"S{number}"),
            rules.BUY if spec.side is _BUY else rules.SELL,
            spec.quantity,
            kind is _MARKET,
            kind is not _MARKET and kind is not _LIMIT,
            life is not _GTC and life is not _GTD,
        )

    @property
    def is_working(self) -> bool:
        """Whether it can still trade."""
        return self.leaves > 0

    def fill_record(self, number: int, report: VenueReport) -> FillRecord:
        """Return one of its fills as a record."""
        return FillRecord(number, self.number, self.base.currency, self.quote.currency, report)

    def fire(self) -> None:
        """Become what a stop that fired is: a market order, or a limit."""
        self.triggered = True
        self.is_stop = False
        self.is_market = not self.limit

    def cumulative(self) -> Decimal:
        """Return the quantity traded, exact, base units."""
        return self.fills[-1].cumulative or ZERO if self.fills else ZERO

    def record(self) -> OrderRecord:
        """Return it as a record."""
        if self.final is not None:
            return self.final
        limit, trigger = self.spec.limit_price, self.spec.trigger_price
        reserve = None
        if self.state is not _REJECTED:
            limit = self.scale.price(self.limit) if self.limit else None
            trigger = self.scale.price(self.trigger) if self.trigger else None
            reserve = self.scale.price(self.reserve_price) if self.reserve_price else None
        return OrderRecord(
            number=self.number,
            spec=self.spec,
            state=self.state,
            ts=self.ts,
            quantity=self.quantity,
            filled=self.cumulative(),
            limit_price=limit,
            trigger_price=trigger,
            locked=amount(self.locked),
            reserve_price=reserve,
            eligible_from=self.eligible_from,
            trail_from=self.trail_from,
            seen=self.seen,
            triggered=self.triggered,
            ended=self.ended,
            detail=self.detail,
        )

    @classmethod
    def read(cls, record: OrderRecord) -> "Order":
        """Return the order `record` describes; to work it still needs its numbers and purses."""
        order = cls.of(record.spec, record.number, record.ts)
        order.state = record.state
        order.quantity = record.quantity
        order.eligible_from = record.eligible_from
        order.trail_from = record.trail_from
        order.seen = record.seen
        order.ended = record.ended
        order.detail = record.detail
        order.final = record
        return order

    def rescale(self, scale: Scale, record: OrderRecord) -> bool:
        """Take the numbers of `record` in `scale`; False (and unchanged) if they do not fit it."""
        wanted = scale.lots_of(record.quantity)
        filled = scale.lots_of(record.filled) if record.filled else 0
        prices = [
            0 if price is None else scale.ticks_of(price)
            for price in (
                record.limit_price,
                record.trigger_price,
                record.spec.trail,
                record.reserve_price,
            )
        ]
        if wanted is None or filled is None or None in prices[:3]:
            return False
        limit, trigger, trail, reserve = (price or 0 for price in prices)
        if record.reserve_price is not None and not reserve:
            reserve = scale.ticks_above(record.reserve_price)
        self.scale = scale
        self.filled, self.leaves = filled, wanted - filled
        self.limit, self.trigger, self.trail, self.reserve_price = limit, trigger, trail, reserve
        self.locked, self.covered = quanta(record.locked), 0
        if record.triggered:
            self.fire()
        return True
