"""The streaming form of an indicator: a state, fed bar by bar."""

from collections.abc import Sequence
from math import isfinite, isnan, nan

from botcore.indicators.bands import BOLLINGER, DONCHIAN, WILLIAMS_R, ZSCORE
from botcore.indicators.channels import KELTNER, SUPERTREND
from botcore.indicators.moving_averages import EMA, SMA, WMA, Seed
from botcore.indicators.oscillators import MACD, RSI
from botcore.indicators.spec import IndicatorSpec
from botcore.indicators.stochastics import CCI, STOCHASTIC
from botcore.indicators.trend import ADX, ICHIMOKU
from botcore.indicators.volatility import ATR, NATR, VOLATILITY
from botcore.indicators.volume import ANCHORED_VWAP, OBV, VWAP


class Indicator:
    """One running indicator of one series.

    Args:
        spec: The indicator.
        **parameters: Its parameters; what is absent has its default.

    Raises:
        ValueError: A parameter is out of range.
    """

    __slots__ = ("_out", "_parameters", "_spec", "_state", "_step")

    def __init__(self, spec: IndicatorSpec, /, **parameters: int | float | str) -> None:
        self._spec = spec
        self._parameters = parameters
        self._step = spec.step
        self._out = [nan] * len(spec.outputs)
        self._state = spec.initial(**parameters)

    @property
    def spec(self) -> IndicatorSpec:
        """What it is an instance of."""
        return self._spec

    @property
    def first_valid(self) -> int:
        """Index of the first update that gives a value."""
        return self._spec.first_valid(**self._parameters)

    def settled(self, tolerance: float) -> int | None:
        """Return the updates a fresh start needs, as ``spec.settled``; None means never."""
        return self._spec.settled(tolerance, **self._parameters)

    def update(self, *inputs: float) -> float | tuple[float, ...] | None:
        """Take one closed bar and return the value, a tuple where there are several outputs.

        Args:
            *inputs: One float for each of ``spec.inputs``, finite.

        Returns:
            None until the first valid bar; the same bars on which the array form has NaN.

        Raises:
            ValueError: An input is NaN or infinite; the state is as it was before.
            TypeError: There are more or fewer inputs than the indicator takes.
        """
        if not self._advance(inputs):
            return None
        return self._out[0] if len(self._out) == 1 else tuple(self._out)

    def reset(self) -> None:
        """Forget all bars: after a gap, or at the anchor of an anchored indicator."""
        self._state = self._spec.initial(**self._parameters)
        self._out = [nan] * len(self._out)

    def state(self) -> tuple[float, ...]:
        """Return all it remembers, to be given to `restore`; holds NaN while it warms up."""
        return tuple(self._state)

    def restore(self, state: Sequence[float]) -> None:
        """Go on from what `state` of the same indicator and parameters returned.

        Raises:
            ValueError: `state` has another length.
        """
        if len(state) != len(self._state):
            raise ValueError(f"state has {len(state)} numbers instead of {len(self._state)}")
        self._state = list(state)

    def _advance(self, inputs: tuple[float, ...]) -> bool:
        values = tuple(map(float, inputs))  # an int would stay one in the state
        if not all(map(isfinite, values)):
            raise ValueError(f"{self._spec.name} got {values}: cut gaps before, then reset")
        out = self._out
        self._step(self._state, out, 0, *values)
        return not isnan(out[0])


class _Line(Indicator):
    """An indicator with one output."""

    __slots__ = ()

    def update(self, *inputs: float) -> float | None:
        """Take one closed bar and return the value, None until the first valid bar."""
        return self._out[0] if self._advance(inputs) else None


class _ThreeLines(Indicator):
    """An indicator with three outputs."""

    __slots__ = ()

    def update(self, *inputs: float) -> tuple[float, float, float] | None:
        """Take one closed bar and return the values, None until the first valid bar."""
        if not self._advance(inputs):
            return None
        first, second, third = self._out
        return first, second, third


class Sma(_Line):
    """Simple moving average of ``update(x)``."""

    __slots__ = ()

    def __init__(self, period: int = 20) -> None:
        super().__init__(SMA, period=period)


class Ema(_Line):
    """Exponential moving average of ``update(x)``."""

    __slots__ = ()

    def __init__(self, period: int = 20, *, seed: Seed = "sma") -> None:
        super().__init__(EMA, period=period, seed=seed)


