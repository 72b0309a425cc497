"""What `botcore replay` does: a backtest's tape again, on the way that paper takes.

A feeder thread puts each close stamp into the engine's mailbox, the sequencer orders it, and every
step is committed to a journal before its effects leave; the venue keeps its own durable truth.
"""

import threading
from collections.abc import Callable, Iterable, Mapping

import msgspec

from botcore.app.backtesting import Prepared, prepare, written
from botcore.app.failpoints import arm_if_told
from botcore.app.home import Home
from botcore.app.home_lock import HomeLock
from botcore.app.recording import Recorder
from botcore.app.retracing import LateStore, Retracing
from botcore.app.runs import Run, Runs
from botcore.app.settings import load_settings
from botcore.backtest import ACCOUNT, Stage
from botcore.backtest.collector import Collector
from botcore.backtest.trace import TraceWriter
from botcore.domain.commands import Input
from botcore.domain.errors import ConfigError, DataError
from botcore.domain.keys import Key
from botcore.domain.market import BarsClosed
from botcore.domain.steps import Step
from botcore.kernel.clock import Clock, SystemClock
from botcore.kernel.guard import Crashed, guarded
from botcore.kernel.mailbox import Mailbox, Overflow
from botcore.storage import SqlJournal, Store
from botcore.venues.simulated import records

_MAILBOX = 1_024
_BATCH = 256
_NAP_S = 0.25
Progress = Callable[[int, int], None]


class Replayed(msgspec.Struct, frozen=True):
    """A replay that was played to its end.

    Attributes:
        run: its folder and record.
        resumed: whether it went on with an interrupted one.
        records: how many the journal holds.
        seconds: of this process.
    """

    run: Run
    resumed: bool
    records: int
    seconds: float


def replay(
    *,
    overrides: Mapping[str, object],
    run: str,
    speed: float | None,
    fresh: bool,
    progress: Progress,
    owner: str = "",
) -> Replayed:
    """Play a backtest's tape again through mailbox, sequencer, journal and the venue's store.

    A replay of the same backtest and owner that was interrupted is gone on with.

    Args:
        overrides: settings given on the command line.
        run: the backtest: its number, or ``last``.
        speed: tape seconds a second; None is as fast as it goes.
        fresh: begin anew even so.
        progress: called now and then with bars done and in all.
        owner: id of the user whose run it is; empty for nobody's.

    Raises:
        ConfigError: there is no such backtest.
        DataError: its data is not there any more, or is other data now.
        StorageError: a store cannot be written, or an interrupted replay does not fit.
    """
    arm_if_told()
    home = Home(load_settings(**overrides).home)
    runs = Runs(home.runs)
    source = _backtest_of(runs, run)
    prepared = prepare(source.record.recipe, home)
    _refuse_other_inputs(source, prepared)
    own, resumed = _own_run(runs, source, fresh=fresh, owner=owner)
    with HomeLock(own.folder):
        clock = SystemClock()
        began = clock.monotonic_ns()
        with _Replay(own, prepared, clock) as playing:
            playing.play(speed=speed, progress=progress)
            seconds = (clock.monotonic_ns() - began) / 1e9
            written(own, prepared, playing.stage, playing.collector, seconds=seconds)
            return Replayed(own, resumed, playing.journal.last_lsn, seconds)


