"""The engine's process: recover, reconcile, warm up, trade. One thread steps; others wait."""

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import NamedTuple

import structlog

from botcore.app.channel import Publisher
from botcore.app.composition import PAPER, USDT, engine_config, market_of
from botcore.app.continuing import continued, keep_stop
from botcore.app.failpoints import arm_if_told
from botcore.app.home import Home
from botcore.app.market_tape import Tape
from botcore.app.markets import MarketEvent
from botcore.app.publishing import FactPublisher
from botcore.app.recording import Recorder
from botcore.app.recovering import Recovery, next_epoch
from botcore.app.restoring import capture, encode_state, restore
from botcore.app.settings import Settings
from botcore.app.step_watch import StepWatch
from botcore.app.told import Told
from botcore.app.viewing import Recent, Viewer
from botcore.app.warming_up import warm_up
from botcore.control.views import AlertView, FeedStatus
from botcore.domain.commands import (
    ApplyConfig,
    Checkpoint,
    Command,
    Deposit,
    Quarantine,
    SetMode,
)
from botcore.domain.errors import StorageError
from botcore.domain.events import OBSERVATIONS, Fact
from botcore.domain.ids import SECOND_NS, StrategyId
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarOpened, BarsClosed
from botcore.domain.modes import Mode
from botcore.domain.numbers import use_money_context
from botcore.engine import Engine, Sequencer, Session
from botcore.execution import HorizonConfig
from botcore.kernel.clock import SystemClock
from botcore.kernel.mailbox import Mailbox, Overflow
from botcore.storage import ReadModels, SqlJournal, Store, StoreRefused, refuse_if_damaged
from botcore.venues.simulated import SimulatedVenue, SqliteVenueStore, VenueConfig

_VIEW_EVERY_NS = SECOND_NS // 2
_CHECKPOINT_EVERY_NS = 60 * SECOND_NS
_BATCH = 256
_MAILBOX = 4_096
_CURVE_KEPT = 1_000
_OBSERVATIONS = frozenset(OBSERVATIONS)
_FEED_HEALTH = {FeedStatus.LIVE: "ok", FeedStatus.STALE: "degraded", FeedStatus.DOWN: "down"}
IN_PROCESS = HorizonConfig(receive_window_ns=0, backend_ns=0, lag_ns=0)
"""The paper venue lives in this process: no request of an earlier one can still be under way."""


class _Heard(NamedTuple):
    """An event of the market with its stamp; `is_history` is what was missed and came late."""

    event: MarketEvent
    ts: int
    is_history: bool = False


