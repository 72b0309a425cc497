"""One order as we know it: the fold of its facts."""

from decimal import ROUND_CEILING, Decimal

import msgspec

from botcore.domain.events import OrderFilled, OrderPlaced, OrderUpdated
from botcore.domain.ids import ClientOrderId, Currency, TradeId, VenueOrderId
from botcore.domain.numbers import MONEY, QUANTUM, ZERO
from botcore.domain.orders import TERMINAL, OrderRef, OrderSpec, OrderState, Side
from botcore.execution.states import LEGAL, check_edge

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_SENDING = OrderState.SENDING
_BUY = Side.BUY


class Order(msgspec.Struct, eq=False, gc=False):
    """An order's specification, state and fills. Changed by folding its facts, nothing else.

    Thousands are remembered: none refers to another, so the garbage collector need not see them.

    Attributes:
        spec: as it was placed.
        quantity, limit_price, trigger_price: as they stand after replaces.
        filled: Σ of its fills; may exceed `quantity` (overfill, E36).
        cumulative_seen: the venue's own counts after its fills (a dict, for the collector's sake),
            and the highest of them (E35).
        locked: what is still reserved for it, in `reserve_currency`; 0 once terminal.
        cancel_owed: a cancel was asked for and the order is not proven terminal.
        cancel_attempts: how often; every time is a fact.
        fees: what its fills cost, by currency; kept only where exits hang on it.
    """

    spec: OrderSpec
    state: OrderState
    quantity: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    reserve: Decimal
    reserve_currency: Currency
    locked: Decimal
    sign: int
    filled: Decimal = ZERO
    sent_at: int = 0
    venue_order_id: VenueOrderId | None = None
    cancel_owed: bool = False
    cancel_attempts: int = 0
    replace_pending: bool = False
    is_terminal: bool = False
    fills: dict[TradeId, tuple[Decimal, Decimal]] = {}
    cumulative_seen: dict[Decimal, None] = {}
    cumulative_highest: Decimal = ZERO
    children: tuple[ClientOrderId, ...] = ()
    fees: dict[Currency, Decimal] = {}

    @classmethod
    def of(cls, placed: OrderPlaced) -> "Order":
        """Return the order that a fact placed."""
        spec = placed.order
        return cls(
            spec,
            placed.state,
            spec.quantity,
            spec.limit_price,
            spec.trigger_price,
            placed.reserve,
            placed.reserve_currency,
            placed.reserve,
            1 if spec.side is _BUY else -1,
        )

    @property
    def id(self) -> ClientOrderId:
        """Our name for it."""
        return self.spec.client_order_id

    @property
    def leaves(self) -> Decimal:
        """Quantity that may still fill: 0 once terminal."""
        if self.is_terminal:
            return ZERO
        if not self.filled:
            return self.quantity
        left = self.quantity - self.filled
        return left if left > ZERO else ZERO

    @property
    def overfill(self) -> Decimal:
        """How much filled beyond the order's quantity."""
        beyond = self.filled - self.quantity
        return beyond if beyond > 0 else ZERO

    @property
    def standing(self) -> OrderSpec:
        """Its specification as it stands, after replaces."""
        return msgspec.structs.replace(
            self.spec,
            quantity=self.quantity,
            limit_price=self.limit_price,
            trigger_price=self.trigger_price,
        )

    @property
    def ref(self) -> OrderRef:
        """Enough to find it at the venue."""
        return OrderRef(self.spec.client_order_id, self.spec.instrument, self.spec.account)

    def fold_update(self, fact: OrderUpdated) -> None:
        """Apply a change without a fill."""
        before, state = self.state, fact.state
        if state is not before:
            if state not in LEGAL[before]:
                check_edge(fact.client_order_id, before, state)
            self.state = state
            if state is _SENDING:
                self.sent_at = fact.ts
        elif fact.cancel_owed:
            self.cancel_attempts += 1
        self.cancel_owed = fact.cancel_owed
        self.replace_pending = fact.replace_pending
        if fact.venue_order_id is not None:
            self.venue_order_id = fact.venue_order_id
        if fact.quantity is not None or fact.limit_price or fact.trigger_price:
            self._change(fact)
            self.settle()
        elif state in TERMINAL:
            self.settle()

    def fold_fill(self, fact: OrderFilled) -> None:
        """Apply one execution."""
        if fact.state not in LEGAL[self.state]:
            check_edge(fact.client_order_id, self.state, fact.state)
        fill = fact.fill
        self.fills[fill.trade_id] = (fill.price, fill.quantity)
        if self.children:
            self.fees[fill.fee_currency] = self.fees.get(fill.fee_currency, ZERO) + fill.fee
        self.filled = fact.filled
        self.state = fact.state
        cumulative = fact.cumulative
        if cumulative is not None:
            self.cumulative_seen[cumulative] = None
            if cumulative > self.cumulative_highest:  # noqa: PLR1730  # max() costs twice as much
                self.cumulative_highest = cumulative
        if fact.venue_order_id is not None:
            self.venue_order_id = fact.venue_order_id
        self.settle()

    def _change(self, fact: OrderUpdated) -> None:
        """Take a replace; a buy's reserve goes with its quantity and the price it stands for."""
        before = self.limit_price or self.trigger_price
        old = self.quantity
        if fact.quantity is not None:
            self.quantity = fact.quantity
        self.limit_price = fact.limit_price or self.limit_price
        self.trigger_price = fact.trigger_price or self.trigger_price
        after = self.limit_price or self.trigger_price
        reserve = self.reserve * self.quantity / old
        if before and after and self.sign > 0:
            reserve = reserve * after / before
        self.reserve = reserve.quantize(QUANTUM, ROUND_CEILING, MONEY)

    def settle(self) -> None:
        """Derive what follows from state, quantity and fills: terminal or not, and the lock."""
        if self.state in TERMINAL:
            self.is_terminal = True
            self.cancel_owed = False
            self.replace_pending = False
            self.locked = ZERO
            return
        self.is_terminal = False
        if self.filled:
            share = self.reserve * self.leaves / self.quantity
            self.locked = share.quantize(QUANTUM, ROUND_CEILING, MONEY)
        else:
            self.locked = self.reserve
