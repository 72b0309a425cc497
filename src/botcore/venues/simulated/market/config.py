"""What the simulated market is made of: its instruments, its regimes and the numbers of its law.

The numbers are round figures of the order seen in large spot markets; they are chosen, not fitted.
The shapes they give are those of R. Cont, "Empirical properties of asset returns: stylized facts
and statistical issues", Quantitative Finance 1 (2001): fat tails, clustering of volatility over
several horizons, no linear autocorrelation, volume that goes with volatility.
"""

import hashlib
import itertools
import math
from dataclasses import astuple, dataclass, replace
from decimal import Decimal

NS_PER_S = 1_000_000_000
S_PER_DAY = 86_400
S_PER_YEAR = 365 * S_PER_DAY
_MAX_EXACT = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentConfig:
    """One instrument of the simulated market.

    Attributes:
        instrument: Its id, `SYMBOL.VENUE`; it also names its random streams.
        start_price: Price before the first bar, quote currency, a multiple of the tick.
        tick_size: Smallest price step, quote currency.
        lot_size: Smallest quantity step, base currency.
        min_notional: Smallest order of the exchange, quote currency; no trade is smaller.
        volatility_frac: Annualised standard deviation of returns in the long run, 0.5 = 50 %.
        common_loading: Correlation of the instrument's returns with the common factor, 0..1. At
            any instant two instruments are correlated by the product of their loadings, and in
            the long run by exp(-own_sd^2) of it, since their volatilities differ.
        daily_volume: Base currency traded in a day of long-run average activity.
        spread_bps: Quoted spread at baseline volatility, 1e-4 of the price; at least one tick.
        touch_notional: Quote currency resting at the best price at baseline volatility.
    """

    instrument: str
    start_price: Decimal
    tick_size: Decimal
    lot_size: Decimal
    min_notional: Decimal = Decimal(5)
    volatility_frac: float
    common_loading: float
    daily_volume: float
    spread_bps: float
    touch_notional: float

    def __post_init__(self) -> None:
        """Refuse a half-made instrument.

        Raises:
            ValueError: A field is out of its range, or the start price is off the tick grid.
        """
        positive: dict[str, Decimal | float] = {
            "start_price": self.start_price,
            "tick_size": self.tick_size,
            "lot_size": self.lot_size,
            "min_notional": self.min_notional,
            "volatility_frac": self.volatility_frac,
            "daily_volume": self.daily_volume,
            "spread_bps": self.spread_bps,
            "touch_notional": self.touch_notional,
        }
        for name, value in positive.items():
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{self.instrument}: {name} {value} is not a positive number")
        if not 0 <= self.common_loading <= 1:
            raise ValueError(
                f"{self.instrument}: common_loading {self.common_loading} is outside 0..1"
            )
        if self.start_price % self.tick_size:
            raise ValueError(
                f"{self.instrument}: start_price {self.start_price} is not a multiple of "
                f"tick_size {self.tick_size}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeConfig:
    """One state of the market's weather. It moves volatility and jumps, never the direction.

    Attributes:
        name: Its name in views.
        volatility: Factor on volatility, 1 = baseline; also widens spread and raises volume.
        stay_s: Mean stay in seconds.
        up_frac: Chance that it is left for the next regime of the list and not the one before.
        jumps_per_day: Mean number of jumps in a day, in the common factor and in each instrument.
    """

    name: str
    volatility: float
    stay_s: float
    up_frac: float
    jumps_per_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketConfig:
    """The law of a simulated market. The same config and seed give the same market for ever.

    Attributes:
        instruments: What is traded; their order has no meaning.
        regimes: From the calmest to the wildest; only neighbours follow each other.
        bar_ns: Length of a bar in nanoseconds.
        trades_per_bar: Trades inside each bar; the first repeats the last price before it.
        bars_per_block: Bars drawn at once; within a block the size of a price step is a fraction
            of the price at its beginning.
        slow_s: Relaxation time of the slow common volatility factor, seconds.
        slow_sd: Standard deviation of that factor, of log volatility.
        fast_s: Relaxation time of the fast common factor and of each instrument's own.
        fast_sd: Standard deviation of the fast common factor.
        own_sd: Standard deviation of each instrument's own fast factor.
        jump_scale: Standard deviation of a jump, in one-minute standard deviations of its moment.
        volume_noise_sd: Standard deviation of log volume that volatility does not explain.
    """

    instruments: tuple[InstrumentConfig, ...]
    regimes: tuple[RegimeConfig, ...]
    bar_ns: int = 15 * NS_PER_S
    trades_per_bar: int = 16
    bars_per_block: int = 256
    slow_s: float = 43_200.0
    slow_sd: float = 0.30
    fast_s: float = 1_200.0
    fast_sd: float = 0.35
    own_sd: float = 0.35
    jump_scale: float = 5.0
    volume_noise_sd: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a market that cannot run.

        Raises:
            ValueError: No instrument, an instrument twice, or a number out of its range.
        """
        names = [each.instrument for each in self.instruments]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"instruments {names}: at least one is needed, and each once")
        if not self.regimes or any(
            each.volatility <= 0 or each.stay_s <= 0 or each.jumps_per_day < 0
            for each in self.regimes
        ):
            raise ValueError("regimes: at least one, with positive volatility and stay")
        # A regime nobody leaves for its neighbour would leave the chain without a long run.
        for lower, upper in itertools.pairwise(self.regimes):
            if not (0 < lower.up_frac <= 1 and 0 <= upper.up_frac < 1):
                raise ValueError(f"regimes {lower.name}, {upper.name}: no way up or no way down")
        if self.trades_per_bar < 2 or self.bars_per_block < 1:  # noqa: PLR2004 -- one price step
            raise ValueError("trades_per_bar is at least 2 and bars_per_block at least 1")
        if self.bar_ns < 1_000_000 * self.trades_per_bar:
            raise ValueError(f"bar_ns {self.bar_ns} leaves under a millisecond for each trade")
        if min(self.slow_s, self.fast_s) <= 0:
            raise ValueError("slow_s and fast_s are positive")
        if min(self.slow_sd, self.fast_sd, self.own_sd, self.jump_scale, self.volume_noise_sd) < 0:
            raise ValueError("standard deviations are not negative")

    @property
    def bar_s(self) -> float:
        """Length of a bar in seconds."""
        return self.bar_ns / NS_PER_S

    def with_bar_ns(self, bar_ns: int) -> "MarketConfig":
        """Return the same law observed in bars of `bar_ns` nanoseconds."""
        return replace(self, bar_ns=bar_ns)

    def fingerprint(self) -> str:
        """Return a digest of the law, the same in whatever order instruments are listed."""
        canonical = replace(
            self, instruments=tuple(sorted(self.instruments, key=lambda each: each.instrument))
        )
        return hashlib.sha256(repr(astuple(canonical)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Grid:
    """The multiples of a decimal step, as integers and as the floats nearest to them.

    The float of `n` steps is one correctly rounded division of integers, so its `repr` is the
    decimal itself: `Decimal(repr(x))` is an exact multiple of the step.
    """

    numerator: int
    denominator: int

    @classmethod
    def of(cls, step: Decimal) -> "Grid":
        """Return the grid of `step`."""
        return cls(*step.as_integer_ratio())

    def steps(self, value: Decimal) -> int:
        """Return how many steps `value` is.

        Raises:
            ValueError: `value` is off the grid or too large for an exact float.
        """
        steps, rest = divmod(value, Decimal(self.numerator) / self.denominator)
        if rest or steps * self.numerator >= _MAX_EXACT:
            raise ValueError(f"{value} is not on a grid of {self.numerator}/{self.denominator}")
        return int(steps)

    @property
    def size(self) -> float:
        """The step as a float."""
        return self.numerator / self.denominator


DEMO = MarketConfig(
    instruments=(
        InstrumentConfig(
            instrument="BTCUSDT.SIM",
            start_price=Decimal("60000.00"),
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.00001"),
            volatility_frac=0.45,
            common_loading=0.90,
            daily_volume=20_000.0,
            spread_bps=0.2,
            touch_notional=150_000.0,
        ),
        InstrumentConfig(
            instrument="ETHUSDT.SIM",
            start_price=Decimal("3000.00"),
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.0001"),
            volatility_frac=0.58,
            common_loading=0.88,
            daily_volume=300_000.0,
            spread_bps=0.4,
            touch_notional=100_000.0,
        ),
        InstrumentConfig(
            instrument="SOLUSDT.SIM",
            start_price=Decimal("150.00"),
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.001"),
            volatility_frac=0.72,
            common_loading=0.80,
            daily_volume=3_000_000.0,
            spread_bps=1.0,
            touch_notional=60_000.0,
        ),
    ),
    regimes=(
        RegimeConfig(name="calm", volatility=0.6, stay_s=21_600.0, up_frac=1.0, jumps_per_day=3.0),
        RegimeConfig(
            name="normal", volatility=1.0, stay_s=18_000.0, up_frac=0.35, jumps_per_day=6.0
        ),
        RegimeConfig(
            name="turbulent", volatility=2.2, stay_s=7_200.0, up_frac=0.0, jumps_per_day=20.0
        ),
    ),
)
"""The market of the demonstration: three pairs quoted in USDT, tick and lot as on Binance spot."""
