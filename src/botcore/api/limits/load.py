"""Shedding load: what can wait is slowed while the machine cannot keep up, and only that.

Judged once a second. A second is hot when the event loop's lag p99 or the engine's decision latency
p99 is above its bound. After each `shed_step_s` hot seconds in a row the budgets halve, down to a
quarter; after as many calm ones (both below four fifths of their bounds) they double again.
"""

from math import ceil
from typing import Final

from botcore.api.limits.config import LimitsConfig
from botcore.api.limits.ports import DecisionLatency
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

SAMPLE_S: Final = 0.02
"""How often the loop's lag is looked at: fifty times a second, of which the p99 is the largest."""
_DIVISOR_MAX: Final = 4
_CALM_FRAC: Final = 0.8
_MS_NS: Final = 1_000_000


class LoadGovernor:
    """Decides how much of their budgets reading, market data and research keep.

    Args:
        config: bounds and step.
        latency: of the engine's decisions.
        now_ns: monotonic; when the first second begins.
    """

    def __init__(self, config: LimitsConfig, latency: DecisionLatency, *, now_ns: int) -> None:
        self._lag_max = config.lag_ms_max * _MS_NS
        self._decision_max_s = config.decision_ms_max / 1_000
        self._step_s = config.shed_step_s
        self._latency = latency
        self._began = now_ns
        self._lags: list[int] = []
        self._hot_s = 0
        self._calm_s = 0
        self.divisor = 1
        """1, 2 or 4: what budgets are divided by."""
        self.lag_p99_s = 0.0
        """Of the last second that was judged."""

    @property
    def factor(self) -> float:
        """What is left of the budgets: 1, 0.5 or 0.25."""
        return 1 / self.divisor

    def lagged(self, lag_ns: int, *, now_ns: int) -> None:
        """Take a sample of the loop's lag in.

        A stall spoils all the seconds that it lasted, though it leaves one sample.

        Args:
            lag_ns: by how much a sleep of `SAMPLE_S` was longer than that.
            now_ns: monotonic, when it ended.
        """
        self._lags.append(lag_ns)
        seconds = (now_ns - self._began) // SECOND_NS
        if seconds > 0:
            self._began += seconds * SECOND_NS
            self._judge(seconds)

    def _judge(self, seconds: int) -> None:
        lags = sorted(self._lags)
        self._lags.clear()
        lag = lags[ceil(0.99 * len(lags)) - 1]
        self.lag_p99_s = lag / SECOND_NS
        load = max(lag / self._lag_max, (self._latency.p99_s() or 0.0) / self._decision_max_s)
        self._hot_s = self._hot_s + seconds if load > 1 else 0
        self._calm_s = self._calm_s + seconds if load < _CALM_FRAC else 0
        while self._hot_s >= self._step_s:
            self._hot_s -= self._step_s
            self.divisor = min(self.divisor * 2, _DIVISOR_MAX)
        while self._calm_s >= self._step_s:
            self._calm_s -= self._step_s
            self.divisor = max(self.divisor // 2, 1)


async def watch_load(governor: LoadGovernor, *, clock: Clock) -> None:
    """Sample the event loop's lag until cancelled."""
    step = round(SAMPLE_S * SECOND_NS)
    while True:
        began = clock.monotonic_ns()
        await clock.sleep(SAMPLE_S)
        ended = clock.monotonic_ns()
        governor.lagged(max(0, ended - began - step), now_ns=ended)
