"""A grid on spot: buys rest below a reference, and what each bought is offered one level higher.

The orders that should rest follow from what is held and from the ladder; each look compares them
with those that do. So a refused, lost or partly filled order is made up for on a later bar.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import ClassVar, Final

import msgspec

from botcore.domain.decisions import Denied
from botcore.domain.errors import ConfigError
from botcore.domain.events import OrderFilled
from botcore.domain.ids import InstrumentId
from botcore.domain.intents import CancelOrder, Intent, PlaceOrder, Reason
from botcore.domain.market import Bar
from botcore.domain.numbers import QUANTUM, ZERO, exact, floor_to
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.strategies.event import EventStrategyBase
from botcore.strategies.view import StrategyView, WorkingOrder

PLACED_AT_ONCE: Final = 3
"""Orders placed at one look: an account may send some ten a second, and is shared."""
DEEPEST: Final = 0.9
"""How far below the reference the last level may lie, as a share of it."""
_TENTH: Final = Decimal("0.1")
_HALF: Final = Decimal("0.5")
_LITTLE_MORE: Final = Decimal("1.02")
_NEAR: Final = 0.25
"""An order this close to its level, in spacings, rests there: prices are put on the tick grid."""

BUY_LEVEL: Final = 1
SELL_LEVEL: Final = 2
OUT_OF_PLACE: Final = 3
_SIDES: Final = {BUY_LEVEL: Side.BUY, SELL_LEVEL: Side.SELL}


class Rung(msgspec.Struct, frozen=True, gc=False):
    """An order that should rest: level 1 is the highest buy; a sell has the level it sells."""

    level: int
    side: Side
    price: float
    quantity: Decimal


class Ladder(msgspec.Struct):
    """The levels below a reference, and how much each holds when it is full.

    Attributes:
        reference: quote units; level k lies k spacings below it.
        spacing: distance of two levels, quote units.
        full: base units by level, from the top; what a fill shows to be less is taken over, for
            orders are cut to the venue's lots.
    """

    reference: float
    spacing: float
    full: list[Decimal]

    def price(self, level: int) -> float:
        """Return the price of a level; 0 is the reference."""
        return self.reference - level * self.spacing

    def wanted(
        self, held: Decimal, close: float, offered: Iterable[WorkingOrder] = ()
    ) -> list[Rung]:
        """Return what should rest, the nearest to the reference first.

        The levels fill from the top and are sold from the bottom. A level that is partly filled
        goes on buying, unless its sale has begun or price has reached that of its sale.

        Args:
            held: base units, at least 0; all sells together are never more.
            close: the newest price.
            offered: sells that rest already.
        """
        rungs: list[Rung] = []
        left = held
        for level, full in enumerate(self.full, 1):
            has = min(left, full)
            left -= has
            above = self.price(level - 1)
            is_selling = close >= above or any(self._is_at(each, above) for each in offered)
            if has == full or (has and is_selling):
                rungs.append(Rung(level, Side.SELL, above, has))
            else:
                rungs.append(Rung(level, Side.BUY, self.price(level), full - has))
        if left:  # more than the ladder: its last level sells it too
            last = len(self.full)
            rungs[-1] = Rung(last, Side.SELL, self.price(last - 1), self.full[-1] + left)
        return [
            rung for rung in rungs if rung.quantity > self.full[rung.level - 1] * _TENTH
        ]  # what is less is too little for the venue; it goes with the next

    def bought(self, held: Decimal) -> None:
        """Take over what the level that was filled last holds: a little more or less than meant.

        Args:
            held: base units, after a buy was filled whole.
        """
        above = ZERO
        for place, full in enumerate(self.full):
            if held <= above + full * (1 + _HALF):
                self.full[place] = held - above
                return
            above += full

    def is_left(self, held: Decimal, close: float) -> bool:
        """Whether price has gone away upwards, and the ladder holds nothing to speak of."""
        return close > self.reference + self.spacing and held <= self.full[0] * _TENTH

    def is_even(self, held: Decimal) -> bool:
        """Whether every level is full or empty: then the price does not matter."""
        for full in self.full:
            if held <= ZERO:
                break
            held -= full
        return held == ZERO

    def has(self, order: WorkingOrder, rung: Rung) -> bool:
        """Whether an order is the one that should rest."""
        if order.side is not rung.side or not self._is_at(order, rung.price):
            return False
        most = _LITTLE_MORE if rung.side is Side.BUY else 1 + _HALF  # a sale may take a rest along
        return rung.quantity * _HALF <= order.leaves <= rung.quantity * most

    def _is_at(self, order: WorkingOrder, price: float) -> bool:
        limit = order.limit_price
        return limit is not None and abs(float(limit) - price) <= _NEAR * self.spacing


class Grid(EventStrategyBase):
    """Earn on prices that swing; hold what was bought where they only fall.

    Its budget buys all levels once and no more; below the last one it waits. It sells nothing but
    what it bought. The ladder moves up with the price while nothing is held, never down.
    """

    name: ClassVar[str] = "grid"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Rests buys below a reference and sells each one level higher."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("levels", "int", 5, 1, 20, "", "Buys below the reference, of equal worth."),
        Parameter(
            "spacing_bps", "float", 60, 5, 5_000, "bps", "Distance of two levels, of the reference."
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        "no reason given",
        "level {0:.0f} of {1:.0f} below {2:.8g} is empty: buy",
        "level {0:.0f} of {1:.0f} below {2:.8g} is bought: sell it one level higher",
        "it rests at no level of the ladder below {2:.8g}: cancel",
    )

    def __init__(self, params: Mapping[str, float]) -> None:
        """Take the parameters in force.

        Raises:
            ConfigError: the last level would be near 0 or below.
        """
        super().__init__(params)
        self._levels = int(params["levels"])
        self._spacing_frac = params["spacing_bps"] / 10_000.0
        self._ladders: dict[InstrumentId, Ladder] = {}
        self._too_small: set[tuple[InstrumentId, Side, int]] = set()
        # What was seen when all was in place: while it is so, there is nothing to compare.
        self._at_rest: dict[InstrumentId, tuple[Decimal, tuple[WorkingOrder, ...]]] = {}
        if self._levels * self._spacing_frac > DEEPEST:
            raise ConfigError(
                code="PARAMETERS_CONFLICT",
                cause=f"{self._levels} levels of {params['spacing_bps']:g} bps reach"
                f" {self._levels * self._spacing_frac:.0%} below the price",
                fix=f"lower levels or spacing_bps: at most {DEEPEST:.0%} together",
            )

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        """Draw the ladder where there is none or price has left it, and mend what rests."""
        name, close = bar.instrument, bar.close
        if view.is_warmup:  # nothing would come of it
            return []
        ladder, held = self._ladders.get(name), max(view.position(name), ZERO)
        if ladder is None or ladder.is_left(held, close):
            ladder = self._drawn(name, close, view)
            if ladder is None:
                return []
            self._ladders[name] = ladder
            self._too_small.clear()
            self._at_rest.pop(name, None)
        return self._mended(ladder, name, close, view)

    def on_fill(self, fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        """Offer what was bought one level higher, or buy again what was sold."""
        ladder, name = self._ladders.get(fill.instrument), fill.instrument
        self._too_small.clear()
        if ladder is None:
            return []
        if fill.side is Side.BUY and fill.state is OrderState.FILLED:
            ladder.bought(view.position(name))
        return self._mended(ladder, name, float(fill.fill.price), view)

    def on_denied(self, denied: Denied, view: StrategyView) -> Iterable[Intent]:  # noqa: ARG002 – the next bar asks again
        """Ask no more for what is too small for the venue, until something is filled."""
        side = _SIDES.get(denied.reason.code)
        if side is not None and denied.code == "BELOW_MINIMUM":
            self._too_small.add((denied.instrument, side, int(denied.reason.operands[0])))
        return []

    def state(self) -> bytes:
        """Return the ladders."""
        return msgspec.msgpack.encode(self._ladders)

    def resume(self, state: bytes | None, downtime_ns: int) -> None:  # noqa: ARG002 – the bars say
        """Go on with the ladders, unless they were drawn with other parameters."""
        try:
            kept = msgspec.msgpack.decode(state or b"\x80", type=dict[InstrumentId, Ladder])
        except msgspec.MsgspecError:
            kept = {}
        self._ladders = {
            name: each
            for name, each in kept.items()
            if len(each.full) == self._levels
            and abs(each.spacing / each.reference / self._spacing_frac - 1.0) < 1e-9  # noqa: PLR2004 – a rounding
        }

    def _drawn(self, name: InstrumentId, close: float, view: StrategyView) -> Ladder | None:
        """Return a ladder below the price, or None without a budget.

        What is held already (the ladder was lost with a state) is taken for the upper levels.
        """
        average = view.average_price(name)
        reference = close
        if average is not None and view.position(name) > ZERO:
            reference = max(close, float(average) / (1.0 - self._spacing_frac))
        spacing = reference * self._spacing_frac
        ladder = Ladder(reference, spacing, [])
        share = view.equity_budget() / self._levels
        if not (isfinite(share) and share > 0.0):
            return None
        for level in range(1, self._levels + 1):
            quantity = exact(share / ladder.price(level), what="a quantity")
            ladder.full.append(floor_to(quantity, QUANTUM))
        return ladder if min(ladder.full) > ZERO else None

    def _mended(
        self, ladder: Ladder, name: InstrumentId, close: float, view: StrategyView
    ) -> list[Intent]:
        """Return what brings the orders that rest to those that should."""
        who = view.account, view.strategy
        working, held = view.working(name), max(view.position(name), ZERO)
        if self._at_rest.get(name) == (held, working):
            return []
        sells = [order for order in working if order.side is Side.SELL]
        missing = ladder.wanted(held, close, sells)
        is_at_rest = ladder.is_even(held)
        intents: list[Intent] = []
        busy: set[Side] = set()
        for order in working:
            rung = next((each for each in missing if ladder.has(order, each)), None)
            if rung is not None and not order.cancel_owed:
                missing.remove(rung)
                continue
            busy.add(order.side)  # what it has locked is free once it is gone
            if not order.cancel_owed:
                reason = Reason(OUT_OF_PLACE, (0.0, 0.0, ladder.reference))
                intents.append(CancelOrder(*who, order.client_order_id, reason))
        free = [
            rung
            for rung in missing
            if rung.side not in busy and (name, rung.side, rung.level) not in self._too_small
        ]
        free.sort(key=lambda rung: abs(rung.price - close))
        intents += [self._placed(rung, ladder, name, view) for rung in free[:PLACED_AT_ONCE]]
        if is_at_rest and not missing and not busy:
            self._at_rest[name] = held, working
        return intents

    def _placed(
        self, rung: Rung, ladder: Ladder, name: InstrumentId, view: StrategyView
    ) -> PlaceOrder:
        is_buy = rung.side is Side.BUY
        operands = (float(rung.level), float(self._levels), ladder.reference)
        return PlaceOrder(
            account=view.account,
            strategy=view.strategy,
            instrument=name,
            side=rung.side,
            type=OrderType.LIMIT,
            quantity=rung.quantity,
            limit_price=rung.price,
            reduce_only=not is_buy,
            reason=Reason(BUY_LEVEL if is_buy else SELL_LEVEL, operands),
        )
