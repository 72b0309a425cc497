"""Round trips: a strategy's ways from flat to flat, folded from fills as they pass."""

from array import array
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.events import OrderFilled, PositionChanged
from botcore.domain.intents import NO_REASON, Reason
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderType, Side

LONG: Final = "long"
SHORT: Final = "short"
AMBIGUOUS: Final = "ambiguous_bar"
"""The flag of a fill inside a bar that does not tell what came first."""
EXITS: Final[Mapping[OrderType, str]] = {
    OrderType.MARKET: "attached market order",
    OrderType.LIMIT: "take profit",
    OrderType.STOP: "stop loss",
    OrderType.STOP_LIMIT: "stop loss",
    OrderType.TRAILING_STOP: "trailing stop",
}
"""What an order that hangs on an entry is called, by its type."""
_BUY: Final = Side.BUY  # Python 3.11 looks a member of an enum up slowly


class Motive(msgspec.Struct, frozen=True, gc=False):
    """Why an order was placed.

    Attributes:
        reason: of its strategy, as it was when the order was placed.
        type: of the order; None where no order is known.
        is_attached: it hung on an entry, to protect it or to take its profit.
    """

    reason: Reason = NO_REASON
    type: OrderType | None = None
    is_attached: bool = False

    @property
    def order(self) -> str:
        """What kind of order it was, in words; empty where none is known."""
        if self.type is None:
            return ""
        return EXITS[self.type] if self.is_attached else _words(self.type)


def _words(kind: OrderType) -> str:
    return f"{kind.value.lower().replace('_', ' ')} order"


class RoundTrip(msgspec.Struct, frozen=True, gc=False):
    """A strategy's way from flat to flat on one instrument; amounts are in quote units.

    Attributes:
        opened, closed: stamps of the first and last fill, nanoseconds UTC; of an open one
            `closed` is the end of the run.
        profit: after fees; of an open one with the position marked at the last close.
        side: ``long`` or ``short``.
        quantity: the most that was held, base units.
        entered, stake: base units of all entries, and what they cost before fees.
        left, received: base units of all exits, and what they brought before fees.
        fees: quote value of the fees of all its fills.
        fills: how many.
        entry, exit: why the first entry and the last exit were ordered.
        is_ambiguous: a fill was decided by a bar that does not tell what came first.
        is_open: not closed at the end of the run.
    """

    strategy: str
    instrument: str
    opened: int
    closed: int
    profit: float
    side: str = LONG
    quantity: Decimal = ZERO
    entered: Decimal = ZERO
    stake: Decimal = ZERO
    left: Decimal = ZERO
    received: Decimal = ZERO
    fees: Decimal = ZERO
    fills: int = 0
    entry: Motive = Motive()
    exit: Motive = Motive()
    is_ambiguous: bool = False
    is_open: bool = False

    @property
    def entry_price(self) -> float:
        """Average price of the entries, weighted by quantity; 0 without one."""
        return float(self.stake) / float(self.entered) if self.entered else 0.0

    @property
    def exit_price(self) -> float:
        """Average price of the exits, weighted by quantity; 0 without one."""
        return float(self.received) / float(self.left) if self.left else 0.0

    @property
    def return_frac(self) -> float:
        """Profit as a fraction of the stake; 0 without one."""
        return self.profit / float(self.stake) if self.stake else 0.0

    @property
    def duration_ns(self) -> int:
        """How long something was held, nanoseconds."""
        return self.closed - self.opened


