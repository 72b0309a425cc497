"""What the paper venue takes and how far from the mark it fills, as its configuration says."""

from decimal import Decimal

from botcore.domain.orders import OrderType
from botcore.venues.simulated import VenueConfig

_PPM = 1_000_000
_SLIPS = frozenset({OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP})


class VenueCosts:
    """Implements `engine.ports.Costs` with the assumptions of the simulated venue.

    Args:
        config: of the venue.
    """

    def __init__(self, config: VenueConfig) -> None:
        self._taker = Decimal(config.taker_fee_ppm) / _PPM
        self._maker = Decimal(config.maker_fee_ppm) / _PPM
        self._slippage = Decimal(config.slippage_ppm) / _PPM
        words = dict(config.describe())
        self.fee_words = f"simulated venue: {words['fee']}, in {words['fee currency']}"
        self.slippage_words = f"simulated venue: {words['slippage']}"

    def fee_frac(self, kind: OrderType, *, takes: bool) -> Decimal:
        """Return the taker's fee, or the maker's where a limit rests first."""
        return self._taker if takes or kind in _SLIPS else self._maker

    def slippage_frac(self, kind: OrderType) -> Decimal:
        """Return the slippage of market and stop orders; limits have none."""
        return self._slippage if kind in _SLIPS else Decimal(0)
