"""Recovery: the one way to a state that may trade, at every start and after every failure (R10)."""

from collections.abc import Callable

from botcore.app.reconciling import Ask, settle_doubts
from botcore.app.recording import Recorder
from botcore.control.views import ReconcilingView
from botcore.domain.commands import IntentNotDurable, Reconciled, SessionStarted
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS, AccountId
from botcore.domain.modes import Mode
from botcore.engine import Engine, Session
from botcore.execution import HorizonConfig
from botcore.kernel.clock import Clock

_EPOCHS_PER_SECOND = 1_000


def next_epoch(last: int, wall_ns: int) -> int:
    """Return the epoch of a new session: above the last one known, and above every earlier clock.

    The clock makes it new also where the store is an old copy that knows fewer epochs (R2): two
    sessions never begin within one millisecond.

    Args:
        last: the highest epoch the store knows, 0 in an empty one.
        wall_ns: the machine's wall time.
    """
    return max(last + 1, wall_ns * _EPOCHS_PER_SECOND // SECOND_NS)


class Recovery:
    """Brings engine and venue to one truth.

    `begin` closes what never left and asks about everything else; `finish` proves what became of
    what is still in doubt, and lets the account trade.

    Args:
        engine: restored, or running.
        session: its own.
        ask: asks the venue about an order.
        account: whose.
        now: the venue's clock, nanoseconds.
        wait: lets that clock move on, seconds.
        horizon: how long a request may still arrive (R4).
        clock: the machine's; says when it was done, and how long it took.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        session: Session,
        ask: Ask,
        account: AccountId,
        now: Callable[[], int],
        wait: Callable[[float], None],
        horizon: HorizonConfig,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._session = session
        self._ask = ask
        self._account = account
        self._now = now
        self._wait = wait
        self._horizon = horizon
        self._clock = clock
        self._due_since: int | None = None
        self._done = self._failed = self._last_wall = 0
        self._last_s = 0.0

    @property
    def figures(self) -> ReconcilingView:
        """How often it was done, when last, and how long it has been due."""
        return ReconcilingView(
            done=self._done,
            failed=self._failed,
            last_wall=self._last_wall,
            last_s=self._last_s,
            overdue_s=self._waited_s(),
        )

    def begin(self, epoch: int) -> None:
        """Start a session under an epoch; strategies are fed history from here on."""
        self._fall_due()
        self._session.input(SessionStarted(self._account, epoch), self._now())

    def settle(self) -> int:
        """Prove what became of every order in doubt; return how many there were."""
        return settle_doubts(
            self._engine,
            self._account,
            ask=self._ask,
            tell=lambda report: self._session.input(report, self._now()),
            now=self._now,
            wait=self._wait,
            horizon=self._horizon,
        )

    def finish(self) -> int:
        """Settle every doubt, and go on trading; return how many there were.

        Raises:
            StorageError: the venue's store cannot be read; it stays due.
        """
        try:
            doubts = self.settle()
            self._session.input(Reconciled(self._account, doubts), self._now())
        except StorageError:
            self._failed += 1
            raise
        self._done += 1
        self._last_wall, self._last_s = self._clock.now_ns(), self._waited_s()
        self._due_since = None
        return doubts

    def hold(self, cause: str) -> None:
        """Let the account only cancel, until it is reconciled again."""
        self._fall_due()
        mode = self._engine.desk.risk.account(self._account).mode
        if mode is Mode.NORMAL or mode is Mode.REDUCE_ONLY:
            self._session.input(IntentNotDurable(self._account, cause), self._now())

    def mend(self, recorder: Recorder) -> bool:
        """Go on after a storage failure, if the store is back; return whether it is.

        What the account owes the venue is done: cancels are repeated, orders asked about.

        Raises:
            StorageError: the store lost what it had called durable, or too much waits for it.
        """
        if not recorder.try_again():
            return False
        self.begin(self._engine.desk.execution.epoch)
        if recorder.failure is None:
            self.finish()
        return recorder.failure is None

    def _fall_due(self) -> None:
        if self._due_since is None:
            self._due_since = self._clock.monotonic_ns()

    def _waited_s(self) -> float:
        since = self._due_since
        return 0.0 if since is None else (self._clock.monotonic_ns() - since) / SECOND_NS
