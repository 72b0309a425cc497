"""Oscillators of the close: relative strength, and the convergence of two averages."""

from collections.abc import Sequence
from math import nan

import numpy as np

from botcore.indicators.loops import exponential, stepped, wilder
from botcore.indicators.row import FloatRow, FloatTable
from botcore.indicators.spec import IndicatorSpec, decay_bars, whole


# State of the RSI: 0 average gain, 1 average loss (before the seed: their sums), 2 previous value,
# 3 bars still to come until the first value, 4 period, 5 period − 1.
def rsi_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write Wilder's relative strength index, in ``[0, 100]``, to ``out[at]``."""
    to_come = state[3]
    change = x - state[2]
    gain = state[0]
    loss = state[1]
    state[2] = x
    if to_come == 0.0:
        gain *= state[5]
        loss *= state[5]
    else:
        state[3] = to_come - 1.0
        if to_come > state[4]:  # the first bar has no change
            out[at] = nan
            return
    if change < 0.0:
        loss -= change
    else:
        gain += change
    if to_come <= 1.0:
        gain /= state[4]
        loss /= state[4]
        both = gain + loss
        out[at] = 100.0 * (gain / both) if both > 0.0 else 0.0
    else:
        out[at] = nan
    state[0] = gain
    state[1] = loss


def rsi_loop(state: list[float], column: Sequence[float]) -> FloatTable:
    """Return the relative strength over a column: `rsi_step` bar by bar."""
    to_come = int(state[3])
    begun = stepped(rsi_step, state, [column[:to_come]])
    rest = column[to_come:]
    changes = np.diff(rest, prepend=state[2])
    falls = changes < 0.0
    state[0], rises = wilder(state[0], state[4], np.where(falls, 0.0, changes).tolist())
    state[1], drops = wilder(state[1], state[4], np.where(falls, -changes, 0.0).tolist())
    state[2] = column[-1] if column else state[2]
    gain = np.array(rises)
    both = gain + np.array(drops)
    share = np.divide(gain, both, out=np.zeros(len(rest)), where=both > 0.0)
    return np.concatenate((begun[:, 0], 100.0 * share))


def _rsi_initial(*, period: int = 14) -> list[float]:
    bars = float(whole("period", period, at_least=2))
    return [0.0, 0.0, 0.0, bars + 1.0, bars, bars - 1.0]


def _rsi_first_valid(*, period: int = 14) -> int:
    return whole("period", period, at_least=2)


def _rsi_settled(tolerance: float, *, period: int = 14) -> int:
    keep = 1.0 - 1.0 / whole("period", period, at_least=2)
    return period + 1 + decay_bars(keep, tolerance, seed_error=100.0)


RSI = IndicatorSpec(
    name="rsi",
    inputs=("close",),
    outputs=("rsi",),
    step=rsi_step,
    initial=_rsi_initial,
    first_valid=_rsi_first_valid,
    settled=_rsi_settled,
    loop=rsi_loop,
    formula=(
        "rsiₜ = 100·G / (G + L); G and L are Wilder's averages of gains and losses, "
        "Gₜ = (Gₜ₋₁·(n − 1) + gainₜ) / n, seeded with the mean of the first n changes; n = period"
    ),
    source=(
        "Wilder, New Concepts in Technical Trading Systems, 1978; TA-Lib RSI. Libraries that start "
        "from the first change without the mean give other values for some 20·n bars."
    ),
    note=(
        "With no move at all in its memory it is 0, as TA-Lib has it, so a rule that buys "
        "when it is low must ask for a move. Settled in points of the 100-point "
        "scale, for a seed window up to 100 times as agitated as the present one."
    ),
)


