"""What became of decisions: orders and denials, remembered by the bar that was decided on."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from botcore.domain.decisions import Denied
from botcore.domain.events import Fact, OrderDenied, OrderPlaced
from botcore.domain.ids import ClientOrderId, InstrumentId, Nanos, StrategyId
from botcore.domain.orders import OrderState
from botcore.domain.questions import DECISIONS_MAX, Decisions, DecisionSeen, DecisionsOf
from botcore.engine.decisions import DecisionRow
from botcore.engine.slots import SignalSlot
from botcore.risk import DENIALS, sentence
from botcore.strategies import render_reason

OUTCOMES_KEPT: Final = 20_000
WORDS: Final = {
    "WORKING": "an order is working",
    "CANCELLING": "the target changed: its order is being cancelled",
    "TOO_SMALL": "the order would be too small to send",
    "NO_PRICE": "no price is known",
}
_NUMBERS: Final = re.compile(r"\{(?:value|limit|detail)[^}]*\}")

Place = tuple[StrategyId, InstrumentId, int]
"""Strategy, instrument and the close of the bar decided on."""


class DecisionOutcomes:
    """Orders and denials of the newest decisions, folded from facts as they pass.

    Args:
        kept: how many decisions with an outcome are remembered, the newest.
    """

    def __init__(self, *, kept: int = OUTCOMES_KEPT) -> None:
        self._kept = kept
        self._orders: dict[Place, tuple[ClientOrderId, ...]] = {}
        self._denied: dict[Place, Denied] = {}

    def add(self, fact: Fact) -> None:
        """Take a fact."""
        if isinstance(fact, OrderPlaced):
            if fact.state is not OrderState.HELD:
                place = (fact.order.strategy, fact.order.instrument, fact.ts)
                known = self._orders.get(place, ())
                self._orders[place] = (*known, fact.order.client_order_id)
                _bounded(self._orders, self._kept)
        elif isinstance(fact, OrderDenied):
            denied = fact.denied
            self._denied[denied.strategy, denied.instrument, denied.ts] = denied
            _bounded(self._denied, self._kept)

    def orders(self, place: Place) -> tuple[ClientOrderId, ...]:
        """Return what a decision placed."""
        return self._orders.get(place, ())

    def denied(self, place: Place) -> Denied | None:
        """Return why a decision was denied, None if it was not."""
        return self._denied.get(place)


def decisions_of(question: DecisionsOf, slot: SignalSlot, outcomes: DecisionOutcomes) -> Decisions:
    """Return the newest decisions of a slot, as the question asks for them."""
    limit = min(max(1, question.limit), DECISIONS_MAX)
    rows = list(islice(_newest(slot, question.before), limit + 1))
    newest = slot.log.row(-1).ts if len(slot.log) else None
    return Decisions(
        strategy=question.strategy,
        instrument=question.instrument,
        items=tuple(_seen(slot, row, outcomes, is_newest=row.ts == newest) for row in rows[:limit]),
        has_more=len(rows) > limit,
    )


def wish_of(weight: float) -> str:
    """Return a weight in a word: ``long``, ``flat``, ``short`` or ``no view``."""
    if weight != weight:  # noqa: PLR0124  # NaN is "no view"
        return "no view"
    return "long" if weight > 0 else "short" if weight < 0 else "flat"


def outcome_words(outcome: str) -> str:
    """Put the engine's word on a wish into a sentence; a denial's numbers stand in the journal."""
    if outcome in DENIALS:
        return "denied: " + _NUMBERS.sub("…", DENIALS[outcome])
    return WORDS.get(outcome, outcome)


def _newest(slot: SignalSlot, before: int | None) -> Iterator[DecisionRow]:
    for at in range(len(slot.log) - 1, -1, -1):
        row = slot.log.row(at)
        if before is None or row.ts < before:
            yield row


def _seen(
    slot: SignalSlot, row: DecisionRow, outcomes: DecisionOutcomes, *, is_newest: bool
) -> DecisionSeen:
    place = (slot.strategy, slot.instrument, row.ts)
    orders, denied = outcomes.orders(place), outcomes.denied(place)
    if orders:
        outcome = f"placed {', '.join(orders)}"
    elif denied is not None:
        outcome = f"denied: {sentence(denied)}"
    else:
        outcome = outcome_words(slot.outcome) if is_newest else ""
    code = denied.code if denied is not None else ""
    if is_newest and not code and slot.outcome in DENIALS:
        code = slot.outcome
    has_view = row.weight == row.weight  # NaN is "no view"
    return DecisionSeen(
        ts=Nanos(row.ts),
        wish=wish_of(row.weight),
        weight=row.weight if has_view else None,
        reason=render_reason(slot.runner.strategy, row.code, row.operands),
        code=row.code,
        operands=row.operands,
        outcome=outcome,
        denied=code,
        orders=orders,
    )


def _bounded(kept: dict[Place, Any], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
