"""The guard of one account: its protections, what they look at, and the locks in force."""

from collections.abc import Iterable, Mapping, Sequence

from botcore.domain.errors import ConfigError
from botcore.domain.events import PositionChanged, ProtectionLifted, ProtectionLocked
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.keys import Key
from botcore.risk.locking.locks import Lock, covered, lock_id
from botcore.risk.locking.rules import DrawdownGuard, Protection, span
from botcore.risk.locking.state import GuardState, WindowState
from botcore.risk.locking.trades import Booking, ClosedTrade, Trades
from botcore.risk.locking.verdicts import Verdict, verdict
from botcore.risk.locking.windows import EquityWindow

_NOTHING: tuple[ProtectionLocked, ...] = ()
_LONG_AGO = -(1 << 62)
PERSON = "person:"


class Guard:
    """Locks entries as its protections say; changed by facts, and by marks between two of them.

    It denies nothing itself: the gate asks `denies` about what raises exposure.

    Args:
        account: whose.
        rules: its protections, in the order in which they are looked at.

    Attributes:
        locks: by id; one whose `until` the feed's clock has reached has ended, and is forgotten
            with the next lock.
        trades: what was traded within the longest look-back.
        windows: of the protections that watch equity.

    Raises:
        ConfigError: ``PROTECTION_NAMED_TWICE``.
    """

    __slots__ = ("_account", "_forgiven", "_rules", "_trade_rules", "locks", "trades", "windows")

    def __init__(self, account: AccountId, rules: Sequence[Protection]) -> None:
        self._account = account
        self._rules: dict[str, Protection] = {}
        for rule in rules:
            if rule.name in self._rules:
                raise _named_twice(rule.name)
            self._rules[rule.name] = rule
        self._trade_rules = tuple(r for r in rules if not isinstance(r, DrawdownGuard))
        self.windows = tuple(EquityWindow(r) for r in rules if isinstance(r, DrawdownGuard))
        self.trades = Trades(self._lookback_ns)
        self.locks: dict[str, Lock] = {}
        self._forgiven: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"Guard({self.state()!r})"

    def denies(self, strategy: StrategyId, instrument: InstrumentId, ts: int) -> Lock | None:
        """Return the lock that lets the strategy open nothing there now: the one that ends last."""
        found = None
        for lock in self.locks.values():
            if ts < lock.until and lock.covers(strategy, instrument):
                found = lock if found is None or lock.until > found.until else found
        return found

    def filled(self, booking: Booking) -> None:
        """Take what a fill finds, before it is booked."""
        self.trades.filled(booking)

    def changed(self, fact: PositionChanged) -> ClosedTrade | None:
        """Take a change of a position; return the trade that it closes."""
        closed = self.trades.changed(fact)
        if closed is not None:
            self._count_trades()
        return closed

    def judge(self, trade: ClosedTrade, at: Key) -> list[ProtectionLocked]:
        """Let every protection look at a trade that has just closed; return the locks, in force.

        A lock that is in force is made longer, never shorter. A fill that is heard of so late that
        its lock would be over makes none.
        """
        facts = []
        for rule in self._trade_rules:
            line = covered(rule.scope, trade.strategy, trade.instrument)
            name = lock_id(rule.name, *line)
            since = self._forgiven.get(name, _LONG_AGO)
            found = verdict(rule, trade, self.trades.closed, since=since)
            if found is None or found.until <= at.ts:
                continue
            known = self.locks.get(name)
            if known is None or known.until < found.until:
                facts.append(self._lock(rule, line, found, at))
        return facts

    def mark(self, equity: float, at: Key) -> Sequence[ProtectionLocked]:
        """Take the equity of a bar's close; return the locks that follow, in force: seldom any."""
        facts = _NOTHING
        for window in self.windows:
            if window.mark(at.ts, equity):
                rule = window.rule
                cause = (
                    f"equity {equity:.2f} fell {1.0 - equity / window.high:.2%} from"
                    f" {window.high:.2f}, its highest within {span(rule.lookback_ns)};"
                    f" {rule.drawdown_frac:.2%} is allowed"
                )
                wanted = Verdict(at.ts + rule.lock_ns, cause)
                facts = (*facts, self._lock(rule, (None, None), wanted, at))
        return facts

    def quiet(self, stamps: Sequence[int], equity: Sequence[float]) -> int:
        """Return on how many of several marks, bars without a fill, nothing locks."""
        return min((each.quiet(stamps, equity) for each in self.windows), default=len(equity))

    def pass_over(self, stamps: Sequence[int], equity: Sequence[float]) -> None:
        """Take several marks on which nothing locks."""
        for window in self.windows:
            window.pass_over(stamps, equity)

    def lift(self, lock: str, *, by: str, at: Key) -> ProtectionLifted | None:
        """End a lock early; None where none of that id is in force, or nobody who may asks.

        What made the lock does not make another: what closed before is not counted again for it,
        and the highest equity is looked for anew.
        """
        known = self.locks.get(lock)
        if known is None or known.until <= at.ts or not by.startswith(PERSON):
            return None
        fact = ProtectionLifted(self._account, Nanos(at.ts), lock, known.protection, by)
        self.fold_lifted(fact)
        return fact

    def fold_locked(self, fact: ProtectionLocked) -> None:
        """Take a lock; one of a protection that is configured no more is none."""
        if fact.protection not in self._rules:
            return
        known = self.locks.get(fact.lock)
        since = fact.ts if known is None or known.until <= fact.ts else known.since
        self.locks = {name: lock for name, lock in self.locks.items() if lock.until > fact.ts}
        self.locks[fact.lock] = Lock.of(fact, since)
        self._restart_window(fact.protection, fact.until)

    def fold_lifted(self, fact: ProtectionLifted) -> None:
        """Take the end of a lock."""
        if fact.protection not in self._rules:
            return
        self.locks.pop(fact.lock, None)
        oldest = fact.ts - self._lookback_ns
        self._forgiven = {name: ts for name, ts in self._forgiven.items() if ts > oldest}
        self._forgiven[fact.lock] = fact.ts
        self._restart_window(fact.protection, fact.ts)

    def fold_highs(self, highs: Iterable[tuple[str, tuple[tuple[int, float], ...]]]) -> None:
        """Take the highest equities of a fact."""
        found = dict(highs)
        for window in self.windows:
            window.take(found.get(window.rule.name, ()))

    def highs(self) -> tuple[tuple[str, tuple[tuple[int, float], ...]], ...]:
        """Return the highest equities of every window, for a fact to carry."""
        return tuple((window.rule.name, window.highs) for window in self.windows)

    def move_by(self, amount: float) -> None:
        """Move the highest equities by money that came from, or went, outside."""
        for window in self.windows:
            window.move_by(amount)

    def state(self) -> GuardState:
        """Return all that it remembers, canonical."""
        trades = self.trades
        return GuardState(
            locks=tuple(self.locks[name] for name in sorted(self.locks)),
            forgiven=dict(sorted(self._forgiven.items())),
            open=tuple(trades.open[line] for line in sorted(trades.open)),
            closed=tuple(trades.closed),
            windows={w.rule.name: WindowState(w.begins, w.highs) for w in self.windows},
        )

    def restore(self, state: GuardState) -> None:
        """Become what `state` described, under the protections in force."""
        rules = self._rules
        self.locks = {lock.id: lock for lock in state.locks if lock.protection in rules}
        self._forgiven = dict(state.forgiven)
        self.trades.open = {(each.strategy, each.instrument): each for each in state.open}
        self.trades.closed = list(state.closed)
        for window in self.windows:
            kept = state.windows.get(window.rule.name, WindowState(0, ()))
            window.restart(kept.begins)
            window.take(kept.highs)
        self._count_trades()

    @property
    def rules(self) -> Mapping[str, Protection]:
        """The protections in force, by name."""
        return self._rules

    @property
    def _lookback_ns(self) -> int:
        return max((rule.lookback_ns for rule in self._rules.values()), default=0)

    def _lock(
        self,
        rule: Protection,
        line: tuple[StrategyId | None, InstrumentId | None],
        wanted: Verdict,
        at: Key,
    ) -> ProtectionLocked:
        fact = ProtectionLocked(
            self._account,
            Nanos(at.ts),
            lock_id(rule.name, *line),
            rule.name,
            rule.kind,
            *line,
            Nanos(wanted.until),
            wanted.cause,
        )
        self.fold_locked(fact)
        return fact

    def _restart_window(self, protection: str, begins: int) -> None:
        """Measure a fall anew: the one that made a lock makes no second."""
        for window in self.windows:
            if window.rule.name == protection:
                window.restart(begins)

    def _count_trades(self) -> None:
        """Let every window know until when enough trades lie in its look-back."""
        for window in self.windows:
            window.count_trades(self.trades)


def _named_twice(name: str) -> ConfigError:
    return ConfigError(
        code="PROTECTION_NAMED_TWICE",
        cause=f"two protections are configured as {name}",
        fix="give each a name of its own; several may be of one kind",
    )