class EngineProcess:
    """Composes the engine with its stores, venue and feed, and runs it.

    Args:
        settings: in force.
        home: locked by whoever started us.
        events, commands: where views are published and commands taken.
        quarantined: strategies that never returned: not asked any more.
    """

    def __init__(
        self,
        settings: Settings,
        home: Home,
        *,
        events: str,
        commands: str,
        quarantined: tuple[str, ...] = (),
    ) -> None:
        use_money_context()
        self._log = structlog.get_logger("engine")
        self._settings = settings
        self._home = home
        self._quarantined = quarantined
        self._system = SystemClock()
        self._started = self._system.monotonic_ns()
        self._store = Store(home.journal_url)
        self._store.upgrade()
        refuse_if_damaged(self._store)
        self._journal = SqlJournal(self._store)
        self._tape = Tape(home.tape, max_bytes=settings.tape_bytes)
        self._market = market_of(settings, home)
        self._config, classes = engine_config(settings, self._market, folder=home.strategies)
        self._engine = Engine(self._config, classes, observe=True)
        self._recent = Recent(self._engine)
        self._venue = self._open_venue()
        self._venue_failure: StorageError | None = None
        self._recorder = Recorder(
            journal=self._journal, tape=self._tape, account=PAPER, on_fact=self._happened
        )
        self._mailbox: Mailbox[_Heard | Told] = Mailbox(capacity=_MAILBOX, overflow=Overflow.BLOCK)
        self._publisher = Publisher(
            events=events, commands=commands, token=home.token(), on_command=self._told
        )
        self._facts = FactPublisher(self._journal, self._publisher, PAPER)
        self._stopping = threading.Event()
        self._watch = StepWatch(self._engine, clock=self._system, on_orphaned=self._stopping.set)
        self._decided_at = 0
        self._is_catching_up = self._is_over = False
        self._next_view = self._next_checkpoint = self._next_mending = 0
        self._viewer = Viewer(
            engine=self._engine,
            recent=self._recent,
            home=str(home.path),
            pid=os.getpid(),
            market=self._market,
        )

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; the state is durable when this returns."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        self._watch.start()
        self._open()
        self._publisher.start()
        self._market.start(self._put, self._put_history)
        try:
            self._publish()  # at once, not after a wait for the first event
            self._loop()
        finally:
            self._market.stop()
            self._watch.stop_watching()
            self._close()
            self._watch.stop()

    def _now(self) -> int:
        """Return the instant of the market's own clock, nanoseconds."""
        return self._market.clock.now_ns()

    # Start-up is recovery: replay, reconcile, warm up, trade (R10).

    def _open(self) -> None:
        tape_end = self._tape.last_key()
        restored = restore(self._engine, self._journal)
        portfolio = self._engine.desk.portfolio
        portfolio.verify()
        models = ReadModels(self._store)
        self._recent.seed(models, PAPER, portfolio.positions(PAPER))
        for row in reversed(models.performance(PAPER, limit=_CURVE_KEPT)):
            self._engine.curves[PAPER].add(row["ts"], row["equity"])
        is_first = restored.lsn == 0
        keys = [key for key in (restored.key, tape_end) if key is not None]
        last = max((key.ts for key in keys), default=0)
        self._market.open(wall=self._system, last=last)
        newest = max(keys, key=lambda key: key.seq, default=None)
        self._session = Session(
            engine=self._engine,
            venue=self._venue,
            sequencer=Sequencer(newest),
            commit=self._recorder.commit,
        )
        self._recovery = Recovery(
            engine=self._engine,
            session=self._session,
            ask=lambda ref: list(self._venue.query(ref, self._now())),
            account=PAPER,
            now=self._now,
            wait=self._market.clock.sleep_blocking,
            horizon=IN_PROCESS,
        )
        now = self._now()
        tell = self._session.input
        tell(ApplyConfig(PAPER, self._config.document()), now)
        self._recovery.begin(next_epoch(self._engine.desk.execution.epoch, self._system.now_ns()))
        self._fund(now)
        for name in self._quarantined:
            tell(Quarantine(PAPER, StrategyId(name), "it never returned"), now)
        self._decided_at = self._viewer.last_event = warm_up(
            self._session, self._market, restored, tape=self._tape, recorder=self._recorder
        )
        doubts = self._recovery.finish()
        if not is_first:
            self._viewer.continued = continued(
                self._home, self._engine, wall_ns=self._system.now_ns()
            )
        self._log.info(
            "engine_ready",
            market=self._market.name,
            first=is_first,
            facts=restored.facts,
            warm=restored.are_strategies_warm,
            doubts=doubts,
            snapshot=restored.refused or "ok",
        )

    def _fund(self, now: int) -> None:
        """Put the opening money where it is missing: at the venue, and in the ledger."""
        cash = self._settings.cash
        if not self._venue.balances(PAPER):
            self._venue.deposit(PAPER, USDT, cash)
        if not self._engine.desk.portfolio.ledger.at(f"external:{PAPER}"):
            self._session.input(Deposit(PAPER, USDT, f"{cash:f}", "opening"), now)

    # Running.

    def _loop(self) -> None:
        while not self._stopping.is_set():
            for item in self._mailbox.take(_BATCH, timeout_s=0.1):
                if isinstance(item, Told):
                    self._carry_out(item)
                else:
                    with self._watch.step():
                        self._take(item)
            self._session.fire_timers(self._now())
            self._hear()
            # By the machine's clock: the market's own may run many times as fast.
            passed = self._system.monotonic_ns()
            if passed >= self._next_view:
                self._next_view = passed + _VIEW_EVERY_NS
                self._publish()
            if passed >= self._next_checkpoint:
                self._next_checkpoint = passed + _CHECKPOINT_EVERY_NS
                self._checkpoint(self._now())
            failure = self._failure
            if failure is not None and self._system.monotonic_ns() >= self._next_mending:
                self._mend(failure)

    def _hear(self) -> None:
        """Tell a person what the market has to say; open nothing more once it has ended."""
        news = self._market.news()
        if news:
            self._log.warning("market_news", cause=news)
            self._recent.alerts.appendleft(AlertView(self._now(), "FEED", news))
        if self._market.has_ended and not self._is_over and not len(self._mailbox):
            self._is_over = True
            account = self._engine.desk.risk.account(PAPER)
            if account.mode is Mode.NORMAL:
                ended = SetMode(PAPER, Mode.REDUCE_ONLY, "engine", self._market.end_words)
                self._session.input(ended, self._now())

    def _take(self, heard: "_Heard") -> None:
        """Play an event; what the market missed is history: strategies see it and do not trade."""
        if heard.is_history is not self._is_catching_up:
            self._turn(is_history=heard.is_history)
        if not heard.is_history:
            self._play(heard.event, heard.ts)
            return
        self._session.input(heard.event, heard.ts)
        self._decided_at = self._viewer.last_event = heard.ts

    def _turn(self, *, is_history: bool) -> None:
        """Begin to catch up, or go on trading behind what was caught up with."""
        self._is_catching_up = is_history
        try:
            if is_history:
                self._recovery.begin(self._engine.desk.execution.epoch)
            elif self._failure is None:  # else mending it does this
                self._recovery.finish()
        except StorageError as error:  # of the venue's store, as in `_play`
            self._venue_failure = error
            self._recovery.hold(error.cause)

    def _play(self, event: MarketEvent, ts: int) -> None:
        try:
            if isinstance(event, BarsClosed):
                self._session.bars(event)
            elif isinstance(event, BarOpened):
                self._session.opened(event)
            else:
                self._session.input(event, ts)
        except StorageError as error:
            # The journal's failures are met inside the session: this is the venue's. The market
            # goes on without it.
            self._venue_failure = error
            self._recovery.hold(error.cause)
            if self._recorder.last_market is not event:
                self._session.input(event, ts)
        if isinstance(event, BarsClosed):
            self._decided_at = event.ts_close
            self._recorder.flush()
        self._viewer.last_event = ts

    def _carry_out(self, told: Told) -> None:
        failure: StorageError | None = None
        try:
            self._session.input(told.command, self._now())
        except StorageError as error:
            failure = self._venue_failure = error
        try:
            if self._recorder.failure is None:
                self._journal.wait_durable(self._journal.last_lsn)
        except StorageError as error:
            failure = error
        told.carried_out(failure)

    @property
    def _failure(self) -> StorageError | None:
        """Why orders cannot be sent; None if they can."""
        return self._recorder.failure or self._venue_failure

    def _mend(self, failure: StorageError) -> None:
        """Only cancel while a store cannot be written; try again, and reconcile once it can."""
        self._recovery.hold(failure.cause)
        try:
            if self._venue_failure is not None:
                self._venue = self._open_venue()
                self._session.reconnect(self._venue)
            is_back = self._recovery.mend(self._recorder)
        except StorageError as error:
            if isinstance(error, StoreRefused) or error is self._recorder.failure:
                raise  # what it lost, or what waits, is too much to go on with
            is_back, failure = False, error
        if is_back:
            self._venue_failure = None
            self._next_mending = 0
            self._is_catching_up = False  # it may trade again: more history has to say so anew
            self._log.info("storage_back")
            return
        if not self._next_mending:
            self._log.error(
                "storage_failed", code=failure.code, cause=failure.cause, fix=failure.fix
            )
        self._next_mending = self._system.monotonic_ns() + SECOND_NS

    def _open_venue(self) -> SimulatedVenue:
        return SimulatedVenue(
            instruments=InstrumentBook(self._config.instruments),
            config=VenueConfig(),
            store=SqliteVenueStore(self._home.venue),
        )

    def _keep_market(self) -> None:
        """Keep where the market stands; where that fails, the tape tells the next start."""
        try:
            self._market.keep()
        except StorageError as error:
            self._log.warning("market_not_kept", cause=error.cause, fix=error.fix)

    def _checkpoint(self, now: int) -> None:
        self._session.input(Checkpoint(PAPER), now)
        try:
            self._snapshot()
        except StorageError as error:
            # The journal alone gives the same state: nothing stops for want of a snapshot.
            self._log.warning("snapshot_failed", cause=error.cause, fix=error.fix)

    def _snapshot(self) -> None:
        if self._recorder.failure is None:
            state, digest = encode_state(capture(self._engine, self._decided_at))
            self._journal.save_snapshot(self._journal.last_lsn, state, digest)

    def _happened(self, lsn: int, fact: Fact) -> None:
        self._recent.add(lsn, fact)
        if type(fact) in _OBSERVATIONS:
            self._facts.observe(fact)

    def _publish(self) -> None:
        now = self._now()
        failure = self._failure
        if failure is None:
            with contextlib.suppress(StorageError):  # the next flush goes on where this one ended
                self._facts.flush()
        storage = ("ok", "") if failure is None else ("down", failure.cause)
        self._facts.health("storage", *storage, ts=now)
        view = self._viewer.view(
            now=now,
            wall=self._system.now_ns(),
            uptime_s=(self._system.monotonic_ns() - self._started) / 1e9,
            storage="ok" if failure is None else f"{failure.cause} [{failure.code}]",
        )
        self._facts.health("feed", _FEED_HEALTH[view.feed.status], "", ts=now)
        self._publisher.publish_view(view)

    def _close(self) -> None:
        """Keep everything: what waits in the mailbox has not happened yet and is played later."""
        now = self._now()
        with contextlib.suppress(StorageError):
            self._recorder.try_again()
            self._checkpoint(now)
        self._keep_market()
        with contextlib.suppress(StorageError):
            keep_stop(self._home, wall_ns=self._system.now_ns())
        self._publisher.close()
        with contextlib.suppress(StorageError):
            self._tape.close()
        self._journal.close()
        self._log.info("engine_stopped", state=self._engine.state_hash())

    def _put(self, event: MarketEvent, ts: int) -> None:
        self._mailbox.put(_Heard(event, ts))

    def _put_history(self, event: BarsClosed, ts: int) -> None:
        self._mailbox.put(_Heard(event, ts, is_history=True))

    def _told(self, command: Command) -> str:
        told = Told(command)
        self._mailbox.put_prior(told)
        told.wait_blocking()
        account = self._engine.desk.risk.account(PAPER)
        return f"done; the account is in {account.mode}"

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()


def run_engine(
    settings: Settings, *, events: str, commands: str, quarantined: tuple[str, ...] = ()
) -> None:
    """Run the engine's process in the settings' home until it is told to stop.

    Raises:
        BotError: it cannot start: a setting is refused, or a store is damaged or newer.
    """
    arm_if_told()
    home = Home(settings.home, settings.market_folder)
    EngineProcess(settings, home, events=events, commands=commands, quarantined=quarantined).run()
