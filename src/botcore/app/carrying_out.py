"""Calls carried out on the engine's thread; commands wait for the journal together."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import get_args

from msgspec.structs import replace

from botcore.app.calls import ComposedFrom, Composition, Recompose, Recomposing
from botcore.app.recording import Recorder
from botcore.app.told import Told
from botcore.domain.commands import (
    AmendOrder,
    Command,
    KillSwitch,
    Referenced,
    SubmitOrder,
    UseLimits,
)
from botcore.domain.errors import BotError, ConfigError, StorageError
from botcore.domain.questions import OpenNow
from botcore.engine import Engine, Session, about_to_cancel, is_repeated, outcome_of
from botcore.engine.answering import Answering, unknown_account
from botcore.kernel.clock import Clock
from botcore.kernel.guard import Crashed, guarded
from botcore.storage import SqlJournal

_COMMANDS: tuple[type, ...] = get_args(Command)
_TOGETHER = (SubmitOrder, AmendOrder)
"""Commands that place or change orders: their intents are made durable together."""
_NEEDS_STORE = (SubmitOrder, AmendOrder, UseLimits)
"""Commands that are not done without a store; those that lower risk are."""
_MOST = 64
"""Commands carried out before others are looked at."""
_NOT_DURABLE = "the store is away, so it is not written down yet, and a crash now would forget it"


class CarryingOut:
    """Carries calls out, and answers them.

    Args:
        engine, session, recorder, journal: of the process.
        answering: answers questions.
        now: the market's clock, nanoseconds.
        clock: the machine's; calls that come too late by it are not taken up.
        venue_failed: told of a failure of the venue's store.
        recompose: lets the process end, to be composed anew; raises `ConfigError` where it cannot.
        composition: says what the engine was composed from.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        session: Session,
        recorder: Recorder,
        journal: SqlJournal,
        answering: Answering,
        now: Callable[[], int],
        clock: Clock,
        venue_failed: Callable[[StorageError], None],
        recompose: Callable[[Recompose], Recomposing],
        composition: Callable[[Composition], ComposedFrom],
    ) -> None:
        self._engine = engine
        self._session = session
        self._recorder = recorder
        self._journal = journal
        self._answering = answering
        self._now = now
        self._clock = clock
        self._venue_failed = venue_failed
        self._recompose = recompose
        self._composition = composition

    def carry_out(self, tolds: Sequence[Told]) -> None:
        """Carry calls out in their order, and answer each; a command once it is durable."""
        done: list[_Done] = []
        for kind, group in groupby(self._taken_up(tolds), key=_kind):
            if kind is Command:
                done += self._commands(list(group))
                continue
            for told in group:
                if kind is Recompose:
                    self._answer(told, self._recompose, told.what)
                elif kind is Composition:
                    self._answer(told, self._composition, told.what)
                else:
                    self._answer(told, self._answering.answer, told.what)
        if done:
            self._finish(done)

    def _taken_up(self, tolds: Sequence[Told]) -> Iterator[Told]:
        """Give the calls that somebody still waits for; to stop everything is never too late."""
        for told in tolds:
            is_stop = isinstance(told.what, KillSwitch)
            if not is_stop and told.is_late(self._clock.monotonic_ns()):
                told.refuse(_too_late())
            else:
                yield told

    def _commands(self, tolds: Sequence[Told]) -> "list[_Done]":
        done: list[_Done] = []
        known = {each.account for each in self._engine.desk.accounts}
        seen: set[tuple[str, str]] = set()
        batch: list[_Done] = []
        for told in tolds:
            command: Command = told.what  # type: ignore[assignment]  # by its kind
            if command.account not in known:
                told.refuse(unknown_account(command.account))
                continue
            if self._recorder.failure is not None and isinstance(command, _NEEDS_STORE):
                told.refuse(self._recorder.failure)  # it is not even tried, and may come again
                continue
            one = _Done(told, command, is_repeat=is_repeated(self._engine, command))
            if isinstance(command, Referenced) and command.reference:
                reference = (command.account, command.reference)
                one.is_repeat = one.is_repeat or reference in seen
                seen.add(reference)
            done.append(one)
            is_batched = isinstance(command, _TOGETHER)
            if batch and (not is_batched or len(batch) >= _MOST):
                self._step(batch)
                batch = []
            if is_batched:
                batch.append(one)
            else:
                one.canceled = about_to_cancel(self._engine, command)
                self._step([one])
                one.is_lifted = self._engine.desk.has_lifted
        if batch:
            self._step(batch)
        return done

    def _step(self, batch: "Sequence[_Done]") -> None:
        try:
            if len(batch) == 1:
                self._session.input(batch[0].command, self._now())
            else:
                self._session.together([each.command for each in batch], self._now())
        except StorageError as error:  # the journal's are met inside the session: the venue's
            self._venue_failed(error)
            for each in batch:
                each.failure = error

    def _finish(self, done: "Sequence[_Done]") -> None:
        """Wait for the journal once, and answer."""
        not_durable: StorageError | None = None
        lsn = self._journal.last_lsn
        try:
            if self._recorder.failure is None:
                self._journal.wait_durable(lsn)
        except StorageError as error:
            not_durable = error
        lsn = min(lsn, self._journal.durable_lsn)
        for each in done:
            failure = each.failure or not_durable
            if failure is None and isinstance(each.command, _NEEDS_STORE):
                failure = self._recorder.failure
            if failure is not None:
                each.told.refuse(failure)
                continue
            outcome = outcome_of(
                self._engine,
                each.command,
                is_repeat=each.is_repeat,
                lsn=lsn,
                canceled=each.canceled,
                is_lifted=each.is_lifted,
            )
            if self._recorder.failure is not None:
                outcome = replace(outcome, sentence=f"{outcome.sentence}; {_NOT_DURABLE}")
            each.told.answer(outcome)

    def _answer(self, told: Told, how: Callable[..., object], what: object) -> None:
        found = guarded(how, what)
        if not isinstance(found, Crashed):
            told.answer(found)
        elif isinstance(found.error, BotError):
            told.refuse(found.error)
        else:
            told.refuse(_unanswerable(found))


class _Done:
    """A command that was stepped, and what is still to be said of it."""

    def __init__(self, told: Told, command: Command, *, is_repeat: bool) -> None:
        self.told = told
        self.command = command
        self.is_repeat = is_repeat
        self.failure: StorageError | None = None
        self.canceled: OpenNow | None = None
        self.is_lifted = False


def _kind(told: Told) -> object:
    if isinstance(told.what, _COMMANDS):
        return Command
    return type(told.what) if isinstance(told.what, Recompose | Composition) else None


def _too_late() -> ConfigError:
    return ConfigError(
        code="COMMAND_TOO_LATE",
        cause="the engine came to it after whoever asked had stopped waiting; nothing was done",
        fix="ask again",
    )


def _unanswerable(crashed: Crashed) -> ConfigError:
    return ConfigError(
        code="QUESTION_FAILED",
        cause=f"the engine cannot answer that: {crashed.summary}",
        fix="report this as a bug; nothing was changed",
    )
