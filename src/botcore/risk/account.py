"""What risk remembers of an account: its mode, its watermarks, its order rate, its locks."""

import math
from collections import deque
from collections.abc import Mapping, Sequence

from botcore.domain.events import ModeChanged, OrderPlaced, PerformanceUpdate
from botcore.domain.ids import DAY_NS, SECOND_NS, AccountId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState
from botcore.risk.limits import RiskLimits
from botcore.risk.locking import Guard, Lock, Protection

DRAWDOWN = "DRAWDOWN"
DAILY_LOSS = "DAILY_LOSS"
"""How the causes of the two stops begin."""
_NO_LOCKS: Mapping[str, Lock] = {}

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_HELD = OrderState.HELD
_NORMAL = Mode.NORMAL
_REDUCE_ONLY = Mode.REDUCE_ONLY


class AccountRisk:
    """Mode, watermarks and rate of one account, folded from facts.

    Attributes:
        mode: what it may do; `mode_cause` says why.
        stop: the limit that has tripped, `DRAWDOWN`, `DAILY_LOSS` or none, whatever the mode is.
        guard: locks entries as the account's protections say; None where none is configured.
        peak: highest equity marked; `day_start`: equity at the last UTC midnight (or the start).
        loss_floor, drawdown_floor: equity at or below which a limit trips; `floor`: the higher.
        next_day: the coming UTC midnight, nanoseconds.
    """

    __slots__ = (
        "account",
        "day",
        "day_start",
        "drawdown_floor",
        "equity",
        "floor",
        "guard",
        "limits",
        "loss_floor",
        "mode",
        "mode_cause",
        "next_day",
        "orders_at",
        "peak",
        "stop",
    )

    def __init__(
        self, account: AccountId, limits: RiskLimits, protections: Sequence[Protection] = ()
    ) -> None:
        self.account = account
        self.limits = limits
        self.guard = Guard(account, protections) if protections else None
        self.mode = Mode.NORMAL
        self.mode_cause = ""
        self.stop = ""
        self.equity = 0.0
        self.peak = 0.0
        self.day = -1
        self.day_start = 0.0
        self.loss_floor = -1.0
        self.drawdown_floor = -1.0
        self.floor = -1.0
        self.next_day = 0
        self.orders_at: deque[int] = deque()

    def use_limits(self, limits: RiskLimits) -> None:
        """Put other limits in force."""
        self.limits = limits
        self._set_floors()

    @property
    def locks(self) -> Mapping[str, Lock]:
        """Lock id → lock; one whose `until` the feed's clock has reached has ended."""
        return _NO_LOCKS if self.guard is None else self.guard.locks

    def is_rate_spent(self, ts: int) -> bool:
        """Whether another order at `ts` would be one too many in a second of event time."""
        sent, allowed = self.orders_at, self.limits.orders_per_s
        return len(sent) >= allowed and ts - sent[-allowed] < SECOND_NS

    def is_moved(self, equity: float, ts: int) -> bool:
        """Whether equity at `ts` is a new peak, trips a limit or begins a day: seldom."""
        return not (self.floor < equity <= self.peak and ts < self.next_day)

    @property
    def is_steady(self) -> bool:
        """Whether its mode can only change by a limit, a new day, or somebody from outside.

        It is where nothing has tripped, and where a tripped limit lets it only reduce.
        """
        if self.mode is _NORMAL:
            return True
        is_limit = self.mode_cause.startswith((DRAWDOWN, DAILY_LOSS))
        return self.mode is _REDUCE_ONLY and bool(self.stop) and is_limit

    def unmoved(self, equity: Sequence[float]) -> int:
        """Return on how many of several marks of one day no limit trips, while it is steady."""
        if self.stop == DRAWDOWN:
            return len(equity)  # nothing is left to trip
        # A daily loss that has tripped does not trip again; a drawdown still may.
        loss_floor = -math.inf if self.stop else self.loss_floor
        if max(equity) <= self.peak and min(equity) > max(loss_floor, self.drawdown_floor):
            return len(equity)
        peak, keep = self.peak, 1.0 - self.limits.drawdown_frac
        for count, mark in enumerate(equity):
            peak = max(peak, mark)
            # As after `raise_peak`: a new peak raises the floor of its own mark too.
            if not (mark > loss_floor and mark > peak * keep):
                return count
        return len(equity)

    def take(self, equity: Sequence[float]) -> None:
        """Take several marks on which no limit trips."""
        self.equity = equity[-1]
        highest = max(equity)
        if highest > self.peak:
            self.raise_peak(highest)

    def raise_peak(self, equity: float) -> None:
        """Take a new highest equity."""
        self.peak = equity
        self._set_floors()

    def begin_day(self, day: int, equity: float) -> None:
        """Begin a UTC day (its number since 1970; -1 before the first) with its equity."""
        if day > self.day and self.stop == DAILY_LOSS:
            self.stop = ""
        self.day = day
        self.next_day = (day + 1) * DAY_NS
        self.day_start = equity
        self._set_floors()

    def move_by(self, amount: float) -> None:
        """Move the watermarks by money that came from, or went, outside: it is no profit."""
        if self.guard is not None:
            self.guard.move_by(amount)
        self.equity += amount
        self.peak += amount
        self.day_start += amount
        self._set_floors()

    def fold_performance(self, fact: PerformanceUpdate) -> None:
        """Take the watermarks of a fact."""
        self.equity = fact.equity
        self.peak = fact.peak
        if self.guard is not None:
            self.guard.fold_highs(fact.highs)
        self.begin_day(fact.day, fact.day_start)

    def fold_mode(self, fact: ModeChanged) -> None:
        """Take the mode of a fact, and the protection that it begins or ends."""
        self.mode = fact.mode
        self.mode_cause = fact.cause
        if fact.cause.startswith(DRAWDOWN):
            self.stop = DRAWDOWN
        elif fact.cause.startswith(DAILY_LOSS):
            self.stop = self.stop or DAILY_LOSS
        elif fact.mode is Mode.NORMAL:
            if self.stop == DRAWDOWN:  # a person let it go on: the next mark is the new peak
                self.peak = 0.0
                self._set_floors()
            self.stop = ""

    def fold_placed(self, fact: OrderPlaced) -> None:
        """Count an order (held children are counted with their parent)."""
        if fact.state is _HELD:
            return
        # The last second's, whatever the limit: one that is lowered and raised again would
        # otherwise have forgotten orders, and let more of them pass than either allows.
        sent, ts = self.orders_at, fact.ts
        while sent and ts - sent[0] >= SECOND_NS:
            sent.popleft()
        sent.append(ts)

    def _set_floors(self) -> None:
        self.loss_floor = self.day_start * (1.0 - self.limits.daily_loss_frac)
        self.drawdown_floor = self.peak * (1.0 - self.limits.drawdown_frac)
        self.floor = max(self.loss_floor, self.drawdown_floor)
