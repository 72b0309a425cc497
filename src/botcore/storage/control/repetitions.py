"""Idempotency keys: what an act with the same key was answered, kept for a day."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final, Generic, NamedTuple, TypeVar

import sqlalchemy as sa

from botcore.domain.errors import StorageError
from botcore.domain.ids import DAY_NS, MINUTE_NS
from botcore.kernel.clock import Clock
from botcore.kernel.guard import Crashed
from botcore.storage.control.audit import AuditLog
from botcore.storage.control.audit_chain import EntryLike
from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import repetitions as table

B = TypeVar("B")
_KEPT_NS: Final = DAY_NS
_TRIED_AGAIN_NS: Final = 15 * MINUTE_NS
"""So long an act whose outcome nobody knows may come again under its key."""
_UNWRITTEN_MAX: Final = 1_000
_CLEANED: Final = 5_000
# Put together once: that costs more than carrying them out.
_FIND: Final = (
    sa.select(table.c.digest, table.c.run, table.c.answer, table.c.created_at)
    .where(table.c.id == sa.bindparam("place"))
    .with_for_update()
)
_BEGIN: Final = sa.insert(table)
_REMOVE: Final = sa.delete(table).where(table.c.id == sa.bindparam("place"))
_KEEP: Final = (
    sa.update(table).where(table.c.id == sa.bindparam("place")).values(answer=sa.bindparam("given"))
)


class _Running:
    """An act that this process began and has not ended."""

    def __init__(self, digest: str) -> None:
        self.digest = digest


class _Answered(NamedTuple):
    digest: str
    answer: bytes


class Repetitions(Generic[B]):
    """Answers by actor and key.

    An act that was running when its process ended, or whose outcome did not come, is one of which
    nobody knows what became: it is NEW again, and carries the same reference, by which the engine
    knows a repetition. That holds for a quarter of an hour since it first began: the engine knows
    the newest million references, and so many are not asked for in that time, but may be in a day.
    Later it is `unfinished`, and who asks has to look. An act that was carried out, and whose
    answer could not be stored, is answered from memory.

    Args:
        store: opened.
        audit: writes down what was done, in the transaction of the answer.
        clock: a key is forgotten after 24 hours.
        new, running, other, unfinished: the words of who asks, for what is known of a key.
    """

    def __init__(
        self,
        store: ControlStore,
        audit: AuditLog,
        *,
        clock: Clock,
        new: B,
        running: B,
        other: B,
        unfinished: B,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._new, self._running, self._other = new, running, other
        self._unfinished = unfinished
        self._run = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._live: dict[str, _Running] = {}
        self._unwritten: OrderedDict[str, _Answered] = OrderedDict()

    async def begin(self, actor: str, key: str, digest: str) -> B | bytes:
        """Note that an act runs, durably; or return what is known, the answer if there is one.

        Raises:
            StorageError: it cannot be noted.
        """
        place, mine = _place(actor, key), _Running(digest)
        with self._lock:
            kept = self._unwritten.get(place)
            if kept is not None:
                return kept.answer if kept.digest == digest else self._other
            is_live = self._live.setdefault(place, mine) is not mine
        try:
            found = await self._store.write(self._beginning(place, digest, is_live=is_live))
        except BaseException:
            self._end(place, mine)
            raise
        if found is self._new:
            with self._lock:
                self._live[place] = mine
        else:
            self._end(place, mine)
        return found

    async def finish(self, actor: str, key: str, answer: bytes, entry: EntryLike) -> None:
        """Keep the answer and write the audit entry down, both or neither.

        Raises:
            StorageError: they cannot be written; the answer is given from memory until it can.
        """
        place = _place(actor, key)
        write_down = self._audit.writing(entry)

        def act(connection: sa.Connection) -> None:
            _keep_answer(connection, place, answer)
            write_down(connection)

        self._audit.catch_up()
        try:
            await self._store.write(act)
        except StorageError:
            self._keep(place, answer)
            raise
        finally:
            self._end(place)  # also where nobody waits any more: it is written, or comes again

    def leave(self, actor: str, key: str) -> None:
        """Take it that an act ended and nobody knows how: for a while it may come again."""
        self._end(_place(actor, key))

    async def forget(self, actor: str, key: str) -> None:
        """Forget an act that was not carried out, so that it may come again.

        Raises:
            StorageError: it cannot be removed; it may come again all the same.
        """
        place = _place(actor, key)
        self._end(place)
        await self._store.write(
            lambda c: (
                c.execute(
                    sa.delete(table).where(table.c.id == place, table.c.answer.is_(None))
                ).rowcount
            )
        )

    def catch_up(self) -> None:
        """Have answers that could not be stored written now."""
        with self._lock:
            waiting = dict(self._unwritten)
        for place, kept in waiting.items():
            try:
                self._store.post(
                    partial(_keep_answer, place=place, answer=kept.answer),
                    partial(self._told, place),
                )
            except StorageError:
                return

    def clean_up(self) -> Callable[[sa.Connection], int]:
        """Return the act that removes some of what is older than a day, and says how many."""
        before = self._clock.now_ns() - _KEPT_NS
        old = sa.select(table.c.id).where(table.c.created_at < before).limit(_CLEANED)
        return lambda connection: (
            connection.execute(
                sa.delete(table).where(table.c.id.in_(old.scalar_subquery()))
            ).rowcount
        )

    def _beginning(
        self, place: str, digest: str, *, is_live: bool
    ) -> Callable[[sa.Connection], B | bytes]:
        now = self._clock.now_ns()

        def act(connection: sa.Connection) -> B | bytes:
            row = connection.execute(_FIND, {"place": place}).one_or_none()
            began = now
            if row is not None and row.created_at > now - _KEPT_NS:
                if row.digest != digest:
                    return self._other
                if row.answer is not None:
                    return bytes(row.answer)
                if is_live and row.run == self._run:
                    return self._running
                if row.created_at <= now - _TRIED_AGAIN_NS:
                    return self._unfinished
                began = row.created_at  # of the first try: more tries make the time no longer
            if row is not None:
                connection.execute(_REMOVE, {"place": place})
            begun = {"id": place, "digest": digest, "run": self._run, "created_at": began}
            connection.execute(_BEGIN, {**begun, "answer": None})
            return self._new

        return act

    def _keep(self, place: str, answer: bytes) -> None:
        """Keep an answer in memory that the store did not take."""
        with self._lock:
            running = self._live.pop(place, None)
            if running is None:
                return
            self._unwritten[place] = _Answered(running.digest, answer)
            while len(self._unwritten) > _UNWRITTEN_MAX:
                self._unwritten.popitem(last=False)

    def _told(self, place: str, outcome: Crashed | None) -> None:
        if outcome is None:
            with self._lock:
                self._unwritten.pop(place, None)

    def _end(self, place: str, running: "_Running | None" = None) -> None:
        with self._lock:
            if running is None or self._live.get(place) is running:
                self._live.pop(place, None)


def _keep_answer(connection: sa.Connection, place: str, answer: bytes) -> None:
    connection.execute(_KEEP, {"place": place, "given": answer})


def _place(actor: str, key: str) -> str:
    """Return what stands for an actor's key: of one length, whatever the key is."""
    return sha256(f"{actor}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()