# State of the MACD: 0 fast, 1 slow, 2 signal (before their seeds: sums), 3 to 5 their k, 6 bars
# still to come until the first value, 7 to 9 the periods fast, slow, signal.
def macd_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write MACD, signal and histogram to ``out[at]``, ``out[at + 1]``, ``out[at + 2]``."""
    fast = state[0]
    slow = state[1]
    signal = state[2]
    to_come = state[6]
    if to_come == 0.0:
        fast = (x - fast) * state[3] + fast
        slow = (x - slow) * state[4] + slow
        macd = fast - slow
        signal = (macd - signal) * state[5] + signal
        state[0] = fast
        state[1] = slow
        state[2] = signal
        out[at] = macd
        out[at + 1] = signal
        out[at + 2] = macd - signal
        return
    state[6] = to_come - 1.0
    before_seed = to_come - state[9]  # bars still to come until both averages have their seed
    if before_seed < 0.0:
        fast = (x - fast) * state[3] + fast
        slow = (x - slow) * state[4] + slow
    else:
        slow += x
        if before_seed < state[7]:  # the fast seed is taken from the newest bars of the slow one
            fast += x
        if before_seed == 0.0:
            fast /= state[7]
            slow /= state[8]
    macd = fast - slow
    if before_seed <= 0.0:
        signal += macd
    if to_come == 1.0:
        signal /= state[9]
        out[at] = macd
        out[at + 1] = signal
        out[at + 2] = macd - signal
    else:
        out[at] = nan
        out[at + 1] = nan
        out[at + 2] = nan
    state[0] = fast
    state[1] = slow
    state[2] = signal


def macd_loop(state: list[float], column: Sequence[float]) -> FloatTable:
    """Return MACD, signal and histogram over a column: `macd_step` bar by bar."""
    to_come = int(state[6])
    begun = stepped(macd_step, state, [column[:to_come]], width=3)
    rest = column[to_come:]
    state[0], fast = exponential(state[0], state[3], rest)
    state[1], slow = exponential(state[1], state[4], rest)
    macd = np.array(fast) - np.array(slow)
    state[2], signal = exponential(state[2], state[5], macd.tolist())
    return np.concatenate((begun, np.column_stack((macd, signal, macd - np.array(signal)))))


def _macd_initial(*, fast: int = 12, slow: int = 26, signal: int = 9) -> list[float]:
    to_come = _macd_first_valid(fast=fast, slow=slow, signal=signal) + 1
    k = [2.0 / (bars + 1.0) for bars in (fast, slow, signal)]
    return [0.0, 0.0, 0.0, *k, float(to_come), float(fast), float(slow), float(signal)]


def _macd_first_valid(*, fast: int = 12, slow: int = 26, signal: int = 9) -> int:
    whole("fast", fast)
    whole("slow", slow)
    whole("signal", signal)
    if fast >= slow:
        raise ValueError(f"fast {fast} is not below slow {slow}")
    return (slow - 1) + (signal - 1)


def _macd_settled(tolerance: float, *, fast: int = 12, slow: int = 26, signal: int = 9) -> int:
    start = _macd_first_valid(fast=fast, slow=slow, signal=signal) + 1
    averages = decay_bars(1.0 - 2.0 / (slow + 1.0), tolerance)
    return start + averages + decay_bars(1.0 - 2.0 / (signal + 1.0), tolerance)


MACD = IndicatorSpec(
    name="macd",
    inputs=("close",),
    outputs=("macd", "signal", "histogram"),
    step=macd_step,
    initial=_macd_initial,
    first_valid=_macd_first_valid,
    settled=_macd_settled,
    loop=macd_loop,
    formula=(
        "macd = ema(x, fast) − ema(x, slow), signal = ema(macd, signal), histogram = macd − signal"
    ),
    source="Appel, The Moving Average Convergence-Divergence Method, 1979; TA-Lib MACD.",
    note=(
        "Both averages get their seed on the same bar, slow − 1 (the fast one from the newest "
        "`fast` bars), so it is not the difference of two EMAs that were started alone. Settled "
        "relative to the price, as the value itself crosses zero."
    ),
)
