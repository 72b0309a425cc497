"""One strategy on one instrument, as the engine steps it."""

from collections.abc import Sequence
from decimal import Decimal
from math import nan

import numpy as np
from numpy.typing import NDArray

from botcore.domain.ids import AccountId, InstrumentId, StrategyId
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderState
from botcore.engine.config import StrategyConfig
from botcore.engine.decisions import DecisionLog
from botcore.execution.index import OrderIndex
from botcore.portfolio import Position
from botcore.risk import AccountRisk, Sizing, SizingKind
from botcore.strategies import SignalRunner

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_HELD = OrderState.HELD
_FORBIDDEN = "MODE_FORBIDS"
_MANY = 32
"""From so many bars on, columns are faster than a loop."""
_PLENTY = 4.0
"""So many times the smallest order is certainly not too small, however it is rounded."""


class SignalSlot:
    """A signal strategy on one instrument: its runner, its log, its exposure.

    Attributes:
        rank: where its strategy stands in the configured order.
        held: sign of position plus working orders: what the strategy is told it has.
        exposure: the same in base units, float; `working`: the working part, exact.
        rest: the weight that asks for nothing, whatever the price; NaN where the price decides.
        outcome: the engine's own word on the last target (empty when it was carried out).
        is_paused: it is not asked; `is_faulty`: nor fed, since it was quarantined.
    """

    __slots__ = (
        "_band_frac",
        "_is_fixed",
        "_is_share",
        "_least",
        "_target",
        "account",
        "exposure",
        "held",
        "instrument",
        "is_faulty",
        "is_paused",
        "log",
        "name",
        "outcome",
        "position",
        "rank",
        "rest",
        "risk",
        "runner",
        "signalled",
        "sizing",
        "spread",
        "step_ns",
        "strategy",
        "working",
        "working_orders",
    )

    def __init__(
        self,
        *,
        rank: int,
        config: StrategyConfig,
        instrument: InstrumentId,
        runner: SignalRunner,
        position: Position,
        risk: AccountRisk,
        decisions_kept: int | None,
        least: tuple[float, float],
    ) -> None:
        self.rank = rank
        self.name = config.strategy
        self.account: AccountId = config.account
        self.strategy: StrategyId = config.id
        self.instrument = instrument
        self.step_ns = config.step_ns
        self.runner = runner
        self.sizing: Sizing = config.sizing
        self._target = config.sizing.in_floats()
        self._band_frac = config.sizing.band_frac
        self._least = (_PLENTY * least[0], _PLENTY * least[1])
        self._is_share = config.sizing.kind is SizingKind.FRACTION
        self._is_fixed = config.sizing.kind is SizingKind.FIXED
        self.position = position
        self.risk = risk
        self.log = DecisionLog(decisions_kept)
        self.spread: SpreadEstimate | None = (
            SpreadEstimate(config.sizing, config.step_ns) if config.sizing.needs_range else None
        )
        self.held = 0.0
        self.exposure = 0.0
        self.working: Decimal = ZERO
        self.working_orders = 0
        self.signalled = 0.0
        self.rest = nan if self.spread is not None else 0.0
        self.outcome = ""
        self.is_paused = False
        self.is_faulty = False

    def refresh(self, orders: OrderIndex) -> None:
        """Take up position and working orders after a fact about either."""
        working = ZERO
        count = 0
        exposure = self.position.quantity_float
        for order in orders.working(self.account, self.instrument):
            spec = order.spec
            if spec.strategy != self.strategy or spec.parent is not None:
                continue
            if order.state is _HELD:
                continue
            count += 1
            working += order.leaves if order.sign > 0 else -order.leaves
        if count:
            exposure += float(working)
        self.working = working
        self.working_orders = count
        self.exposure = exposure
        self.held = 1.0 if exposure > 0.0 else -1.0 if exposure < 0.0 else 0.0
        self._settle()

    def wants(self, weight: float, close: float) -> bool:
        """Whether a weight asks for another exposure than the slot has; NaN is "no view"."""
        if weight != weight:  # noqa: PLR0124  # NaN
            return False
        if self.exposure == 0.0:
            if weight == 0.0:
                self.signalled = 0.0
                self._settle()
                return False
        elif weight != 0.0 and not self._is_off(weight, self.risk.equity, close):
            return False
        return True

    def _is_off(self, weight: float, equity: float, close: float) -> bool:
        """Whether what is held is so far from a weight's target that it is worth an order."""
        held = self.exposure
        spread = 0.0 if self.spread is None else self.spread.value
        target = self._target(weight, equity, close, spread)
        if target == held:
            return False
        return not (target * held > 0.0 and abs(target - held) <= self._band_frac * abs(held))

    @property
    def lulled(self) -> float:
        """The weight that asks for nothing as long as `keeps` says so; NaN where none does."""
        if self.rest == self.rest or not self._is_share:  # NaN
            return self.rest
        return self.signalled if self.exposure and self.signalled else nan

    @property
    def refused(self) -> float:
        """The weight that the account's mode refuses at every bar, said once; NaN for none.

        A flat strategy asks for it again and again, and nothing comes of it.
        """
        is_asking = self.outcome == _FORBIDDEN and self.signalled > 0.0 and not self.working_orders
        return self.signalled if is_asking and not self.exposure and self._is_share else nan

    def keeps(self, equity: Sequence[float], close: Sequence[float]) -> int:
        """Return for how many bars `lulled` or `refused` comes to nothing, by equity and close.

        What is refused must be large enough to be asked for: close to the smallest order the lull
        ends, and a step looks at it exactly.
        """
        if self.rest == self.rest:  # NaN
            return len(equity)
        if not self.exposure:
            if len(equity) >= _MANY:
                return self._is_plenty(np.array(equity), np.array(close))
            lot, notional = self._least
            for count, (worth, price) in enumerate(zip(equity, close, strict=True)):
                size = self._target(self.signalled, worth, price, 0.0)
                if size < lot or size * price < notional:
                    return count
            return len(equity)
        if self._is_share and len(equity) >= _MANY:
            return self._keeps_share(np.array(equity), np.array(close))
        for count, (worth, price) in enumerate(zip(equity, close, strict=True)):
            if self._is_off(self.signalled, worth, price):
                return count
        return len(equity)

    def _keeps_share(self, equity: NDArray[np.float64], close: NDArray[np.float64]) -> int:
        """Count as `_is_off` would, bar by bar: the same operations on whole columns."""
        held = self.exposure
        target = self.signalled * self.sizing.equity_frac * equity / close
        is_near = (target * held > 0.0) & (np.abs(target - held) <= self._band_frac * abs(held))
        is_off = (target != held) & ~is_near
        return int(np.argmax(is_off)) if is_off.any() else len(equity)

    def _is_plenty(self, equity: NDArray[np.float64], close: NDArray[np.float64]) -> int:
        """Count the bars on which what is refused is large enough."""
        lot, notional = self._least
        size = self.signalled * self.sizing.equity_frac * equity / close
        is_small = (size < lot) | (size * close < notional)
        return int(np.argmax(is_small)) if is_small.any() else len(equity)

    def signal(self, weight: float) -> None:
        """Note the weight that was signalled last; it rests once it is carried out."""
        self.signalled = weight
        self.rest = nan

    def _settle(self) -> None:
        """See whether what was signalled last is carried out, so that it asks for nothing more."""
        signalled, exposure = self.signalled, self.exposure
        if self._is_fixed:
            is_settled = self._target(signalled, 0.0, 1.0, 0.0) == exposure
        else:
            is_settled = exposure == signalled == 0.0 and self.spread is None
        self.rest = signalled if is_settled else nan


