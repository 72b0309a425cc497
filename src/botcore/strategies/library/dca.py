"""Averaging in: a fixed amount at fixed intervals or on dips, sold together at a gain."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import ClassVar, Final

import msgspec

from botcore.domain.ids import InstrumentId
from botcore.domain.intents import Intent, PlaceOrder, Reason
from botcore.domain.market import Bar
from botcore.domain.numbers import ZERO, exact
from botcore.domain.orders import OrderType, Side
from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.strategies.event import EventStrategyBase
from botcore.strategies.view import StrategyView

BPS: Final = 10_000.0
BUY_BY_TIME: Final = 1
BUY_A_DIP: Final = 2
TAKE_PROFIT: Final = 3


class Round(msgspec.Struct):
    """Purchases from flat to the sale of them all.

    Attributes:
        budget: what they may cost together, quote units.
        slot: number of the interval (since 1970) in which the last one was wanted.
        price: at which it was, quote units; 0 before the first.
        is_open: whether something was held; it is over once nothing is any more.
    """

    budget: float
    slot: int = 0
    price: float = 0.0
    is_open: bool = False


class Dca(EventStrategyBase):
    """Buy the same worth again and again, whatever the price; sell all at a gain on the average.

    An interval is a whole number of bars, counted from 1970 in UTC, so that a restart buys in none
    twice. The budget of a round is fixed when it begins; once it is spent it waits for the sale.
    """

    name: ClassVar[str] = "dca"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Buys a fixed worth at intervals or on dips, sells all at a gain."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("interval", "int", 240, 1, 100_000, "bars", "Bars from a purchase to the next."),
        Parameter("purchases", "int", 10, 1, 200, "", "Parts into which the budget is split."),
        Parameter(
            "dip_bps",
            "float",
            0,
            0,
            9_000,
            "bps",
            "Also buy this far below the last purchase, without waiting; 0 is never.",
        ),
        Parameter(
            "profit_bps",
            "float",
            300,
            0,
            100_000,
            "bps",
            "Sell all this far above the average price; 0 is never.",
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        "no reason given",
        "an interval has passed, {0:.2f} of {1:.2f} are spent: buy",
        "price is {2:.1f} bps below the last purchase, {0:.2f} of {1:.2f} are spent: buy",
        "price is {0:.1f} bps above the average of {1:.8g}: sell all",
    )

    def __init__(self, params: Mapping[str, float]) -> None:
        """Take the parameters in force."""
        super().__init__(params)
        self._rounds: dict[InstrumentId, Round] = {}

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        """Sell all at the wanted gain, else buy where it is time, or cheap enough."""
        name = bar.instrument
        if view.is_warmup or view.working(name):  # an order under way is waited for
            return []
        held, average = view.position(name), view.average_price(name)
        round_ = self._rounds.get(name)
        if held <= ZERO or average is None:
            if round_ is None or round_.is_open:
                last = 0 if round_ is None else round_.slot
                round_ = self._rounds[name] = Round(view.equity_budget(), last)
            return self._bought(bar, view, round_, spent=0.0)
        if round_ is None:  # its state was lost: it goes on, in the next interval
            round_ = Round(view.equity_budget(), self._slot(bar), bar.close)
            self._rounds[name] = round_
        round_.is_open = True
        gain_bps = (bar.close / float(average) - 1.0) * BPS
        if 0.0 < self.params["profit_bps"] <= gain_bps:
            reason = Reason(TAKE_PROFIT, (gain_bps, float(average)))
            return [_market(bar, view, Side.SELL, held, reason)]
        return self._bought(bar, view, round_, spent=float(held * average))

    def state(self) -> bytes:
        """Return the rounds."""
        return msgspec.msgpack.encode(self._rounds)

    def resume(self, state: bytes | None, downtime_ns: int) -> None:  # noqa: ARG002 – the bars say
        """Go on with the rounds."""
        try:
            self._rounds = msgspec.msgpack.decode(state or b"\x80", type=dict[InstrumentId, Round])
        except msgspec.MsgspecError:
            self._rounds = {}

    def _bought(self, bar: Bar, view: StrategyView, round_: Round, *, spent: float) -> list[Intent]:
        """Return the next purchase where one is due and paid for by the budget."""
        part = round_.budget / self.params["purchases"]
        amount = min(part, round_.budget - spent)
        slot, dip_bps = self._slot(bar), self.params["dip_bps"]
        below_bps = (1.0 - bar.close / round_.price) * BPS if round_.price else 0.0
        is_time, is_dip = slot > round_.slot, 0.0 < dip_bps <= below_bps
        if not (is_time or is_dip) or not isfinite(amount):
            return []
        # Fills at other prices than were seen leave a little; it is not worth an order of its own.
        if amount <= part / 2.0:
            return []
        round_.slot, round_.price = slot, bar.close
        code = BUY_BY_TIME if is_time else BUY_A_DIP
        quantity = exact(amount / bar.close, what="a quantity")
        reason = Reason(code, (spent, round_.budget, below_bps))
        return [_market(bar, view, Side.BUY, quantity, reason)]

    def _slot(self, bar: Bar) -> int:
        return bar.ts_close // (int(self.params["interval"]) * bar.spec.step_ns)


def _market(
    bar: Bar, view: StrategyView, side: Side, quantity: Decimal, reason: Reason
) -> PlaceOrder:
    return PlaceOrder(
        account=view.account,
        strategy=view.strategy,
        instrument=bar.instrument,
        side=side,
        type=OrderType.MARKET,
        quantity=quantity,
        reduce_only=side is Side.SELL,
        reason=reason,
    )
