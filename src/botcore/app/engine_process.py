"""The engine's process: recover, reconcile, warm up, trade. One thread steps; others wait."""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NamedTuple

import msgspec
import structlog

from botcore.app.calls import ComposedFrom, Composition, Recompose, Recomposing
from botcore.app.carrying_out import CarryingOut
from botcore.app.channel import Publisher
from botcore.app.composing import compose
from botcore.app.composition import PAPER, USDT, market_of
from botcore.app.continuing import continued, keep_stop
from botcore.app.decision_timing import DecisionTiming, core_wait_s
from botcore.app.desired import REFUSED
from botcore.app.failpoints import arm_if_told
from botcore.app.home import Home
from botcore.app.market_feed import MarketTeller
from botcore.app.market_tape import Tape
from botcore.app.markets import MarketEvent
from botcore.app.order_log import OrderLog
from botcore.app.prices_seen import PricesSeen
from botcore.app.processes import RECOMPOSED
from botcore.app.publishing import FactPublisher
from botcore.app.recent import Recent
from botcore.app.recording import Recorder
from botcore.app.recovering import Recovery, next_epoch
from botcore.app.restoring import capture, encode_state, restore
from botcore.app.settings import Settings, load_settings
from botcore.app.step_watch import StepWatch
from botcore.app.told import Told
from botcore.app.venue_costs import VenueCosts
from botcore.app.viewing import Viewer
from botcore.app.warming_up import warm_up
from botcore.control.discretion import discreet
from botcore.control.views import AlertView, FeedStatus, QueueView
from botcore.domain.commands import (
    ApplyConfig,
    Checkpoint,
    Deposit,
    Quarantine,
    SetMode,
)
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.events import OBSERVATIONS, Fact
from botcore.domain.ids import SECOND_NS, StrategyId
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarOpened, BarsClosed
from botcore.domain.modes import Mode
from botcore.domain.numbers import use_money_context
from botcore.engine import Sequencer, Session
from botcore.engine.answering import Answering
from botcore.engine.decided import DecisionOutcomes
from botcore.execution import HorizonConfig
from botcore.kernel.clock import SystemClock
from botcore.kernel.garbage import start_is_over
from botcore.kernel.heart import SUPERVISOR_FD
from botcore.kernel.mailbox import Mailbox, Overflow
from botcore.storage import ReadModels, SqlJournal, Store, StoreRefused, refuse_if_damaged
from botcore.venues.simulated import SimulatedVenue, SqliteVenueStore, VenueConfig

