"""The engine's process: recover, reconcile, warm up, trade. One thread steps; others wait."""

import contextlib
import os
import signal
import threading
from decimal import Decimal
from types import FrameType

import structlog

from botcore.app.channel import Publisher
from botcore.app.composition import PAPER, USDT, engine_config, market_config
from botcore.app.feed import (
    BANNER,
    MarketEvent,
    SimulatedFeed,
    bars_of,
    begin,
    load_state,
    resumed,
    save_state,
)
from botcore.app.home import Home
from botcore.app.market_tape import Tape
from botcore.app.publishing import FactPublisher
from botcore.app.recording import Recorder
from botcore.app.recovering import Recovery, next_epoch
from botcore.app.restoring import Restored, capture, encode_state, restore
from botcore.app.settings import Settings
from botcore.app.viewing import Recent, Viewer
from botcore.control.views import FeedStatus
from botcore.domain.commands import (
    ApplyConfig,
    Checkpoint,
    Command,
    Deposit,
    Quarantine,
)
from botcore.domain.errors import StorageError
from botcore.domain.events import OBSERVATIONS, Fact
from botcore.domain.ids import DAY_NS, SECOND_NS, StrategyId
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarOpened, BarsClosed, BarSpec
from botcore.domain.numbers import use_money_context
from botcore.engine import Engine, Sequencer, Session
from botcore.execution import HorizonConfig
from botcore.kernel import failpoint
from botcore.kernel.clock import PausableClock, SystemClock
from botcore.kernel.heart import SUPERVISOR_FD, Heart
from botcore.kernel.mailbox import Mailbox, Overflow
from botcore.kernel.watchdog import SlowSection, Watchdog
from botcore.storage import ReadModels, SqlJournal, Store, StoreRefused, refuse_if_damaged
from botcore.venues.simulated import SimulatedVenue, SqliteVenueStore, VenueConfig
from botcore.venues.simulated.market import SimulatedMarket

_VIEW_EVERY_NS = SECOND_NS // 2
_CHECKPOINT_EVERY_NS = 60 * SECOND_NS
_BATCH = 256
_MAILBOX = 4_096
_CURVE_KEPT = 1_000
_OBSERVATIONS = frozenset(OBSERVATIONS)
_FEED_HEALTH = {FeedStatus.LIVE: "ok", FeedStatus.STALE: "degraded", FeedStatus.DOWN: "down"}
FAILPOINT = "BOTCORE_FAILPOINT"
"""Environment variable for tests of crashes: ``<name>:<n>:kill|stop|sleep:<seconds>``."""
IN_PROCESS = HorizonConfig(receive_window_ns=0, backend_ns=0, lag_ns=0)
"""The paper venue lives in this process: no request of an earlier one can still be under way."""


