"""Figures counted from the engine's facts as they are heard, since this process began."""

import threading
from collections import Counter, OrderedDict
from decimal import Decimal
from typing import Final

from botcore.domain.events import (
    Fact,
    LedgerPosted,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    ProtectionLocked,
    RiskAlert,
    SignalGenerated,
    StrategyQuarantined,
)
from botcore.domain.numbers import ZERO
from botcore.domain.orders import Liquidity, OrderState, Side
from botcore.observability import catalogue as c
from botcore.observability.sheet import Histogram, Sheet

OUTCOMES: Final = {
    OrderState.ACCEPTED: "accepted",
    OrderState.FILLED: "filled",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "expired",
    OrderState.EXPIRED_IN_MATCH: "expired",
    OrderState.REJECTED: "rejected",
    OrderState.NOT_SENT: "not_sent",
    OrderState.NOT_ACCEPTED: "not_accepted",
    OrderState.IN_DOUBT: "in_doubt",
}
INVARIANTS: Final = ("unbalanced", "overfilled")
"""``unbalanced``: the postings of a currency do not add up to zero; ``overfilled``: more was filled
than ordered."""
DISCREPANCIES: Final = {
    "ORDER_UNKNOWN": "order",
    "ORDER_ALIVE": "order",
    "REPORT_MISMATCH": "order",
    "REPORT_IMPOSSIBLE": "order",
    "REPORT_MALFORMED": "order",
    "ORDER_OVERFILLED": "fill",
    "FILL_NOISY_DUPLICATE": "fill",
}
"""Alert of the engine → what of ours the venue had otherwise."""
SLIPPAGE_BPS: Final = (-200.0, -100.0, -50.0, -20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 30.0, 50.0)
_SLIPPAGE_BOUNDS: Final = (*SLIPPAGE_BPS, 100.0, 200.0)
_ORDERS_KEPT: Final = 20_000


class FactFigures:
    """Counts facts; `on_fact` and `on_lost` may be called on another thread than the rest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: Counter[str] = Counter()
        self._lost = 0
        self._intents: Counter[tuple[str, str, str]] = Counter()
        self._orders: Counter[str] = Counter(dict.fromkeys(OUTCOMES.values(), 0))
        self._rules: Counter[str] = Counter()
        self._alerts: Counter[str] = Counter()
        self._modes: Counter[str] = Counter()
        self._locks: Counter[str] = Counter()
        self._signals: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        kinds = dict.fromkeys(DISCREPANCIES.values(), 0)
        self._discrepancies: Counter[str] = Counter(kinds)
        self._invariants: Counter[str] = Counter(dict.fromkeys(INVARIANTS, 0))
        self._fills: Counter[str] = Counter(dict.fromkeys((each.lower() for each in Liquidity), 0))
        self._notional: dict[str, float] = {each.lower(): 0.0 for each in Liquidity}
        self._slippage = {side.lower(): Histogram(_SLIPPAGE_BOUNDS) for side in Side}
        self._states: OrderedDict[str, tuple[OrderState, float]] = OrderedDict()

    def on_fact(self, _lsn: int, fact: Fact) -> None:
        """Take a fact; each once."""
        with self._lock:
            self._facts[type(fact).__name__] += 1
            self._count(fact)

    def on_lost(self, _lost: object) -> None:
        """Take that facts did not come: what they would have counted is not counted."""
        with self._lock:
            self._lost += 1

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        with self._lock:
            sheet.add(c.FACTS_LOST, self._lost)
            for name, count in self._facts.items():
                sheet.add(c.FACTS, count, name)
            for labels, count in self._intents.items():
                sheet.add(c.INTENTS, count, *labels)
            for spec, counted in (
                (c.ORDERS, self._orders),
                (c.FILLS, self._fills),
                (c.REJECTIONS, self._rules),
                (c.RISK_ALERTS, self._alerts),
                (c.MODE_CHANGES, self._modes),
                (c.LOCKS, self._locks),
                (c.STRATEGY_SIGNALS, self._signals),
                (c.STRATEGY_ERRORS, self._errors),
                (c.RECONCILE_DISCREPANCIES, self._discrepancies),
                (c.INVARIANTS, self._invariants),
            ):
                for label, count in counted.items():
                    sheet.add(spec, count, label)
            for liquidity, amount in self._notional.items():
                sheet.add(c.NOTIONAL, amount, liquidity)
            for side, slippage in self._slippage.items():
                sheet.add_histogram(c.SLIPPAGE, slippage, side)

    def _count(self, fact: Fact) -> None:
        if isinstance(fact, OrderPlaced):
            order = fact.order
            self._intents[order.strategy, order.side.lower(), order.type.lower()] += 1
            self._states[order.client_order_id] = (fact.state, fact.decision_price)
            if len(self._states) > _ORDERS_KEPT:
                self._states.popitem(last=False)
        elif isinstance(fact, OrderUpdated):
            self._became(fact.client_order_id, fact.state)
        elif isinstance(fact, OrderFilled):
            self._filled(fact)
        elif isinstance(fact, OrderDenied):
            self._rules[fact.denied.code] += 1
        elif isinstance(fact, LedgerPosted):
            self._invariants["unbalanced"] += _is_unbalanced(fact)
        elif isinstance(fact, RiskAlert):
            self._alerts[fact.code] += 1
            kind = DISCREPANCIES.get(fact.code)
            if kind is not None:
                self._discrepancies[kind] += 1
        elif isinstance(fact, SignalGenerated):
            self._signals[fact.strategy] += 1
        elif isinstance(fact, StrategyQuarantined):
            self._errors[fact.strategy] += 1
        elif isinstance(fact, ModeChanged):
            self._modes[fact.mode.lower()] += 1
        elif isinstance(fact, ProtectionLocked):
            self._locks[fact.kind] += 1

    def _filled(self, fact: OrderFilled) -> None:
        fill = fact.fill
        self._fills[fill.liquidity.lower()] += 1
        self._notional[fill.liquidity.lower()] += float(fill.quote_amount)
        self._invariants["overfilled"] += fact.overfill > ZERO
        decided = self._states.get(fact.client_order_id, (fact.state, 0.0))[1]
        if decided > 0:
            worse = fact.side.sign * (float(fill.price) - decided) / decided
            self._slippage[fact.side.lower()].add(worse * 10_000)
        self._became(fact.client_order_id, fact.state)

    def _became(self, order: str, state: OrderState) -> None:
        """Count a state that an order was not in before."""
        known = self._states.get(order)
        if known is not None:
            if known[0] is state:
                return
            self._states[order] = (state, known[1])
        if state.is_terminal:
            self._states.pop(order, None)
        outcome = OUTCOMES.get(state)
        if outcome is not None:
            self._orders[outcome] += 1


def _is_unbalanced(fact: LedgerPosted) -> bool:
    sums: dict[str, Decimal] = {}
    for posting in fact.postings:
        sums[posting.currency] = sums.get(posting.currency, ZERO) + posting.amount
    return any(sums.values())
