"""The volatility of the simulated market: a chain of regimes times log-normal factors.

log volatility = log regime + slow factor + fast factor (all common) + a fast factor of its own.
Each factor is a stationary Ornstein-Uhlenbeck process seen at the bars (S. Taylor, "Modelling
Financial Time Series", 1986; several horizons after F. Corsi, "A simple approximate long-memory
model of realized volatility", Journal of Financial Econometrics 7, 2009). Volatility within a bar
is known when the bar begins and is drawn apart from the returns, so it carries no direction.
"""

import bisect
import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from botcore.venues.simulated.market.config import (
    S_PER_DAY,
    S_PER_YEAR,
    InstrumentConfig,
    MarketConfig,
)

_JUMP_UNIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Factor:
    """A stationary AR(1) of mean zero, one step a bar: x' = keep * x + push * normal."""

    keep: float
    push: float
    sd: float

    @classmethod
    def of(cls, *, relaxation_s: float, sd: float, bar_s: float) -> "Factor":
        """Return the factor whose autocorrelation falls to 1/e after `relaxation_s`."""
        keep = math.exp(-bar_s / relaxation_s)
        return cls(keep, sd * math.sqrt(1.0 - keep * keep), sd)

    def start(self, stream: np.random.Generator) -> float:
        """Draw a value of the long run."""
        return self.sd * float(stream.standard_normal())

    def run(self, value: float, normals: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Return the values at the bars, the first being `value`, and the one after the last."""
        keep, push = self.keep, self.push
        path = list(
            itertools.accumulate(
                normals.tolist(), lambda x, normal: keep * x + push * normal, initial=value
            )
        )
        return np.array(path[:-1]), path[-1]


@dataclass(frozen=True, slots=True)
class RegimeChain:
    """The Markov chain of the regimes, one step a bar, moving to a neighbour at most.

    Attributes:
        cumulative: For each regime, cumulative chances of the next one.
        shares: Long-run share of time in each regime, from detailed balance.
        volatility: Factor of each regime on volatility.
        jumps_per_bar: Mean number of jumps in a bar of each regime.
    """

    cumulative: tuple[tuple[float, ...], ...]
    shares: tuple[float, ...]
    volatility: NDArray[np.float64]
    jumps_per_bar: NDArray[np.float64]

    @classmethod
    def of(cls, config: MarketConfig) -> "RegimeChain":
        """Return the chain of `config`."""
        last = len(config.regimes) - 1
        up, down = [], []
        for index, regime in enumerate(config.regimes):
            leave = -math.expm1(-config.bar_s / regime.stay_s)
            up.append(leave * regime.up_frac if index < last else 0.0)
            down.append(leave * (1.0 - regime.up_frac) if index > 0 else 0.0)
        rows = []
        for index in range(last + 1):
            row = [0.0] * index + [1.0] * (last + 1 - index)
            if index > 0:
                row[index - 1] = down[index]
            row[index] = 1.0 - up[index]
            # The last entry stays 1, so that no rounding leaves a draw without a regime.
            row[last] = 1.0
            rows.append(tuple(row))
        weights = [1.0]
        for index in range(last):
            weights.append(weights[-1] * up[index] / down[index + 1])
        return cls(
            cumulative=tuple(rows),
            shares=tuple(weight / sum(weights) for weight in weights),
            volatility=np.array([regime.volatility for regime in config.regimes]),
            jumps_per_bar=np.array(
                [regime.jumps_per_day * config.bar_s / S_PER_DAY for regime in config.regimes]
            ),
        )

    def start(self, stream: np.random.Generator) -> int:
        """Draw a regime of the long run."""
        draw = float(stream.random())
        cumulative = list(itertools.accumulate(self.shares))
        return min(bisect.bisect_right(cumulative, draw), len(cumulative) - 1)

    def run(self, regime: int, uniforms: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
        """Return the regimes of the bars, the first being `regime`, and the one after the last."""
        rows = self.cumulative
        path = list(
            itertools.accumulate(
                uniforms.tolist(),
                lambda now, draw: bisect.bisect_right(rows[now], draw),
                initial=regime,
            )
        )
        return np.array(path[:-1], dtype=np.int64), path[-1]


@dataclass(frozen=True, slots=True)
class VolatilityLaw:
    """Everything about volatility that follows from the configuration.

    Attributes:
        regimes: The chain of regimes.
        slow: The slow common factor.
        fast: The fast common factor.
        own: The fast factor of each instrument.
        jump_scale: Standard deviation of a jump over the volatility of one second.
        mean_square: Long-run mean of the squared product of all factors, jumps included; the
            instruments' volatility is divided by its root, so that the long run is as configured.
    """

    regimes: RegimeChain
    slow: Factor
    fast: Factor
    own: Factor
    jump_scale: float
    mean_square: float

    @classmethod
    def of(cls, config: MarketConfig) -> "VolatilityLaw":
        """Return the law of `config`."""
        chain = RegimeChain.of(config)
        jump_scale = config.jump_scale * math.sqrt(_JUMP_UNIT_S)
        # A log-normal factor of deviation s has the mean square exp(2 s^2); jumps of rate q a
        # second and variance k^2 add q k^2 to the variance of one second.
        regime_square = sum(
            share * regime.volatility**2 * (1 + regime.jumps_per_day / S_PER_DAY * jump_scale**2)
            for share, regime in zip(chain.shares, config.regimes, strict=True)
        )
        log_variance = config.slow_sd**2 + config.fast_sd**2 + config.own_sd**2
        bar_s = config.bar_s
        return cls(
            regimes=chain,
            slow=Factor.of(relaxation_s=config.slow_s, sd=config.slow_sd, bar_s=bar_s),
            fast=Factor.of(relaxation_s=config.fast_s, sd=config.fast_sd, bar_s=bar_s),
            own=Factor.of(relaxation_s=config.fast_s, sd=config.own_sd, bar_s=bar_s),
            jump_scale=jump_scale,
            mean_square=regime_square * math.exp(2 * log_variance),
        )

    def second_volatility(self, instrument: InstrumentConfig) -> float:
        """Return the standard deviation of one second's return where all factors are 1."""
        return instrument.volatility_frac / math.sqrt(S_PER_YEAR * self.mean_square)
