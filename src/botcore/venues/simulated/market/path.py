"""The paths of the simulated market, one block of bars at a time, in whole ticks and lots.

Prices move from trade to trade by whole ticks. A step is drawn as a real number with a symmetric
law of known size, then rounded to a neighbouring tick at random, up with the chance of its
fraction, so that rounding has no bias either: given all that happened before, the expected next
price *is* the last price. A path is therefore a martingale exactly, not in the limit of a fine
grid, and volatility, volume, spread and jumps may follow the past as they like.

Jumps are a compound Poisson process (R. Merton, "Option pricing when underlying stock returns are
discontinuous", Journal of Financial Economics 3, 1976) of symmetric sizes. Volume rises with
volatility and with the size of the step (P. Clark, "A subordinated stochastic process model",
Econometrica 41, 1973), never with its sign.
"""

import math
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.venues.simulated.market.config import S_PER_DAY, Grid, InstrumentConfig, MarketConfig
from botcore.venues.simulated.market.streams import StreamState, capture, named_stream, restore
from botcore.venues.simulated.market.volatility import VolatilityLaw

# Bounds that keep a price positive whatever is drawn; at a sane configuration neither is met.
_STEP_DIVISOR = 8
_STOP_DIVISOR = 4
# Mean of |normal|, so that the weights of volume have the mean 1.
_MEAN_ABS_NORMAL = math.sqrt(2.0 / math.pi)
# Twice the exchange's minimum, since the price may fall within the block.
_MIN_NOTIONAL_MARGIN = 2.0


class CommonState(msgspec.Struct, frozen=True):
    """The common factor where a block begins."""

    regime: int
    slow: float
    fast: float
    volatility_stream: StreamState
    returns_stream: StreamState


class InstrumentState(msgspec.Struct, frozen=True):
    """One instrument where a block begins; its price is in ticks."""

    price_ticks: int
    own: float
    volatility_stream: StreamState
    returns_stream: StreamState
    volume_stream: StreamState


@dataclass(frozen=True, slots=True, eq=False)
class CommonBlock:
    """What all instruments share in a block.

    Attributes:
        regimes: Index of each bar's regime, `(n_bars,)`.
        volatility: Product of the common factors at each bar, `(n_bars,)`.
        normals: Common part of the steps, `(n_bars, n_steps)`.
        jumps: Common jump of each bar in jump deviations, mostly zero, `(n_bars,)`.
        jump_steps: The step at which it happens, `(n_bars,)`.
    """

    regimes: NDArray[np.int64]
    volatility: NDArray[np.float64]
    normals: NDArray[np.float64]
    jumps: NDArray[np.float64]
    jump_steps: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class InstrumentBlock:
    """One instrument's trades in a block.

    Attributes:
        prices: Price of each trade in ticks, `(n_bars, trades_per_bar)`; the first trade of a bar
            repeats the last price before it.
        quantities: Quantity of each trade in lots, same shape, positive.
        volatility: Product of all factors at each bar, `(n_bars,)`; 1 = baseline.
        scale_ticks: Price where the block begins.
    """

    prices: NDArray[np.int64]
    quantities: NDArray[np.int64]
    volatility: NDArray[np.float64]
    scale_ticks: int


