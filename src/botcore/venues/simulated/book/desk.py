"""The order desk of the venue over ticks: what the market itself refuses, beside the rules."""

from collections.abc import Mapping, Set

from botcore.domain.ids import ClientOrderId, InstrumentId
from botcore.domain.orders import OrderType
from botcore.venues.simulated.book.market import Market
from botcore.venues.simulated.config import VenueConfig
from botcore.venues.simulated.desk import OrderDesk
from botcore.venues.simulated.execution import Execution
from botcore.venues.simulated.phases import Phases
from botcore.venues.simulated.settlement import Settlement
from botcore.venues.simulated.truth import Truth
from botcore.venues.simulated.working import Order


class BookDesk(OrderDesk):
    """Refuses what needs a price where there is none, and post-only orders that would take.

    Args:
        markets: by instrument, filled as events come.
        post_only: the orders that must not take, by client id.
    """

    def __init__(
        self,
        *,
        config: VenueConfig,
        truth: Truth,
        settlement: Settlement,
        execution: Execution,
        phases: Phases,
        markets: Mapping[InstrumentId, Market],
        post_only: Set[ClientOrderId],
    ) -> None:
        super().__init__(
            config=config,
            truth=truth,
            settlement=settlement,
            execution=execution,
            phases=phases,
        )
        self._markets = markets
        self._post_only = post_only

    def _reference(self, order: Order) -> float | None:
        market = self._markets.get(order.spec.instrument)
        return None if market is None else market.reference(order.sign)

    def _market_refusal(self, order: Order, limit: int) -> str:
        """Return why the market does not take an order at `limit` ticks now (E24, E26, E27)."""
        spec = order.spec
        is_post_only = spec.client_order_id in self._post_only
        if is_post_only and (spec.type is not OrderType.LIMIT or order.is_immediate):
            return f"POST_ONLY_UNEXPECTED: {spec.type} {spec.time_in_force} cannot only rest"
        if not (order.is_market or order.is_immediate or is_post_only):
            return ""
        market = self._markets.get(spec.instrument)
        if market is None or not market.book.is_valid:
            why = "no book yet" if market is None else market.book.reason
            return f"BOOK_INVALID: {spec.instrument}: {why}"
        best = market.other_side(order.sign).best
        if best is None:
            if order.is_market:
                return f"NO_LIQUIDITY: nothing is offered against {spec.side} {spec.instrument}"
            return ""
        if is_post_only and (limit - order.scale.ticks(best)) * order.sign >= 0:
            return f"POST_ONLY: {spec.side} at {order.scale.price(limit)} would take at {best}"
        return ""
