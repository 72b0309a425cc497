"""From a signal strategy's weight to an order, if one is needed and none is under way (P14)."""

from decimal import Decimal

from botcore.domain.events import OrderDenied, SignalGenerated
from botcore.domain.ids import Nanos
from botcore.domain.intents import PlaceOrder, Reason, Target
from botcore.domain.keys import Key
from botcore.domain.numbers import ZERO, exact
from botcore.domain.orders import OrderType, Side
from botcore.engine.desk import Desk
from botcore.engine.slots import SignalSlot

# Python 3.11 looks a member of an enum up slowly: what every order asks for is looked up once.
_BUY, _SELL, _MARKET = Side.BUY, Side.SELL, OrderType.MARKET


class Targets:
    """Brings signal strategies to their targets.

    Args:
        desk: where orders go.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pursue(self, slot: SignalSlot, weight: float, key: Key) -> None:
        """Turn a target into an order, if one is needed and none is under way (P14)."""
        view = self._desk.view
        instrument = view.instrument(slot.instrument)
        mark = view.mark(slot.instrument)
        if mark is None:
            slot.outcome = "NO_PRICE"
            return
        price = exact(mark, what="a mark")
        sizing = slot.sizing
        target = sizing.target_quantity(
            weight,
            equity=view.equity_exact(slot.account) if sizing.needs_equity else ZERO,
            price=price,
            lot=instrument.lot,
            spread=0.0 if slot.spread is None else slot.spread.value,
        )
        position = slot.position.quantity
        if position * target < ZERO:  # a flip is two orders: close, and open once that has filled
            target = ZERO
        delta = target - position
        if slot.working_orders:
            self._wait_or_cancel(slot, delta, key)
            return
        size = abs(delta)
        if size < instrument.lot or (target != ZERO and size * price < instrument.min_notional):
            slot.outcome = "TOO_SMALL"
            return
        memory = slot.runner.memory
        reason = Reason(int(memory[0]), tuple(memory[1:5]))
        if weight != slot.signalled:
            slot.signal(weight)
            self._desk.out.facts.append(
                SignalGenerated(
                    slot.account, slot.strategy, slot.instrument, Nanos(key.ts), weight, 1.0, reason
                )
            )
        reduces = position != ZERO and (position > ZERO) is not (delta > ZERO)
        order = PlaceOrder(
            account=slot.account,
            strategy=slot.strategy,
            instrument=slot.instrument,
            side=_BUY if delta > ZERO else _SELL,
            type=_MARKET,
            quantity=size,
            reduce_only=reduces and size <= abs(position),
            reason=reason,
        )
        denied = self._desk.place(order, key)
        if denied is None:
            slot.outcome = ""
        elif denied.code != slot.outcome:  # a standing no is said once, not at every bar
            slot.outcome = denied.code
            self._desk.out.facts.append(OrderDenied(slot.account, denied))

    def _wait_or_cancel(self, slot: SignalSlot, delta: Decimal, key: Key) -> None:
        """Let a working order work, unless the target now lies on its other side."""
        if delta != ZERO and (slot.working > ZERO) is (delta > ZERO):
            slot.outcome = "WORKING"
            return
        slot.outcome = "CANCELLING"
        cancelled = self._desk.execution.cancel_all(
            slot.account,
            at=key,
            strategy=slot.strategy,
            instrument=slot.instrument,
            detail="the target changed",
        )
        self._desk.take(cancelled, key)


def signalled(target: Target, key: Key) -> SignalGenerated:
    """Return the fact that a strategy asked for an exposure that it does not have."""
    return SignalGenerated(
        target.account,
        target.strategy,
        target.instrument,
        Nanos(key.ts),
        target.weight,
        target.confidence,
        target.reason,
    )