class Line:
    """One strategy's position on one instrument, through a run.

    Figures stay `Decimal` as they came until somebody asks: a conversion costs more than all else
    that is done with a fill.
    """

    __slots__ = (
        "_before",
        "_costs",
        "_earned",
        "_entered",
        "_entry",
        "_exit",
        "_fees",
        "_fees_before",
        "_fills",
        "_held",
        "_is_ambiguous",
        "_left",
        "_most",
        "_opened",
        "_quantities",
        "_received",
        "_stake",
        "_stamps",
        "instrument",
        "strategy",
    )

    def __init__(self, strategy: str, instrument: str) -> None:
        self.strategy = strategy
        self.instrument = instrument
        self._stamps = array("q")
        self._quantities: list[Decimal] = []
        self._costs: list[Decimal] = []
        self._earned: list[Decimal] = []
        self._held = self._before = self._fees = self._fees_before = ZERO
        self._most = ZERO
        self._begin(0)

    @property
    def stamps(self) -> NDArray[np.int64]:
        """When the position changed: nanoseconds UTC, ascending, shape ``(n,)``."""
        return np.array(self._stamps, dtype=np.int64)

    @property
    def quantity(self) -> NDArray[np.float64]:
        """What was held after each change: base units, signed, shape ``(n,)``."""
        return np.array(self._quantities, dtype=np.float64)

    @property
    def cost(self) -> NDArray[np.float64]:
        """What that had cost: quote units, signed like the quantity, shape ``(n,)``."""
        return np.array(self._costs, dtype=np.float64)

    @property
    def earned(self) -> NDArray[np.float64]:
        """What closing had earned so far, after all fees: quote units, shape ``(n,)``."""
        return np.array(self._earned, dtype=np.float64)

    @property
    def fees(self) -> Decimal:
        """All fees so far, quote units."""
        return self._fees

    @property
    def is_open(self) -> bool:
        """Whether something is held."""
        return bool(self._held)

    def take(
        self, changed: PositionChanged, filled: OrderFilled | None, motive: Motive
    ) -> RoundTrip | None:
        """Take a change of the position; return the round trip that it ends.

        Args:
            changed: the position after it.
            filled: the fill that made it; None where what was left was set aside as dust.
            motive: why its order was placed.
        """
        held, before, ts = changed.quantity, self._held, changed.ts
        self._held = held
        self._fees = changed.fees
        earned = changed.realised - changed.fees
        self._stamps.append(ts)
        self._quantities.append(held)
        self._costs.append(changed.cost)
        self._earned.append(earned)
        if not before:
            self._begin(ts)
        if filled is not None:
            self._fill(filled, motive, before)
        if not held:
            return self._end(ts, before)
        if before and before.is_signed() != held.is_signed():
            trip = self._end(ts, before)
            self._turn(ts, filled, motive)
            return trip
        size = held.copy_abs()
        self._most = max(self._most, size)
        return None

    def left_open(self, *, end: int, mark: float) -> RoundTrip:
        """Return what is still held as a trip that is open.

        Args:
            end: of the run, nanoseconds UTC.
            mark: the last price, quote units.
        """
        worth = float(self._held) * mark - float(self._costs[-1])
        profit = float(self._earned[-1] - self._before) + worth
        return self._trip(end, profit, is_short=self._held < ZERO, is_open=True)

    def _begin(self, ts: int) -> None:
        self._opened = ts
        self._entered = self._stake = self._left = self._received = self._most = ZERO
        self._fills = 0
        self._entry = self._exit = _UNKNOWN
        self._is_ambiguous = False

    def _fill(self, filled: OrderFilled, motive: Motive, before: Decimal) -> None:
        fill = filled.fill
        self._fills += 1
        if filled.flags and AMBIGUOUS in filled.flags:
            self._is_ambiguous = True
        if not before:
            self._entry = motive
            self._entered = fill.quantity
            self._stake = fill.quote_amount
        elif (filled.side is _BUY) != before.is_signed():
            self._entered += fill.quantity
            self._stake += fill.quote_amount
        else:
            self._exit = motive
            size, amount = fill.quantity, fill.quote_amount
            most = before.copy_abs()
            if size > most:
                size, amount = most, most * fill.price
            self._left += size
            self._received += amount

    def _turn(self, ts: int, filled: OrderFilled | None, motive: Motive) -> None:
        """Begin the trip that a fill through zero opens with what it had left over."""
        self._begin(ts)
        self._entered = self._most = self._held.copy_abs()
        self._entry = motive
        if filled is not None:
            self._stake = self._most * filled.fill.price
            self._fills = 1

    def _end(self, ts: int, before: Decimal) -> RoundTrip:
        earned = self._earned[-1]
        # What the line had earned when it was last flat does not belong to this trip.
        profit = float(earned - self._before)
        trip = self._trip(ts, profit, is_short=before.is_signed(), is_open=False)
        self._before = earned
        self._fees_before = self._fees
        return trip

    def _trip(self, ts: int, profit: float, *, is_short: bool, is_open: bool) -> RoundTrip:
        return RoundTrip(
            self.strategy,
            self.instrument,
            self._opened,
            ts,
            profit,
            SHORT if is_short else LONG,
            self._most,
            self._entered,
            self._stake,
            self._left,
            self._received,
            self._fees - self._fees_before,
            self._fills,
            self._entry,
            self._exit,
            self._is_ambiguous,
            is_open,
        )


_UNKNOWN: Final = Motive()
