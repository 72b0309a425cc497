"""An independent witness of a session: it folds the facts by itself and holds them to I1–I20.

It shares no code with portfolio, risk or execution; only their facts and the venue's truth.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from botcore.domain.effects import Effect, Submit
from botcore.domain.events import (
    Fact,
    LedgerPosted,
    ModeChanged,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
)
from botcore.domain.ids import SECOND_NS, AccountId, ClientOrderId, Currency, InstrumentId
from botcore.domain.instruments import Instrument
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderSpec, OrderState, OrderType, Side
from botcore.execution import LEGAL
from botcore.risk import RiskLimits
from botcore.venues.simulated import SimulatedVenue

Line = tuple[str, InstrumentId]
_PLACES = {Mode.NORMAL, Mode.REDUCE_ONLY, Mode.FLATTEN}
ZERO = Decimal(0)


@dataclass
class Seen:
    """One order as its facts tell it."""

    spec: OrderSpec
    state: OrderState
    quantity: Decimal
    price: Decimal | None
    filled: Decimal = ZERO
    trades: dict[str, Decimal] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it may still trade, or may be at the venue."""
        return not self.state.is_terminal and self.state is not OrderState.HELD

    def worst_cost(self, mark: float) -> float:
        """What a buy could cost: at the mark, or at its own price where that is higher."""
        own = mark if self.price is None else float(self.price)
        return float(max(self.quantity - self.filled, ZERO)) * max(mark, own)