class _Told:
    """A command with the place where its answer goes."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.done = threading.Event()
        self.error: StorageError | None = None


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
        self._config, classes = engine_config(settings)
        self._engine = Engine(self._config, classes, observe=True)
        self._recent = Recent(self._engine)
        self._venue = self._open_venue()
        self._venue_failure: StorageError | None = None
        self._recorder = Recorder(
            journal=self._journal, tape=self._tape, account=PAPER, on_fact=self._happened
        )
        self._mailbox: Mailbox[tuple[MarketEvent, int] | _Told] = Mailbox(
            capacity=_MAILBOX, overflow=Overflow.BLOCK
        )
        self._publisher = Publisher(
            events=events, commands=commands, token=home.token(), on_command=self._told
        )
        self._facts = FactPublisher(self._journal, self._publisher, PAPER)
        self._stopping = threading.Event()
        self._decided_at = 0
        self._next_view = self._next_checkpoint = self._next_mending = 0
        self._step_ns = market_config(settings).bar_ns
        self._viewer = Viewer(
            engine=self._engine,
            recent=self._recent,
            home=str(home.path),
            pid=os.getpid(),
            banner=BANNER,
            step_ns=self._step_ns,
        )

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; the state is durable when this returns."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        heart = self._heart()
        self._watchdog = Watchdog(
            clock=self._system,
            on_slow=self._slow,
            on_stuck=lambda slow: self._stuck(slow, heart),
        )
        self._watchdog.start()
        market, clock, feed = self._open()
        self._publisher.start()
        feed.start()
        try:
            self._loop(clock)
        finally:
            feed.stop()
            self._watchdog.stop()
            self._close(market, clock)
            if heart is not None:
                heart.stop()

    # Start-up is recovery: replay, reconcile, warm up, trade (R10).

    def _open(self) -> tuple[SimulatedMarket, PausableClock, SimulatedFeed]:
        self._tape_end = self._tape.last_key()
        restored = restore(self._engine, self._journal)
        portfolio = self._engine.desk.portfolio
        portfolio.verify()
        models = ReadModels(self._store)
        self._recent.seed(models, PAPER, portfolio.positions(PAPER))
        for row in reversed(models.performance(PAPER, limit=_CURVE_KEPT)):
            self._engine.curves[PAPER].add(row["ts"], row["equity"])
        is_first = restored.lsn == 0
        market, clock = self._market(restored)
        keys = [key for key in (restored.key, self._tape_end) if key is not None]
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
            ask=lambda ref: list(self._venue.query(ref, clock.now_ns())),
            account=PAPER,
            now=clock.now_ns,
            wait=clock.sleep_blocking,
            horizon=IN_PROCESS,
        )
        now = clock.now_ns()
        tell = self._session.input
        tell(ApplyConfig(PAPER, self._config.document()), now)
        self._recovery.begin(next_epoch(self._engine.desk.execution.epoch, self._system.now_ns()))
        self._fund(now)
        for name in self._quarantined:
            tell(Quarantine(PAPER, StrategyId(name), "it never returned"), now)
        self._warm_up(market, restored)
        doubts = self._recovery.finish()
        if not is_first:
            self._viewer.continued = self._continued()
        feed = SimulatedFeed(
            market=market,
            clock=clock,
            put=self._put,
            on_bar=lambda: self._keep_market(market, clock),
        )
        self._log.info(
            "engine_ready",
            first=is_first,
            facts=restored.facts,
            warm=restored.are_strategies_warm,
            doubts=doubts,
            snapshot=restored.refused or "ok",
        )
        return market, clock, feed

    def _market(self, restored: Restored) -> tuple[SimulatedMarket, PausableClock]:
        config = market_config(self._settings)
        state = load_state(self._home)
        if state is None:
            now = self._system.now_ns()
            history = round(self._settings.history_days * DAY_NS)
            market = begin(config, seed=self._settings.seed, now=now, history_ns=history)
            save_state(self._home, market, now)
            return market, PausableClock(now, base=self._system)
        last = max((key.ts for key in (restored.key, self._tape_end) if key), default=0)
        return resumed(config, state), PausableClock(max(state.clock_ns, last), base=self._system)

    def _warm_up(self, market: SimulatedMarket, restored: Restored) -> None:
        """Feed the strategies history, unless they go on from their own state.

        History is fed to the engine alone: the venue must not match a resting order against it.
        """
        spec = BarSpec(self._step_ns)
        first = market.next_bar == 0
        history_bars = round(self._settings.history_days * DAY_NS) // self._step_ns
        self._recorder.is_taping = first
        if first:
            events = list(bars_of(market.history(history_bars), spec))
        elif restored.are_strategies_warm:
            events = [e for e in self._taped() if e.ts_close > restored.decided_at]
        else:
            events = self._taped()[-history_bars:]
        for event in events:
            self._session.input(event, event.ts_close)
            self._decided_at = event.ts_close
            self._viewer.last_event = event.ts_close
        self._decided_at = max(self._decided_at, restored.decided_at)
        self._viewer.last_event = max(self._viewer.last_event, self._decided_at)
        self._recorder.is_taping = True
        self._tape.flush()
        # Bars that closed after the market's file was written were played: they are on the tape.
        while not first and market.ts_open(market.next_bar) + self._step_ns <= self._decided_at:
            market.history(1)

    def _taped(self) -> list[BarsClosed]:
        return [event for _, event in self._tape.read() if isinstance(event, BarsClosed)]

    def _fund(self, now: int) -> None:
        """Put the opening money where it is missing: at the venue, and in the ledger."""
        cash = self._settings.cash
        if not self._venue.balances(PAPER):
            self._venue.deposit(PAPER, USDT, cash)
        if not self._engine.desk.portfolio.ledger.at(f"external:{PAPER}"):
            self._session.input(Deposit(PAPER, USDT, f"{cash:f}", "opening"), now)

    def _continued(self) -> str:
        desk = self._engine.desk
        equity = desk.valuation.equity_exact(PAPER).quantize(Decimal("0.01"))
        held = sum(1 for p in desk.portfolio.positions(PAPER) if p.quantity)
        stopped = self._home.read_json("stopped.json") or {}
        ago = (self._system.now_ns() - int(stopped.get("wall_ns", self._system.now_ns()))) / 1e9
        positions = "1 position" if held == 1 else f"{held} positions"
        return f"continued: equity {equity:,f} USDT, {positions}, stopped {_ago(ago)}"

    # Running.

    def _loop(self, clock: PausableClock) -> None:
        while not self._stopping.is_set():
            for item in self._mailbox.take(_BATCH, timeout_s=0.1):
                if isinstance(item, _Told):
                    self._carry_out(item, clock)
                else:
                    with self._watchdog.section("step"):
                        self._play(*item)
            now = clock.now_ns()
            self._session.fire_timers(now)
            if now >= self._next_view:
                self._next_view = now + _VIEW_EVERY_NS
                self._publish(now)
            if now >= self._next_checkpoint:
                self._next_checkpoint = now + _CHECKPOINT_EVERY_NS
                self._checkpoint(now)
            failure = self._failure
            if failure is not None and self._system.monotonic_ns() >= self._next_mending:
                self._mend(failure)

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

    def _carry_out(self, told: _Told, clock: PausableClock) -> None:
        try:
            self._session.input(told.command, clock.now_ns())
        except StorageError as error:
            told.error = self._venue_failure = error
        try:
            if self._recorder.failure is None:
                self._journal.wait_durable(self._journal.last_lsn)
        except StorageError as error:
            told.error = error
        told.done.set()

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

    def _keep_market(self, market: SimulatedMarket, clock: PausableClock) -> None:
        """Keep where the market stands; where that fails, the tape tells the next start."""
        try:
            save_state(self._home, market, clock.now_ns())
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

    def _publish(self, now: int) -> None:
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

    def _close(self, market: SimulatedMarket, clock: PausableClock) -> None:
        """Keep everything: what waits in the mailbox has not happened yet and is played later."""
        now = clock.now_ns()
        with contextlib.suppress(StorageError):
            self._recorder.try_again()
            self._checkpoint(now)
        self._keep_market(market, clock)
        with contextlib.suppress(StorageError):
            self._home.replace("stopped.json", b'{"wall_ns": %d}' % self._system.now_ns())
        self._publisher.close()
        with contextlib.suppress(StorageError):
            self._tape.close()
        self._journal.close()
        self._log.info("engine_stopped", state=self._engine.state_hash())

    def _put(self, event: MarketEvent, ts: int) -> None:
        self._mailbox.put((event, ts))

    def _told(self, command: Command) -> str:
        told = _Told(command)
        self._mailbox.put_prior(told)
        if not told.done.wait(timeout=8.0):
            raise StorageError(
                code="ENGINE_BUSY",
                cause="the engine has not taken the command within 8 s",
                fix="see `./bot status`; it is carried out once the engine gets to it",
            )
        if told.error is not None:
            raise told.error
        account = self._engine.desk.risk.account(PAPER)
        return f"done; the account is in {account.mode}"

    def _slow(self, slow: SlowSection) -> None:
        self._log.warning(
            "step_slow", seconds=round(slow.seconds, 1), asked=self._asked(), stack=slow.stack
        )

    def _stuck(self, slow: SlowSection, heart: Heart | None) -> None:
        """A callback never returns: only the supervisor can end it, by ending this process."""
        asked = self._asked()
        self._log.error("step_stuck", seconds=round(slow.seconds, 1), asked=asked)
        if heart is not None:
            heart.tell_stuck(asked)

    def _asked(self) -> str:
        """Name the strategy being asked at this moment; empty between two."""
        slot = self._engine.deciders.asked
        return "" if slot is None else slot.strategy

    def _heart(self) -> Heart | None:
        fd = os.environ.get(SUPERVISOR_FD)
        if fd is None:
            return None
        heart = Heart(int(fd), on_orphaned=self._stopping.set)
        heart.start()
        return heart

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()


def run_engine(
    settings: Settings, *, events: str, commands: str, quarantined: tuple[str, ...] = ()
) -> None:
    """Run the engine's process in the settings' home until it is told to stop.

    Raises:
        BotError: it cannot start: a setting is refused, or a store is damaged or newer.
    """
    if spec := os.environ.get(FAILPOINT):
        failpoint.arm(spec)
    home = Home(settings.home)
    EngineProcess(settings, home, events=events, commands=commands, quarantined=quarantined).run()


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
