"""Trades and quotes inside one bar of the simulated market.

Around each trade the quotes move twice. Just before it the touch moves to where it will trade: a
buyer lifts the ask, a seller hits the bid. Just after it the quotes stand around its price again.
The trade's price is the fair one (L. Glosten and P. Milgrom, "Bid, ask and transaction prices in a
specialist market with heterogeneously informed traders", Journal of Financial Economics 14, 1985),
so there is no bounce between bid and ask to earn: takers pay the spread, and a resting order is
filled only when the price has come to it.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.venues.simulated.market.config import Grid, InstrumentConfig
from botcore.venues.simulated.market.path import InstrumentBlock
from botcore.venues.simulated.market.streams import named_stream

_FAIR_COIN = 0.5
# A quote stands this part of a trade's slot before it and after it, within the slot.
_LEADS_PER_SLOT = 20


class AggressorSide(StrEnum):
    """Who crossed the spread in a trade."""

    BUY = "BUY"
    SELL = "SELL"


class MarketTrade(msgspec.Struct, frozen=True, tag="trade"):
    """A trade of the simulated market; price and quantity are exact on their grids.

    Attributes:
        instrument: Its instrument's id.
        ts_event: When it happened, nanoseconds UTC.
        price: Quote currency.
        quantity: Base currency.
        aggressor: Who crossed the spread.
    """

    instrument: str
    ts_event: int
    price: float
    quantity: float
    aggressor: AggressorSide


class MarketQuote(msgspec.Struct, frozen=True, tag="quote"):
    """Best prices and what rests at them; the ask is at least one tick above the bid.

    Attributes:
        instrument: Its instrument's id.
        ts_event: Since when it stands, nanoseconds UTC.
        bid: Best price to sell at, quote currency.
        ask: Best price to buy at, quote currency.
        bid_size: Base currency resting at the bid.
        ask_size: Base currency resting at the ask.
    """

    instrument: str
    ts_event: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float


MarketTick = MarketTrade | MarketQuote


class _PlacedTrade(NamedTuple):
    """A trade in ticks and lots, with what the quotes around it are made of.

    `spreads` are those before and after it; `sizes` are bid and ask before, bid and ask after.
    """

    ts: int
    price: int
    quantity: int
    is_buy: bool
    leans_down: bool
    spreads: tuple[int, int]
    sizes: tuple[int, int, int, int]


class TickMaker:
    """Puts the trades of a bar into time and quotes around them, for one instrument."""

    def __init__(self, instrument: InstrumentConfig, *, seed: int, bar_ns: int) -> None:
        """Bind the instrument and the seed of its quotes."""
        self._instrument = instrument
        self._seed = seed
        self._bar_ns = bar_ns
        self._tick = Grid.of(instrument.tick_size)
        self._lot = Grid.of(instrument.lot_size)

    def spread_ticks(self, block: InstrumentBlock, offset: int) -> float:
        """Return the typical spread of a bar in ticks, before the lower bound of one tick."""
        fraction = self._instrument.spread_bps * 1e-4
        return fraction * block.scale_ticks * float(block.volatility[offset])

    def touch_lots(self, block: InstrumentBlock, offset: int) -> float:
        """Return the mean size at the touch in lots; it thins as volatility rises."""
        price = max(block.scale_ticks, 1) * self._tick.size
        volatility = float(block.volatility[offset])
        return self._instrument.touch_notional / (price * self._lot.size * volatility)

    def make(
        self, block: InstrumentBlock, offset: int, *, bar_index: int, ts_open: int
    ) -> list[MarketTick]:
        """Return the ticks of one bar in time order, all within the bar.

        Args:
            block: The block that holds the bar.
            offset: The bar's place in the block.
            bar_index: The bar's number since the beginning of the market.
            ts_open: When the bar begins, nanoseconds UTC.
        """
        prices = block.prices[offset]
        count = len(prices)
        stream = named_stream(self._seed, f"{self._instrument.instrument}:ticks", bar_index)
        slot_ns = self._bar_ns // count
        places = 0.1 + 0.8 * stream.random(count)
        ts_trades = ts_open + slot_ns * np.arange(count) + (places * slot_ns).astype(np.int64)
        columns = (
            ts_trades.tolist(),
            prices.tolist(),
            block.quantities[offset].tolist(),
            _buys(prices, stream.random(count)).tolist(),
            (stream.random(count) < _FAIR_COIN).tolist(),
            self._spreads(block, offset, stream, (count, 2)).tolist(),
            self._sizes(block, offset, stream, (count, 4)).tolist(),
        )
        lead_ns = slot_ns // _LEADS_PER_SLOT
        return [
            tick
            for row in zip(*columns, strict=True)
            for tick in self._around(_PlacedTrade(*row), lead_ns)
        ]

    def _around(self, trade: _PlacedTrade, lead_ns: int) -> tuple[MarketTick, ...]:
        """Return the quote a trade meets, the trade and the quote it leaves."""
        price, quantity = trade.price, trade.quantity
        spread_before, spread_after = trade.spreads
        bid_size, ask_size, bid_size_after, ask_size_after = trade.sizes
        if trade.is_buy:
            bid, ask_size = price - spread_before, max(ask_size, quantity)
        else:
            bid, bid_size = price, max(bid_size, quantity)
        # An odd spread cannot be centred on a tick; a coin says to which side it leans.
        bid_after = price - (spread_after + trade.leans_down) // 2
        return (
            self._quote(trade.ts - lead_ns, bid, spread_before, bid_size, ask_size),
            MarketTrade(
                instrument=self._instrument.instrument,
                ts_event=trade.ts,
                price=self._price(price),
                quantity=self._quantity(quantity),
                aggressor=AggressorSide.BUY if trade.is_buy else AggressorSide.SELL,
            ),
            self._quote(
                trade.ts + lead_ns, bid_after, spread_after, bid_size_after, ask_size_after
            ),
        )

    def _quote(self, ts: int, bid: int, spread: int, bid_size: int, ask_size: int) -> MarketQuote:
        bid = max(bid, 1)
        return MarketQuote(
            instrument=self._instrument.instrument,
            ts_event=ts,
            bid=self._price(bid),
            ask=self._price(bid + spread),
            bid_size=self._quantity(bid_size),
            ask_size=self._quantity(ask_size),
        )

    def _spreads(
        self,
        block: InstrumentBlock,
        offset: int,
        stream: np.random.Generator,
        shape: tuple[int, int],
    ) -> NDArray[np.int64]:
        typical = self.spread_ticks(block, offset)
        ticks = np.rint(typical * (0.7 + 0.6 * stream.random(shape)))
        return np.maximum(ticks.astype(np.int64), 1)

    def _sizes(
        self,
        block: InstrumentBlock,
        offset: int,
        stream: np.random.Generator,
        shape: tuple[int, int],
    ) -> NDArray[np.int64]:
        lots = self.touch_lots(block, offset) * stream.standard_gamma(2.0, shape) / 2.0
        return np.maximum(lots.astype(np.int64), 1)

    def _price(self, ticks: int) -> float:
        return ticks * self._tick.numerator / self._tick.denominator

    def _quantity(self, lots: int) -> float:
        return lots * self._lot.numerator / self._lot.denominator


def _buys(prices: NDArray[np.int64], coins: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which trades a buyer began: those above the trade before; a coin where it is equal."""
    moves = np.diff(prices, prepend=prices[0])
    return np.where(moves == 0, coins < _FAIR_COIN, moves > 0)