class _Replay:
    """The parts of one replay, opened and closed together."""

    def __init__(self, run: Run, prepared: Prepared, clock: Clock) -> None:
        self._clock = clock
        self._store = Store(f"sqlite:///{run.folder / 'journal.db'}")
        self.journal = SqlJournal(self._store)
        self._venue_store = LateStore(run.folder / "venue.db")
        self._recorder = Recorder(
            journal=self.journal, tape=_NoTape(), account=ACCOUNT, on_fact=_unheard
        )
        self._retracing = Retracing(
            self.journal,
            account=ACCOUNT,
            record=self._recorder.commit,
            on_caught_up=self._caught_up,
        )
        self.collector = Collector()
        self._trace = TraceWriter(run.folder)
        self.stage: Stage = prepared.framework.stage(
            prepared.strategies,
            prepared.date_range,
            commit=self._commit,
            store=self._venue_store,
        )
        self._mailbox: Mailbox[BarsClosed | Crashed | None] = Mailbox(
            capacity=_MAILBOX, overflow=Overflow.BLOCK
        )
        self._stopping = threading.Event()

    def __enter__(self) -> "_Replay":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._mailbox.close()
        self._trace.close()
        self.journal.close()
        self._store.close()
        self._venue_store.close()

    def play(self, *, speed: float | None, progress: Progress) -> None:
        """Play from the first bar to the last; what the journal holds is not paced."""
        stage = self.stage
        stage.open()
        total = len(stage.tape)
        feeder = threading.Thread(target=self._feed, args=(speed,), name="tape", daemon=True)
        feeder.start()
        done = 0
        progress(0, total)
        while done < total:
            for event in self._mailbox.take(_BATCH, timeout_s=_NAP_S):
                if not isinstance(event, BarsClosed):
                    raise event.error if isinstance(event, Crashed) else AssertionError
                stage.take(event)
                if self._recorder.failure is not None:
                    raise self._recorder.failure
                done += len(event.bars)
            progress(done, total)
        self.journal.wait_durable(self.journal.last_lsn)
        self._retracing.finish()
        self.collector.finish()
        self._trace.finish(stage.engine)

    def _feed(self, speed: float | None) -> None:
        outcome = guarded(self._put_all, self.stage.tape, speed)
        if isinstance(outcome, Crashed):
            self._mailbox.put(outcome)

    def _put_all(self, tape: Iterable[BarsClosed], speed: float | None) -> None:
        started: tuple[int, int] | None = None
        for event in tape:
            if speed is not None and not self._retracing.is_retracing:
                if started is None:
                    started = (event.ts_close, self._clock.monotonic_ns())
                due = started[1] + round((event.ts_close - started[0]) / speed)
                while (left := due - self._clock.monotonic_ns()) > 0:
                    if self._stopping.is_set():
                        return
                    self._clock.sleep_blocking(min(left / 1e9, _NAP_S))
            if self._stopping.is_set() or not self._mailbox.put(event):
                return

    def _commit(self, key: Key, event: Input, step: Step, must_be_durable: bool) -> None:
        self._retracing.commit(key, event, step, must_be_durable)
        if step.facts:
            self.collector.commit(key, event, step, must_be_durable)
            self._trace.commit(key, event, step, must_be_durable)

    def _caught_up(self) -> None:
        self._venue_store.begin(records.decode(self.stage.venue.snapshot()))


class _NoTape:
    """The market inputs of a replay are on the tape that it plays."""

    def append(self, _key: Key, _event: Input) -> None:
        """Keep nothing."""

    def flush(self) -> None:
        """Have nothing to hand on."""


def _unheard(_lsn: int, _fact: object) -> None:
    """Nobody watches the facts of a replay."""


def _unkept(_key: Key, _event: Input, _step: Step, _must_be_durable: bool) -> None:
    """Nothing is played on a stage that is only looked at."""


def _backtest_of(runs: Runs, text: str) -> Run:
    if text == "last":
        backtests = [r for r in runs.all() if r.record.kind == "backtest" and r.record.is_finished]
        if backtests:
            return backtests[-1]
    found = runs.find(text)
    if found.record.of is not None:
        return runs.find(str(found.record.of))
    if not found.record.is_finished:
        raise ConfigError(
            code="RUN_UNFINISHED",
            cause=f"backtest {found.record.number} was not played to its end",
            fix="run it again, then replay that one",
        )
    return found


def _refuse_other_inputs(source: Run, prepared: Prepared) -> None:
    stage = prepared.framework.stage(prepared.strategies, prepared.date_range, commit=_unkept)
    if stage.digest() != source.record.inputs_digest:
        raise DataError(
            code="INPUTS_CHANGED",
            cause=f"data, settings or code are not those of backtest {source.record.number} any"
            " more",
            fix="run the backtest again, then replay that one",
        )


def _own_run(runs: Runs, source: Run, *, fresh: bool, owner: str) -> tuple[Run, bool]:
    number = source.record.number
    if not fresh:
        for each in reversed(runs.all()):
            record = each.record
            if record.of == number and record.owner == owner and not record.is_finished:
                return each, True
    name = f"replay-of-{number}"
    return runs.new("replay", source.record.recipe, name=name, of=number, owner=owner), False
