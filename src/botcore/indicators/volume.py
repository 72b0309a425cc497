"""Indicators that weigh with volume: on-balance volume and volume-weighted average prices."""

from math import inf, nan
from typing import Final

from botcore.indicators.row import FloatRow
from botcore.indicators.spec import IndicatorSpec, decay_bars, whole, window_settled


# State of the OBV: 0 total, 1 previous close (−∞ at first, so that the first bar counts up).
def obv_step(state: FloatRow, out: FloatRow, at: int, close: float, volume: float) -> None:
    """Write the on-balance volume, in base units, to ``out[at]``."""
    total = state[0]
    if close > state[1]:
        total += volume
    elif close < state[1]:
        total -= volume
    state[0] = total
    state[1] = close
    out[at] = total


def _obv_initial() -> list[float]:
    return [0.0, -inf]


def _at_once() -> int:
    return 0


def _never(tolerance: float) -> None:
    decay_bars(0.0, tolerance)


OBV = IndicatorSpec(
    name="obv",
    inputs=("close", "volume"),
    outputs=("obv",),
    step=obv_step,
    initial=_obv_initial,
    first_valid=_at_once,
    settled=_never,
    formula="obv₀ = volume₀; then + volume on a higher close, − volume on a lower, else unchanged",
    source="Granville, New Key to Stock Market Profits, 1963; TA-Lib OBV.",
    note="Its level depends on where it was started; only its changes mean something.",
)


# State of the rolling VWAP: 0 next slot, 1 and 2 sums of price × volume and of volume since the
# last wrap, 3 period; 4… two rings, price × volume and volume.
_VWAP_RING: Final = 4


def vwap_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float, volume: float
) -> None:
    """Write the volume-weighted mean of the window's typical prices to ``out[at]``.

    Sums of a filling block and of the tails of the block before it, as in `sma_step`: no term is
    ever subtracted, so an empty window has a volume of exactly zero and no digits are lost.
    """
    head = state[0]
    slot = int(head)
    n = int(state[3])
    following = slot + 1
    typical = (high + low + close) / 3.0
    turnover = typical * volume
    if following < _VWAP_RING + n:
        state[0] = head + 1.0
        state[slot] = turnover
        state[slot + n] = volume
        turnover += state[1]
        traded = volume + state[2]
        state[1] = turnover
        state[2] = traded
        turnover += state[following]
        traded += state[following + n]
    else:
        traded = volume
        state[slot] = turnover
        state[slot + n] = volume
        for i in range(slot - 1, _VWAP_RING - 1, -1):
            turnover += state[i]
            traded += state[i + n]
            state[i] = turnover
            state[i + n] = traded
        state[0] = float(_VWAP_RING)
        state[1] = 0.0
        state[2] = 0.0
    out[at] = typical if traded == 0.0 else turnover / traded


def _vwap_initial(*, period: int = 20) -> list[float]:
    rings = [nan] * (2 * whole("period", period))
    return [float(_VWAP_RING), 0.0, 0.0, float(period), *rings]


def _vwap_first_valid(*, period: int = 20) -> int:
    return whole("period", period) - 1


def _vwap_settled(tolerance: float, *, period: int = 20) -> int:
    return window_settled(tolerance, whole("period", period))


VWAP = IndicatorSpec(
    name="vwap",
    inputs=("high", "low", "close", "volume"),
    outputs=("vwap",),
    step=vwap_step,
    initial=_vwap_initial,
    first_valid=_vwap_first_valid,
    settled=_vwap_settled,
    formula=(
        "vwap = Σ typical·volume / Σ volume over the last period bars, "
        "with typical = (high + low + close) / 3"
    ),
    source=(
        "Berkowitz, Logue and Noser, The Total Cost of Transactions on the NYSE, Journal of "
        "Finance, 1988; over bars as TA-Lib VWMA of TYPPRICE."
    ),
    note="Where nothing traded in the window it is the typical price of the newest bar.",
)


# State of the anchored VWAP: 0 sum of price × volume, 1 sum of volume.
def anchored_vwap_step(  # noqa: PLR0917 – positional, as every step
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float, volume: float
) -> None:
    """Write the volume-weighted mean of the typical prices since the start to ``out[at]``."""
    typical = (high + low + close) / 3.0
    turnover = state[0] + typical * volume
    traded = state[1] + volume
    state[0] = turnover
    state[1] = traded
    out[at] = typical if traded == 0.0 else turnover / traded


def _anchored_vwap_initial() -> list[float]:
    return [0.0, 0.0]


ANCHORED_VWAP = IndicatorSpec(
    name="anchored_vwap",
    inputs=("high", "low", "close", "volume"),
    outputs=("vwap",),
    step=anchored_vwap_step,
    initial=_anchored_vwap_initial,
    first_valid=_at_once,
    settled=_never,
    formula=(
        "vwap = Σ typical·volume / Σ volume since the anchor, "
        "with typical = (high + low + close) / 3"
    ),
    source="As `vwap`; TA-Lib VWAP.",
    note=(
        "The anchor is its start: whoever holds it resets it, for instance at a UTC midnight. "
        "Before the first trade it is the typical price of the newest bar."
    ),
)