_VENUE = VenueConfig()
_VIEW_EVERY_NS = SECOND_NS // 2
_CHECKPOINT_EVERY_NS = 60 * SECOND_NS
_WAIT_S, _SOON_S = 0.1, 0.005
"""How long the market is waited for; while facts wait to be published, not as long."""
_BATCH = 256
_LINES = 20
"""Written into the log at a time, while nothing waits."""
_MAILBOX = 4_096
_CURVE_KEPT = 1_000
_TURN_S = 0.02
"""How long a thread that computes may keep the interpreter while others wait for it. Longer than
any decision, or a thread of the feed would take its turn in the middle of one; the engine's thread
gives it up by itself whenever it waits, which is many times a second."""
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
        changed = self._store.upgrade()
        if changed:
            self._log.info("store_upgraded", detail=changed)
        refuse_if_damaged(self._store)
        self._journal = SqlJournal(self._store)
        self._tape = Tape(home.tape, max_bytes=settings.tape_bytes)
        self._market = market_of(settings, home)
        self._composed = compose(settings, self._market, home)
        self._engine, self._config = self._composed.engine, self._composed.config
        self._recent = Recent(self._engine)
        self._outcomes = DecisionOutcomes()
        self._timing = DecisionTiming(self._system)
        self._order_log = OrderLog(self._log)
        self._prices = PricesSeen()
        self._venue = self._open_venue()
        self._venue_failure: StorageError | None = None
        self._recorder = Recorder(
            journal=self._journal, tape=self._tape, account=PAPER, on_fact=self._happened
        )
        self._mailbox: Mailbox[_Heard | Told] = Mailbox(capacity=_MAILBOX, overflow=Overflow.BLOCK)
        self._publisher = Publisher(
            events=events, commands=commands, token=home.token(), on_call=self._told
        )
        self._facts = FactPublisher(self._journal, self._publisher, PAPER)
        self._publisher.go_on_after(self._facts.last)
        # No Event: setting one takes a lock, and a second signal would wait for itself.
        self._is_stopping = False
        self._watch = StepWatch(self._engine, clock=self._system, on_orphaned=self._stop)
        self._teller = MarketTeller(self._publisher)
        self._decided_at = 0
        self._is_catching_up = self._is_over = self._is_recomposing = False
        self._next_view = self._next_checkpoint = self._next_mending = 0
        self._viewer = Viewer(
            engine=self._engine,
            recent=self._recent,
            home=str(home.path),
            pid=os.getpid(),
            market=self._market,
            stopped=self._composed.stopped,
        )

    def run(self) -> int:
        """Run until SIGTERM, SIGINT or a wish to be composed anew; all is durable by then.

        Returns:
            The exit code of the process.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        self._watch.start()
        self._open()
        self._publisher.start()
        self._market.start(self._put, self._put_history)
        try:
            self._publish()  # at once, not after a wait for the first event
            start_is_over()
            self._loop()
        finally:
            self._market.stop()
            self._watch.stop_watching()
            self._close()
            self._watch.stop()
        return RECOMPOSED if self._is_recomposing else 0

    def _now(self) -> int:
        """Return the instant of the market's own clock, nanoseconds."""
        return self._market.clock.now_ns()

    # Start-up is recovery: replay, reconcile, warm up, trade (R10).

    def _open(self) -> None:
        tape_end = self._tape.last_key()
        restored = restore(self._engine, self._journal)
        self._order_log.restore(
            self._engine.acts,
            self._engine.desk.execution.index,
            {each.account: each.mode for each in self._engine.desk.accounts},
        )
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
            commit=self._timing.around(self._recorder.commit),
        )
        self._recovery = Recovery(
            engine=self._engine,
            session=self._session,
            ask=lambda ref: list(self._venue.query(ref, self._now())),
            account=PAPER,
            now=self._now,
            wait=self._market.clock.sleep_blocking,
            horizon=IN_PROCESS,
            clock=self._system,
        )
        self._carrying_out = CarryingOut(
            engine=self._engine,
            session=self._session,
            recorder=self._recorder,
            journal=self._journal,
            answering=Answering(
                self._engine,
                outcomes=self._outcomes,
                costs=VenueCosts(_VENUE),
                prices=self._prices,
                books=self._market,
                now=self._now,
                stopped=self._composed.stopped,
            ),
            now=self._now,
            clock=self._system,
            venue_failed=self._venue_failed,
            recompose=self._recompose,
            composition=self._composition,
        )
        now = self._now()
        self._tell_refused(now)
        tell = self._session.input
        tell(self._configuration(now), now)
        self._recovery.begin(next_epoch(self._engine.desk.execution.epoch, self._system.now_ns()))
        self._fund(now)
        for name in self._quarantined:
            tell(Quarantine(PAPER, StrategyId(name), "it never returned"), now)
        self._decided_at = self._viewer.last_event = warm_up(
            self._session,
            self._market,
            restored,
            tape=self._tape,
            recorder=self._recorder,
            venue=self._venue,
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

    def _configuration(self, now: int) -> ApplyConfig:
        """Return what is in force from now on.

        Limits that people put in force stay, also where nothing that is read at a start has them:
        keeping them was cut off. Going back, perhaps to wider ones, would happen behind their back.
        """
        limits, by = self._engine.limits.unkept(PAPER)
        if limits:
            (account,) = self._config.accounts
            words = ", ".join(
                f"{name} {getattr(account.limits, name):g} → {value:g}"
                for name, value in sorted(limits.items())
            )
            detail = f"{words}, as {by} had set it"
            self._log.warning("limits_not_kept", detail=detail)
            self._recent.alerts.appendleft(AlertView(now, "LIMITS_NOT_KEPT", detail))
        return ApplyConfig(PAPER, self._config.document(), limits, by)

    def _fund(self, now: int) -> None:
        """Put the opening money where it is missing: at the venue, and in the ledger."""
        cash = self._settings.cash
        if not self._venue.balances(PAPER):
            self._venue.deposit(PAPER, USDT, cash)
        if not self._engine.desk.portfolio.ledger.at(f"external:{PAPER}"):
            self._session.input(Deposit(PAPER, USDT, f"{cash:f}", "opening"), now)

    # Running.

    def _loop(self) -> None:
        while not self._is_stopping:
            wait_s = _SOON_S if self._facts.is_holding else _WAIT_S
            items = self._mailbox.take(_BATCH, timeout_s=wait_s)
            self._take_all(items)
            if not items:
                self._order_log.flush(_LINES)
            self._timing.taken()
            self._session.fire_timers(self._now())
            self._hear()
            self._publish_facts()
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

    def _take_all(self, items: Sequence[_Heard | Told]) -> None:
        """Carry out the calls, which come first, then play the market's events."""
        tolds = [item for item in items if isinstance(item, Told)]
        if tolds:
            self._timing.taken()
            self._carrying_out.carry_out(tolds)
            self._publish_facts()
        for item in items:
            if isinstance(item, _Heard):
                self._timing.taken()
                with self._watch.step():
                    self._take(item)

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
        self._prices.see(event)
        self._teller.saw(event)
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

    def _venue_failed(self, error: StorageError) -> None:
        self._venue_failure = error

    def _recompose(self, wish: Recompose) -> Recomposing:
        """End, so that the supervisor starts what is desired now; the account is left as it is.

        Raises:
            ConfigError: nobody would start it again, or the settings cannot be read any more.
        """
        if SUPERVISOR_FD not in os.environ:
            raise ConfigError(
                code="NOT_SUPERVISED",
                cause="this engine runs alone: nobody would start it again",
                fix="stop it and start it by hand; it reads what is desired then",
            )
        load_settings(home=self._settings.home)  # or the next start would refuse, for good
        self._log.info("engine_recomposing", by=wish.by)
        self._is_recomposing = True
        self._stop()
        return Recomposing()

    def _composition(self, _asked: Composition) -> ComposedFrom:
        """Say what the engine was composed from."""
        composed, account = self._composed, self._engine.desk.risk.account(PAPER)
        return ComposedFrom(
            pid=os.getpid(),
            seen=composed.seen,
            desired=composed.desired,
            refused=composed.refused,
            limits=msgspec.to_builtins(account.limits),
        )

    def _tell_refused(self, now: int) -> None:
        """Say why what is desired is not run."""
        if self._composed.refused:
            self._log.error("desired_refused", cause=self._composed.refused)
            words = f"{self._composed.refused}: what ran last goes on"
            self._recent.alerts.appendleft(AlertView(now, REFUSED, words))

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
            config=_VENUE,
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
        self._outcomes.add(fact)
        self._order_log.add(fact)
        if type(fact) in _OBSERVATIONS:
            self._facts.observe(fact)
        elif lsn:
            self._facts.kept(lsn, fact)
        else:
            self._facts.missed()

    def _publish_facts(self) -> None:
        """Publish what has become durable."""
        if self._failure is None:
            with contextlib.suppress(StorageError):  # the next flush goes on where this one ended
                self._facts.flush()

    def _publish(self) -> None:
        now = self._now()
        failure = self._failure
        self._publish_facts()
        self._publisher.publish_head(self._facts.last)
        composition = ("degraded", self._composed.refused) if self._composed.refused else ("ok", "")
        self._facts.health("composition", *composition, ts=now)
        cause = "" if failure is None else discreet(failure.cause)  # the log has the whole of it
        storage = ("ok", "") if failure is None else ("down", cause)
        self._facts.health("storage", *storage, ts=now)
        view = self._viewer.view(
            now=now,
            wall=self._system.now_ns(),
            uptime_s=(self._system.monotonic_ns() - self._started) / 1e9,
            storage="ok" if failure is None else f"{cause} [{failure.code}]",
        )
        self._facts.health("feed", _FEED_HEALTH[view.feed.status], "", ts=now)
        self._teller.flush()
        decision_s, persist_s = self._timing.decision_s(), self._timing.persist_s()
        view = msgspec.structs.replace(
            view,
            decisions_timed=self._timing.count(),
            decision_p50_s=decision_s[0],
            decision_p99_s=decision_s[1],
            persist_p50_s=persist_s[0],
            persist_p99_s=persist_s[1],
            core_wait_s=core_wait_s(),
            queues=(
                QueueView("market", len(self._mailbox), self._mailbox.capacity),
                QueueView("journal", self._journal.waiting, self._journal.capacity),
            ),
            feed=msgspec.structs.replace(
                view.feed, ages=self._prices.ages_s(now), stream=self._market.stream()
            ),
            epoch=self._engine.desk.execution.epoch,
            facts_unpublished=max(0, self._journal.durable_lsn - self._facts.last),
            reconciling=self._recovery.figures,
        )
        self._publisher.publish_view(view)
        self._order_log.flush(_LINES)

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
        self._order_log.flush()
        self._log.info("engine_stopped", state=self._engine.state_hash())

    def _put(self, event: MarketEvent, ts: int) -> None:
        self._mailbox.put(_Heard(event, ts))

    def _put_history(self, event: BarsClosed, ts: int) -> None:
        self._mailbox.put(_Heard(event, ts, is_history=True))

    def _told(self, told: Told) -> None:
        self._mailbox.put_prior(told)

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        self._is_stopping = True


def run_engine(
    settings: Settings, *, events: str, commands: str, quarantined: tuple[str, ...] = ()
) -> int:
    """Run the engine's process in the settings' home until it is told to stop.

    Returns:
        Its exit code.

    Raises:
        BotError: it cannot start: a setting is refused, or a store is damaged or newer.
    """
    arm_if_told()
    sys.setswitchinterval(_TURN_S)
    home = Home(settings.home, settings.market_folder)
    process = EngineProcess(
        settings, home, events=events, commands=commands, quarantined=quarantined
    )
    return process.run()