class CommonPath:
    """Runs the common factor block by block."""

    def __init__(self, config: MarketConfig, law: VolatilityLaw) -> None:
        """Bind the law; the path itself is in the states passed to `run`."""
        self._bars = config.bars_per_block
        self._steps = config.trades_per_bar - 1
        self._law = law

    def start(self, seed: int) -> CommonState:
        """Return the state before the first bar, drawn from the long run."""
        volatility = named_stream(seed, "common:volatility")
        return CommonState(
            regime=self._law.regimes.start(volatility),
            slow=self._law.slow.start(volatility),
            fast=self._law.fast.start(volatility),
            volatility_stream=capture(volatility),
            returns_stream=capture(named_stream(seed, "common:returns")),
        )

    def run(self, state: CommonState) -> tuple[CommonBlock, CommonState]:
        """Return the block that begins at `state`, and the state where it ends."""
        law, bars = self._law, self._bars
        volatility_stream = restore(state.volatility_stream)
        regimes, next_regime = law.regimes.run(state.regime, volatility_stream.random(bars))
        slow, next_slow = law.slow.run(state.slow, volatility_stream.standard_normal(bars))
        fast, next_fast = law.fast.run(state.fast, volatility_stream.standard_normal(bars))
        returns_stream = restore(state.returns_stream)
        normals = returns_stream.standard_normal((bars, self._steps))
        jumps, jump_steps = draw_jumps(
            returns_stream, law.regimes.jumps_per_bar[regimes], self._steps
        )
        block = CommonBlock(
            regimes=regimes,
            volatility=law.regimes.volatility[regimes] * np.exp(slow + fast),
            normals=normals,
            jumps=jumps,
            jump_steps=jump_steps,
        )
        return block, CommonState(
            regime=next_regime,
            slow=next_slow,
            fast=next_fast,
            volatility_stream=capture(volatility_stream),
            returns_stream=capture(returns_stream),
        )


