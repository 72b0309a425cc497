"""How long the engine takes from an input to an approved order, and until that is durable."""

from pathlib import Path
from typing import Final

from botcore.domain.commands import Input
from botcore.domain.events import Fact, OrderPlaced
from botcore.domain.ids import SECOND_NS
from botcore.domain.keys import Key
from botcore.domain.orders import OrderState
from botcore.domain.steps import Step
from botcore.engine.session import Commit
from botcore.kernel.clock import Clock
from botcore.observability.rolling import RollingQuantiles

_HELD: Final = OrderState.HELD
_SCHEDULER: Final = Path("/proc/self/schedstat")


class DecisionTiming:
    """Stands between session and recorder: what a step has approved is there when it is kept.

    An input is taken when the engine's thread turns to it; where it makes several steps, each
    counts from the end of the one before. What waits in the mailbox, and what the store takes, is
    not counted as the decision's.

    Args:
        clock: monotonic time measures.
    """

    def __init__(self, clock: Clock) -> None:
        self._now = clock.monotonic_ns
        self._since = self._now()
        self._decision = RollingQuantiles()
        self._persist = RollingQuantiles()

    def taken(self) -> None:
        """Note that the next input is taken now."""
        self._since = self._now()

    def around(self, commit: Commit) -> Commit:
        """Return `commit`, measured."""

        def measured(key: Key, event: Input, step: Step, must_be_durable: bool) -> None:
            if not step.facts or not any(map(_is_order, step.facts)):
                commit(key, event, step, must_be_durable)
                self._since = self._now()
                return
            decided = self._now()
            self._decision.add(decided - self._since, now_ns=decided)
            try:
                commit(key, event, step, must_be_durable)
            finally:
                self._since = self._now()
            if must_be_durable:
                self._persist.add(self._since - decided, now_ns=self._since)

        return measured

    def decision_s(self) -> tuple[float | None, float | None]:
        """Return p50 and p99 of the last minute, seconds; None where no order was approved."""
        p50, p99 = self._decision.quantiles_s(0.5, 0.99, now_ns=self._now())
        return p50, p99

    def count(self) -> int:
        """Return how many orders were approved within the last minute."""
        return self._decision.count(now_ns=self._now())

    def persist_s(self) -> tuple[float | None, float | None]:
        """Return the same of the wait until approved orders were durable."""
        p50, p99 = self._persist.quantiles_s(0.5, 0.99, now_ns=self._now())
        return p50, p99


def core_wait_s(path: Path = _SCHEDULER) -> float | None:
    """Return how long a process's main thread was ready and waited for a core, since it began.

    The second figure of ``/proc/<pid>/schedstat``, which is in nanoseconds (Linux,
    Documentation/scheduler/sched-stats.rst).

    Args:
        path: of the process; this one by default.

    Returns:
        Seconds; None where the system does not say.
    """
    try:
        return int(path.read_text().split()[1]) / SECOND_NS
    except (OSError, IndexError, ValueError):
        return None


def _is_order(fact: Fact) -> bool:
    return type(fact) is OrderPlaced and fact.state is not _HELD
