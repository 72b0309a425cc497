"""Round trips: a strategy's ways from flat to flat, folded from what was booked, exactly.

Unlike a backtest's, they are kept as long as the platform runs, and so they are folded on from
where the last question left them, and only the newest closed ones are remembered.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from botcore.control.history_port import Execution, Movement, SetAside
from botcore.domain.numbers import EXACT, MONEY, ZERO
from botcore.domain.orders import Side
from botcore.portfolio.amounts import to_quantum

KEPT: Final = 10_000
"""How many closed round trips are remembered; older ones are forgotten, the oldest first."""

_add = EXACT.add
_subtract = EXACT.subtract


class RoundTrip:
    """One way from flat to flat; amounts in quote units.

    Attributes:
        number, last: of its first and its newest movement.
        opened, closed: stamps of its first and its newest execution.
        sign: +1 long, -1 short.
        held: base units now; `most`: the largest it was.
        entered, stake: base units of the entries, and what they cost before fees.
        left, received: base units of the exits, and what they brought before fees.
        fees: quote value of those paid in quote and base; `others`: what was paid in others.
        money: received less paid, after fees in quote, and the cost of what was set aside.
        executions: how many.
        first_order, last_order: of the first entry, and of the last exit (empty before it).
    """

    __slots__ = (
        "closed",
        "entered",
        "executions",
        "fees",
        "first_order",
        "held",
        "instrument",
        "last",
        "last_order",
        "left",
        "money",
        "most",
        "number",
        "opened",
        "others",
        "quote",
        "received",
        "sign",
        "stake",
        "strategy",
    )

    def __init__(self, first: Execution, sign: int) -> None:
        self.number = self.last = first.number
        self.opened = self.closed = int(first.ts)
        self.strategy = first.strategy
        self.instrument = first.instrument
        self.quote = first.quote
        self.sign = sign
        self.first_order = first.order_id
        self.last_order = ""
        self.executions = 0
        self.held = self.most = ZERO
        self.entered = self.stake = ZERO
        self.left = self.received = ZERO
        self.fees = self.money = ZERO
        self.others: dict[str, Decimal] = {}

    @property
    def is_open(self) -> bool:
        """Whether anything is held."""
        return bool(self.held)

    @property
    def profit(self) -> Decimal | None:
        """After fees in quote and base; None while it is open."""
        return None if self.held else self.money

    def take(self, execution: Execution, quantity: Decimal, amount: Decimal) -> None:
        """Take an execution, or the part of one that belongs here, without its fee."""
        self.last, self.closed = execution.number, int(execution.ts)
        self.executions += 1
        is_buy = execution.side is Side.BUY
        self.money = _subtract(self.money, amount) if is_buy else _add(self.money, amount)
        self.held = _add(self.held, quantity) if is_buy else _subtract(self.held, quantity)
        if is_buy == (self.sign > 0):
            self.entered = _add(self.entered, quantity)
            self.stake = _add(self.stake, amount)
        else:
            self.left = _add(self.left, quantity)
            self.received = _add(self.received, amount)
            self.last_order = execution.order_id
        self._measure()

    def charge(self, execution: Execution) -> None:
        """Take an execution's fee: in quote from the money, in base from what is held."""
        fee, currency = execution.fee, execution.fee_currency
        if not fee:
            return
        if currency == execution.quote:
            self.fees = _add(self.fees, fee)
            self.money = _subtract(self.money, fee)
        elif currency == execution.base:
            price = MONEY.divide(execution.quote_amount, execution.quantity)
            self.fees = _add(self.fees, to_quantum(MONEY.multiply(fee, price)))
            self.held = _subtract(self.held, fee)
            self._measure()
        else:
            self.others[currency] = _add(self.others.get(currency, ZERO), fee)

    def set_aside(self, aside: SetAside) -> None:
        """Take what was set aside with its cost; what comes back (negative) likewise."""
        self.last = aside.number
        self.held = _subtract(self.held, aside.quantity)
        self.money = _add(self.money, aside.cost)
        self._measure()

    def _measure(self) -> None:
        self.most = max(self.most, abs(self.held))


class RoundTrips:
    """All round trips of one account, as far as its movements were taken.

    Args:
        kept: how many closed ones are remembered.
    """

    def __init__(self, *, kept: int = KEPT) -> None:
        self._open: dict[tuple[str, str], RoundTrip] = {}
        self.closed: deque[RoundTrip] = deque(maxlen=kept)
        self.number = 0

    @property
    def open(self) -> tuple[RoundTrip, ...]:
        """Those that are not closed, in the order in which they began."""
        return tuple(sorted(self._open.values(), key=lambda trip: trip.number))

    def take(self, movements: Iterable[Movement]) -> None:
        """Take the movements that follow those taken before."""
        for movement in movements:
            self.number = movement.number
            if isinstance(movement, Execution):
                self._execution(movement)
            elif isinstance(movement, SetAside):
                self._set_aside(movement)

    def find(self, number: int) -> RoundTrip | None:
        """Return the one that began with a movement, None where it is not remembered."""
        for trip in (*self._open.values(), *self.closed):
            if trip.number == number:
                return trip
        return None

    def _execution(self, execution: Execution) -> None:
        line = execution.strategy, execution.instrument
        sign = 1 if execution.side is Side.BUY else -1
        quantity, amount = execution.quantity, execution.quote_amount
        trip = self._open.get(line)
        if trip is not None and trip.sign != sign and quantity > abs(trip.held):
            # It closes what is held and opens the other way: what was paid is split by quantity.
            closing = abs(trip.held)
            part = to_quantum(MONEY.divide(MONEY.multiply(amount, closing), quantity))
            trip.take(execution, closing, part)
            self._close(line)
            quantity, amount = _subtract(quantity, closing), _subtract(amount, part)
            trip = None
        if trip is None:
            trip = self._open[line] = RoundTrip(execution, sign)
        trip.take(execution, quantity, amount)
        trip.charge(execution)
        if not trip.held:
            self._close(line)

    def _set_aside(self, aside: SetAside) -> None:
        line = aside.strategy, aside.instrument
        trip = self._open.get(line)
        if trip is None:
            return
        trip.set_aside(aside)
        if not trip.held:
            self._close(line)

    def _close(self, line: tuple[str, str]) -> None:
        self.closed.append(self._open.pop(line))
