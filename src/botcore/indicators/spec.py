"""What an indicator declares: its step, its parameters, its warm-up, its formula and source."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from botcore.indicators.row import FloatTable

PERIOD_MAX: Final = 100_000
"""The longest window, in bars: 69 days of one-minute bars, and a bound on the state's memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorSpec:
    """An indicator is its step; the rest says how to start it and when to believe it.

    ``step(state, out, at, *inputs)`` takes one bar, oldest first, changes ``state`` in place and
    writes its outputs to ``out[at]``, ``out[at + 1]``, …: NaN on every bar before the first valid
    one, on none after it. It is a pure module-level function in the subset that numba's nopython
    mode compiles. It does not look for NaN or infinity in its inputs: one would stay in the state.
    Bars are checked at the door and gaps are cut before (a fresh state after the gap), never
    passed.

    Attributes:
        name: The key in the registry.
        inputs: Default sources of the positional inputs, in the order
            open, high, low, close, volume.
        outputs: Names of the outputs, in the order they are written.
        step: The indicator itself.
        initial: ``initial(**parameters)`` gives a fresh state, a flat row of floats; raises
            ValueError, naming the value and the bound, for a parameter out of range.
        first_valid: ``first_valid(**parameters)`` is the index of the first bar with a value.
        settled: ``settled(tolerance, **parameters)`` is the number of bars a fresh start needs
            until its value differs from the one of an infinite history by less than `tolerance`,
            relative to the scale named in `note` (by default the value). None means never: the
            value depends on where it was started for ever.
        formula: The definition, in words and symbols, without a full stop.
        source: Author, title, year; and the convention followed where there are several.
        note: Edge cases and the assumption under which `settled` holds.
        loop: ``loop(state, *columns)`` is the loop of `step` over a column of each input, where
            that can be said quicker: it leaves the same state and returns the outputs of each bar,
            one bar after the other, equal to the bit. None where there is no such.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    step: Callable[..., None]
    initial: Callable[..., list[float]]
    first_valid: Callable[..., int]
    settled: Callable[..., int | None]
    formula: str
    source: str
    note: str
    loop: Callable[..., FloatTable] | None = None

    @property
    def parameters(self) -> dict[str, int | float | str]:
        """Names and defaults of the parameters, in declared order."""
        return {p.name: p.default for p in inspect.signature(self.initial).parameters.values()}


def whole(name: str, value: int, *, at_least: int = 1) -> int:
    """Return a number of bars, or refuse it.

    Raises:
        ValueError: `value` is not an integer in ``[at_least, PERIOD_MAX]``.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} {value!r} is not a whole number of bars")
    if value < at_least:
        raise ValueError(f"{name} {value} is below {at_least}")
    if value > PERIOD_MAX:
        raise ValueError(f"{name} {value} exceeds {PERIOD_MAX}")
    return value


def decay_bars(keep: float, tolerance: float, *, seed_error: float = 1.0) -> int:
    """Count the bars after which a recursive average has forgotten its seed.

    Args:
        keep: The share of the old value that survives a bar, in ``[0, 1)``.
        tolerance: What may be left of the error, relative, in ``(0, 1)``.
        seed_error: The error of the seed, relative to the value.

    Returns:
        The smallest n with ``seed_error × keepⁿ < tolerance``.

    Raises:
        ValueError: `tolerance` is not in ``(0, 1)``.
    """
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"tolerance {tolerance!r} is not between 0 and 1")
    # Multiplied out, not by logarithms: libm differs between machines, and with it the warm-up.
    bars, error = 0, seed_error
    while error >= tolerance:
        error *= keep
        bars += 1
    return bars


def window_settled(tolerance: float, period: int) -> int:
    """A window forgets all that left it: its own length is enough at any tolerance.

    Raises:
        ValueError: `tolerance` is not in ``(0, 1)``.
    """
    decay_bars(0.0, tolerance)
    return period