class Wma(_Line):
    """Linearly weighted moving average of ``update(x)``."""

    __slots__ = ()

    def __init__(self, period: int = 20) -> None:
        super().__init__(WMA, period=period)


class Rsi(_Line):
    """Relative strength index of ``update(x)``, 0 to 100."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        super().__init__(RSI, period=period)


class Macd(_ThreeLines):
    """MACD, signal and histogram of ``update(x)``."""

    __slots__ = ()

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        super().__init__(MACD, fast=fast, slow=slow, signal=signal)


class Bollinger(_ThreeLines):
    """Upper, middle and lower band of ``update(x)``."""

    __slots__ = ()

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        super().__init__(BOLLINGER, period=period, width=width)


class Atr(_Line):
    """Average true range of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        super().__init__(ATR, period=period)


class Natr(_Line):
    """Average true range in per cent of the close, of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        super().__init__(NATR, period=period)


class Volatility(_Line):
    """Standard deviation of the log returns of ``update(x)``."""

    __slots__ = ()

    def __init__(self, period: int = 20, *, ddof: int = 1, bars_per_year: float = 1.0) -> None:
        super().__init__(VOLATILITY, period=period, ddof=ddof, bars_per_year=bars_per_year)


class RollingZScore(_Line):
    """Distance of ``update(x)`` from its window's mean, in standard deviations."""

    __slots__ = ()

    def __init__(self, period: int = 20, *, ddof: int = 0) -> None:
        super().__init__(ZSCORE, period=period, ddof=ddof)


class WilliamsR(_Line):
    """Place of the close in its channel, -100 to 0, of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        super().__init__(WILLIAMS_R, period=period)


class Obv(_Line):
    """On-balance volume of ``update(close, volume)``."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(OBV)


class Vwap(_Line):
    """Volume-weighted average price of the last bars' ``update(high, low, close, volume)``."""

    __slots__ = ()

    def __init__(self, period: int = 20) -> None:
        super().__init__(VWAP, period=period)


class AnchoredVwap(_Line):
    """Volume-weighted average price since the last `reset`, of the inputs of `Vwap`."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(ANCHORED_VWAP)


class Donchian(_ThreeLines):
    """Upper, middle and lower line of ``update(high, low)``, the present bar among them."""

    __slots__ = ()

    def __init__(self, period: int = 20) -> None:
        super().__init__(DONCHIAN, period=period)


class Stochastic(_ThreeLines):
    """Fast %K, slow %K and slow %D, 0 to 100, of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 14, smooth_k: int = 3, smooth_d: int = 3) -> None:
        super().__init__(STOCHASTIC, period=period, smooth_k=smooth_k, smooth_d=smooth_d)


class Cci(_Line):
    """Commodity channel index of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 20) -> None:
        super().__init__(CCI, period=period)


class Keltner(_ThreeLines):
    """Upper, middle and lower line of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 20, atr_period: int = 10, width: float = 2.0) -> None:
        super().__init__(KELTNER, period=period, atr_period=atr_period, width=width)


class Supertrend(Indicator):
    """Line and direction, 1 up or -1 down, of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 10, multiplier: float = 3.0) -> None:
        super().__init__(SUPERTREND, period=period, multiplier=multiplier)

    def update(self, *inputs: float) -> tuple[float, float] | None:
        """Take one closed bar and return the values, None until the first valid bar."""
        if not self._advance(inputs):
            return None
        line, direction = self._out
        return line, direction


class Adx(_ThreeLines):
    """Average directional index, +DI and -DI, 0 to 100, of ``update(high, low, close)``."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        super().__init__(ADX, period=period)


class Ichimoku(Indicator):
    """Conversion, base, span A and span B of ``update(high, low)``, nothing from later bars."""

    __slots__ = ()

    def __init__(
        self, conversion: int = 9, base: int = 26, span: int = 52, displacement: int = 26
    ) -> None:
        super().__init__(
            ICHIMOKU, conversion=conversion, base=base, span=span, displacement=displacement
        )

    def update(self, *inputs: float) -> tuple[float, float, float, float] | None:
        """Take one closed bar and return the values, None until the first valid bar."""
        if not self._advance(inputs):
            return None
        conversion, base, span_a, span_b = self._out
        return conversion, base, span_a, span_b