class Auditor:
    """Folds facts and refuses what must not be.

    Args:
        account: the one account of the session.
        instruments: rules of what is traded.
        limits: what risk promises to keep.
    """

    def __init__(
        self, account: AccountId, instruments: Iterable[Instrument], limits: RiskLimits
    ) -> None:
        self.account = account
        self.instruments = {each.id: each for each in instruments}
        self.limits = limits
        self.mode = Mode.NORMAL
        self.orders: dict[ClientOrderId, Seen] = {}
        self.positions: dict[Line, Decimal] = {}
        self.dust: dict[InstrumentId, Decimal] = {}
        self.deposits: dict[Currency, Decimal] = {}
        self.ledger: dict[Currency, Decimal] = {}
        self.placed_at: list[int] = []

    def copy(self) -> "Auditor":
        """Return a witness that can look at facts which are not committed yet."""
        other = Auditor(self.account, self.instruments.values(), self.limits)
        other.mode = self.mode
        other.orders = {
            name: Seen(o.spec, o.state, o.quantity, o.price, o.filled, dict(o.trades))
            for name, o in self.orders.items()
        }
        other.positions = dict(self.positions)
        other.dust = dict(self.dust)
        other.placed_at = list(self.placed_at)
        other.ledger, other.deposits = dict(self.ledger), dict(self.deposits)
        return other

    def take(self, facts: Iterable[Fact], effects: Iterable[Effect]) -> None:
        """Take a step: facts first, then what it asks of the world."""
        for fact in facts:
            self.fold(fact)
        for effect in effects:
            if isinstance(effect, Submit):
                self._sent(effect.order)

    def fold(self, fact: Fact) -> None:
        """Take one fact."""
        if isinstance(fact, OrderPlaced):
            self._placed(fact)
        elif isinstance(fact, OrderUpdated):
            order = self.orders[fact.client_order_id]
            self._edge(order, fact.state)
            order.quantity = fact.quantity or order.quantity
            order.price = fact.limit_price or fact.trigger_price or order.price
        elif isinstance(fact, OrderFilled):
            self._filled(fact)
        elif isinstance(fact, ModeChanged):
            assert fact.previous is self.mode
            self.mode = fact.mode
        elif isinstance(fact, LedgerPosted):
            self._posted(fact)

    def exposure(self, marks: Mapping[InstrumentId, float], instrument: InstrumentId) -> float:
        """Worst case on an instrument: what is held, and every open buy filling (I8)."""
        held = sum((q for (_, name), q in self.positions.items() if name == instrument), ZERO)
        buys = sum(
            order.worst_cost(marks[instrument])
            for order in self.orders.values()
            if order.is_open and order.spec.instrument == instrument and order.spec.side is Side.BUY
        )
        return float(held - self.dust.get(instrument, ZERO)) * marks[instrument] + buys

    def agree_with(self, venue: SimulatedVenue) -> None:
        """Hold orders, fills and balances against the venue's own truth (I1, I3, I5–I7, I10)."""
        at_venue: dict[str, dict[str, Decimal]] = {}
        for trade in venue.trades(self.account):
            lot = self.instruments[trade.instrument].lot
            at_venue.setdefault(trade.client_order_id, {})[trade.trade_id] = trade.quantity * lot
        ours = {name: order.trades for name, order in self.orders.items() if order.trades}
        assert ours == at_venue, "I10: every trade of the venue once, and no other"
        acceptances = venue.acceptances()
        assert all(times == 1 for times in acceptances.values()), "I6: one order an intent"
        assert set(acceptances) <= set(self.orders), "I7: no order without an intent"
        for order in self.orders.values():
            assert order.filled == sum(order.trades.values(), ZERO), "I5"
            assert order.filled <= order.quantity, "I5: nothing beyond the quantity"
        for currency, balance in venue.balances(self.account).items():
            assert balance.free >= 0, "I3"
            assert balance.locked >= 0, "I3"
            total = Decimal(balance.total).scaleb(-8)
            assert self.ledger.get(currency, ZERO) == total, f"I3: {currency}"

    def _placed(self, fact: OrderPlaced) -> None:
        spec = fact.order
        assert spec.client_order_id not in self.orders, "I6: an id is used once"
        if spec.parent is None:
            assert self.mode in _PLACES, f"I20: placed in {self.mode}"
            if self.mode is not Mode.NORMAL:
                assert spec.side is Side.SELL, f"I20: opened in {self.mode}"
        self._obeys_filters(spec)
        if fact.state is not OrderState.HELD:
            self.placed_at = [ts for ts in self.placed_at if fact.ts - ts < SECOND_NS] + [fact.ts]
            assert len(self.placed_at) <= self.limits.orders_per_s, "I8: order rate"
        self.orders[spec.client_order_id] = Seen(
            spec, fact.state, spec.quantity, spec.limit_price or spec.trigger_price
        )

    def _obeys_filters(self, spec: OrderSpec) -> None:
        rules = self.instruments[spec.instrument]
        assert spec.quantity > 0, "I19"
        assert spec.quantity % rules.lot == 0, "I19: on the lot grid"
        assert spec.quantity >= rules.min_quantity, "I19"
        for price in (spec.limit_price, spec.trigger_price, spec.trail):
            assert price is None or (price > 0 and price % rules.tick == 0), "I19: on the tick grid"
        has_limit = spec.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        assert (spec.limit_price is not None) is has_limit

    def _sent(self, spec: OrderSpec) -> None:
        assert self.mode is not Mode.HALT, "I20: sent in HALT"
        known = self.orders[spec.client_order_id]
        assert known.state is OrderState.INTENT, "an intent is a fact before it leaves"
        if self.mode is Mode.CANCEL_ONLY:
            assert spec.parent is not None, "I20: only what protects a fill"
            assert spec.reduce_only

    def _edge(self, order: Seen, after: OrderState) -> None:
        if after is not order.state:
            assert after in LEGAL[order.state], f"I9: {order.state} to {after}"
        order.state = after

    def _filled(self, fact: OrderFilled) -> None:
        order, fill = self.orders[fact.client_order_id], fact.fill
        self._edge(order, fact.state)
        assert fill.trade_id not in order.trades, "I10: applied once"
        order.trades[fill.trade_id] = fill.quantity
        assert fact.filled == order.filled + fill.quantity, "I5: monotone"
        order.filled = fact.filled
        if order.spec.limit_price is not None:
            limit = order.price or order.spec.limit_price
            if order.spec.type is OrderType.LIMIT:
                sign = 1 if fact.side is Side.BUY else -1
                assert sign * (limit - fill.price) >= 0, "E9: never beyond the limit"
        line = (fact.strategy, fact.instrument)
        change = fill.quantity if fact.side is Side.BUY else -fill.quantity
        if fill.fee_currency == self.instruments[fact.instrument].base:
            change -= fill.fee
        held = self.positions.get(line, ZERO) + change
        assert held >= 0, f"{line} sold what it had not"
        self.positions[line] = held

    def _posted(self, fact: LedgerPosted) -> None:
        sums: dict[Currency, Decimal] = {}
        for posting in fact.postings:
            sums[posting.currency] = sums.get(posting.currency, ZERO) + posting.amount
            if posting.ledger == f"assets:{fact.account}":
                self._hold(posting.currency, posting.amount)
            elif posting.ledger.startswith("dust:"):
                name = InstrumentId(posting.ledger.rsplit(":", 1)[1])
                if self.instruments[name].base == posting.currency:  # it is still at the venue
                    self._hold(posting.currency, posting.amount)
                    self.dust[name] = self.dust.get(name, ZERO) + posting.amount
            elif posting.ledger.startswith("external:"):
                taken = self.deposits.get(posting.currency, ZERO)
                self.deposits[posting.currency] = taken - posting.amount
        assert not any(sums.values()), "I2: a transaction adds up to nothing"

    def _hold(self, currency: Currency, amount: Decimal) -> None:
        self.ledger[currency] = self.ledger.get(currency, ZERO) + amount