class InstrumentPath:
    """Runs one instrument block by block, given the common factor."""

    def __init__(
        self, config: MarketConfig, instrument: InstrumentConfig, law: VolatilityLaw
    ) -> None:
        """Bind the law; the path itself is in the states passed to `run`."""
        self._bars = config.bars_per_block
        self._trades = config.trades_per_bar
        self._steps = config.trades_per_bar - 1
        self._law = law
        self._instrument = instrument
        self._tick = Grid.of(instrument.tick_size)
        self._lot = Grid.of(instrument.lot_size)
        self._step_volatility = law.second_volatility(instrument) * math.sqrt(
            config.bar_s / self._steps
        )
        self._jump_volatility = law.second_volatility(instrument) * law.jump_scale
        self._own_loading = math.sqrt(1.0 - instrument.common_loading**2)
        self._volume_noise_sd = config.volume_noise_sd
        self._trade_lots = (
            instrument.daily_volume * config.bar_s / S_PER_DAY / self._trades / self._lot.size
        )

    def start(self, seed: int) -> InstrumentState:
        """Return the state before the first bar: the start price, volatility of the long run."""
        name = self._instrument.instrument
        volatility = named_stream(seed, f"{name}:volatility")
        return InstrumentState(
            price_ticks=self._tick.steps(self._instrument.start_price),
            own=self._law.own.start(volatility),
            volatility_stream=capture(volatility),
            returns_stream=capture(named_stream(seed, f"{name}:returns")),
            volume_stream=capture(named_stream(seed, f"{name}:volume")),
        )

    def run(
        self, state: InstrumentState, common: CommonBlock
    ) -> tuple[InstrumentBlock, InstrumentState]:
        """Return the block that begins at `state`, and the state where it ends."""
        volatility_stream = restore(state.volatility_stream)
        own, next_own = self._law.own.run(state.own, volatility_stream.standard_normal(self._bars))
        volatility = common.volatility * np.exp(own)
        returns_stream = restore(state.returns_stream)
        returns = self._returns(returns_stream, common, volatility)
        steps = unbiased_ticks(returns, state.price_ticks, returns_stream)
        prices = self._prices(state.price_ticks, steps)
        volume_stream = restore(state.volume_stream)
        block = InstrumentBlock(
            prices=prices,
            quantities=self._quantities(volume_stream, steps, volatility, state.price_ticks),
            volatility=volatility,
            scale_ticks=state.price_ticks,
        )
        return block, InstrumentState(
            price_ticks=int(prices[-1, -1]),
            own=next_own,
            volatility_stream=capture(volatility_stream),
            returns_stream=capture(returns_stream),
            volume_stream=capture(volume_stream),
        )

    def _returns(
        self,
        stream: np.random.Generator,
        common: CommonBlock,
        volatility: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        loading = self._instrument.common_loading
        returns = stream.standard_normal((self._bars, self._steps))
        returns *= self._own_loading
        returns += loading * common.normals
        returns *= (self._step_volatility * volatility)[:, np.newaxis]
        intensity = self._law.regimes.jumps_per_bar[common.regimes]
        jumps, jump_steps = draw_jumps(stream, intensity, self._steps)
        bars = np.arange(self._bars)
        size = self._jump_volatility * volatility
        returns[bars, jump_steps] += self._own_loading * size * jumps
        returns[bars, common.jump_steps] += loading * size * common.jumps
        return returns

    def _prices(self, start: int, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        moves = np.zeros((self._bars, self._trades), dtype=np.int64)
        moves[:, 1:] = steps
        prices = start + np.cumsum(moves).reshape(moves.shape)
        return stopped(prices, start // _STOP_DIVISOR)

    def _quantities(
        self,
        stream: np.random.Generator,
        steps: NDArray[np.int64],
        volatility: NDArray[np.float64],
        price_ticks: int,
    ) -> NDArray[np.int64]:
        sd = self._volume_noise_sd
        noise = np.exp(sd * stream.standard_normal(self._bars) - 0.5 * sd * sd)
        lots = stream.standard_exponential((self._bars, self._trades))
        typical = price_ticks * self._step_volatility * volatility * _MEAN_ABS_NORMAL
        surprise = np.abs(steps) / np.maximum(typical, 1.0)[:, np.newaxis]
        lots[:, 1:] *= 0.5 + 0.5 * np.minimum(surprise, 10.0)
        lots *= (self._trade_lots * volatility * noise)[:, np.newaxis]
        price = max(price_ticks, 1) * self._tick.size
        least = math.ceil(
            _MIN_NOTIONAL_MARGIN * float(self._instrument.min_notional) / (price * self._lot.size)
        )
        return np.maximum(lots.astype(np.int64), least)


def draw_jumps(
    stream: np.random.Generator, intensity: NDArray[np.float64], steps: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the jump of each bar in jump deviations (zero mostly), and the step it happens at.

    Several jumps in one bar fall on one step, with their summed variance.

    Args:
        stream: Where the chances come from.
        intensity: Mean number of jumps in each bar, `(n_bars,)`.
        steps: Steps in a bar.
    """
    counts = stream.poisson(intensity)
    sizes = stream.standard_normal(len(intensity)) * np.sqrt(counts)
    places = (stream.random(len(intensity)) * steps).astype(np.int64)
    return sizes, places


def unbiased_ticks(
    returns: NDArray[np.float64], price_ticks: int, stream: np.random.Generator
) -> NDArray[np.int64]:
    """Return each return as whole ticks of a price, rounded at random without bias.

    The expectation of the result is the return times the price, cut symmetrically at an eighth.

    Args:
        returns: Returns as fractions, any shape.
        price_ticks: The price they are fractions of, in ticks.
        stream: Where the chances of rounding come from.
    """
    bound = float(price_ticks // _STEP_DIVISOR)
    moves = np.clip(returns * price_ticks, -bound, bound)
    moves += stream.random(returns.shape)
    # Cut at a whole number, a bounded move stays there: adding less than 1 does not pass it.
    return np.floor(moves, out=moves).astype(np.int64)


def stopped(prices: NDArray[np.int64], level: int) -> NDArray[np.int64]:
    """Return the path held for the rest of its block from its first price at or below `level`.

    A martingale stopped at a time that only the past decides is a martingale, and a step is at
    most an eighth of the block's first price, so a path stopped at a quarter stays positive.
    """
    if level < prices.min():
        return prices
    flat = prices.ravel()
    first = int(np.argmax(flat <= level))
    held = flat.copy()
    held[first:] = flat[first]
    return held.reshape(prices.shape)
