"""Recording: each step into journal and tape before its effects are released.

Market inputs go to the tape (no fsync), everything else to the journal, joined by `seq`. When the
journal cannot be written, effects are dropped, records wait in memory, and the account only
cancels until the store is back.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from botcore.domain.commands import MARKET_INPUTS, Input
from botcore.domain.effects import Cancel, Query
from botcore.domain.errors import StorageError
from botcore.domain.events import OBSERVATIONS, Fact
from botcore.domain.ids import AccountId
from botcore.domain.keys import Key
from botcore.domain.records import RecordKind, encode
from botcore.domain.steps import Step
from botcore.kernel.failpoint import hit
from botcore.storage import Entry, SqlJournal

_MARKET = frozenset(MARKET_INPUTS)
_WATCHED = frozenset(OBSERVATIONS)
_BACKLOG_MAX = 200_000
"""Records that may wait in memory for the store: then the engine ends, to be started anew."""


class MarketTape(Protocol):
    """Where market inputs are recorded."""

    def append(self, key: Key, event: Input) -> None:
        """Add one input, in order; it may stay in memory until `flush`."""
        ...

    def flush(self) -> None:
        """Hand what is in memory to the operating system: a killed process loses none of it."""
        ...


class Recorder:
    """Keeps every step, and says when it must not be acted on.

    Args:
        journal: inputs, facts and effects.
        tape: market inputs; None records none (history that is fed again).
        account: whose records these are.
        on_fact: called with each fact once it is kept, in order, with its lsn (0 if it is only
            seen, or waits for the store).

    Attributes:
        failure: why the store cannot be written; None if it can.
        last_market: the newest market input that was taken.
    """

    def __init__(
        self,
        *,
        journal: SqlJournal,
        tape: MarketTape,
        account: AccountId,
        on_fact: Callable[[int, Fact], None],
    ) -> None:
        self._journal = journal
        self._tape = tape
        self._account = account
        self._on_fact = on_fact
        self._backlog: deque[Entry] = deque()
        self._untaped: deque[tuple[Key, Input]] = deque()
        self.is_taping = True
        self.failure: StorageError | None = None
        self.last_market: Input | None = None

    def commit(self, key: Key, event: Input, step: Step, must_be_durable: bool) -> None:
        """Keep a step; when effects hang on it, return only once it is durable.

        Raises:
            StorageError: it is not durable, and its effects must not be released. Cancels and
                queries lower risk and are let through (K15).
        """
        entries = entries_of(key, event, step, self._account)
        is_market = type(event) in _MARKET
        if is_market:
            self.last_market = event
            if self.is_taping:
                self._untaped.append((key, event))
                self._tape_what_waits()
        lsn = 0
        if entries:
            if is_market:
                self.flush()  # or a bar whose decisions are durable would be played again
            hit("record.before")
            lsn = self._keep(entries, must_be_durable=must_be_durable)
            hit("record.after")
        if step.facts:
            # The facts lie behind the input, where the journal holds that.
            first = lsn - len(entries) + (1 if is_market else 2)
            self._tell(step.facts, first if lsn else None)
        if self.failure is not None and must_be_durable and not _lowers_risk(step):
            raise self.failure

    def try_again(self) -> bool:
        """Try to write what waits; return whether the store is back.

        Raises:
            StorageError: the store lost what it had called durable, or too much waits.
        """
        self.failure = None
        try:
            self._journal.reopen()
            if self._backlog:
                lsn = self._journal.append(list(self._backlog))
                self._backlog.clear()  # the journal keeps them itself from here on
                self._journal.wait_durable(lsn)
        except StorageError as error:
            if error.code == "JOURNAL_FORKED":
                raise
            self.failure = error
        self._tape_what_waits()
        if self.failure is not None and len(self._backlog) + len(self._untaped) > _BACKLOG_MAX:
            raise self.failure
        return self.failure is None

    def _tape_what_waits(self) -> None:
        """Write the tape on, in order; what cannot be written waits."""
        try:
            while self._untaped:
                self._tape.append(*self._untaped[0])
                self._untaped.popleft()
        except StorageError as error:
            self.failure = self.failure or error

    def flush(self) -> None:
        """Hand the tape to the operating system, so that a killed process loses none of it."""
        try:
            self._tape.flush()
        except StorageError as error:
            self.failure = self.failure or error

    def _tell(self, facts: Sequence[Fact], lsn: int | None) -> None:
        """Tell of facts; `lsn` is the first kept one's, None if they have none."""
        for fact in facts:
            if lsn is None or type(fact) in _WATCHED:
                self._on_fact(0, fact)
            else:
                self._on_fact(lsn, fact)
                lsn += 1

    def _keep(self, entries: list[Entry], *, must_be_durable: bool) -> int:
        """Keep entries; return the last one's lsn, 0 where they wait for the store."""
        if self.failure is not None:
            self._backlog.extend(entries)
            return 0
        try:
            lsn = self._journal.append(entries)
        except StorageError as error:
            self._backlog.extend(entries)
            self.failure = error
            return 0
        if must_be_durable:
            try:
                self._journal.wait_durable(lsn)
            except StorageError as error:
                self.failure = error  # the journal keeps these entries itself, for `reopen`
        return lsn


def entries_of(key: Key, event: Input, step: Step, account: AccountId) -> list[Entry]:
    """Return what the journal keeps of a step: input (if not on the tape), facts, effects."""
    entries = []
    if type(event) not in _MARKET:
        entries.append(Entry(RecordKind.INPUT, key, account, encode(event)))
    kept = [fact for fact in step.facts if type(fact) not in _WATCHED]
    entries.extend(Entry(RecordKind.FACT, key, account, encode(fact)) for fact in kept)
    entries.extend(Entry(RecordKind.EFFECT, key, account, encode(e)) for e in step.effects)
    return entries


def _lowers_risk(step: Step) -> bool:
    return bool(step.effects) and all(isinstance(e, Cancel | Query) for e in step.effects)