class SpreadEstimate:
    """How far the instrument moves: annualised volatility, or ATR, as the sizing needs.

    ATR is Wilder's average true range over 14 bars (J. W. Wilder, "New Concepts in Technical
    Trading Systems", 1978); volatility is RiskMetrics' exponentially weighted standard deviation
    of log-free bar returns with λ = 0.94 (J.P. Morgan, 1996), annualised with 365 days.
    """

    __slots__ = ("_annual", "_is_atr", "_last", "_variance", "value")

    _LAMBDA = 0.94
    _YEAR_NS = 365 * 86_400 * 1_000_000_000
    _ATR_BARS = 14

    def __init__(self, sizing: Sizing, step_ns: int) -> None:
        self._is_atr = sizing.kind is SizingKind.ATR_RISK
        self._annual = self._YEAR_NS / step_ns
        self._last = 0.0
        self._variance = 0.0
        self.value = 0.0

    def update(self, high: float, low: float, close: float) -> None:
        """Take one bar."""
        last = self._last
        self._last = close
        if not last:
            return
        if self._is_atr:
            span = max(high, last) - min(low, last)
            old = self.value
            self.value = span if not old else old + (span - old) / self._ATR_BARS
            return
        step = close / last - 1.0
        old = self._variance
        new = step * step
        self._variance = new if not old else self._LAMBDA * old + (1.0 - self._LAMBDA) * new
        self.value = float((self._variance * self._annual) ** 0.5)
