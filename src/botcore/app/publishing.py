"""Facts to the bus, after they are stored and never before: the journal is the outbox.

After a crash a few facts are published again; consumers drop what they have seen by its lsn (K10,
K14).
"""

from collections import deque

from botcore.app.channel import Publisher
from botcore.domain.events import Fact, SystemHealth
from botcore.domain.ids import SECOND_NS, AccountId, Nanos
from botcore.domain.records import RecordKind, decode_fact, encode
from botcore.kernel.failpoint import hit
from botcore.storage import SqlJournal

CONSUMER = "bus"
_TELL_AGAIN_NS = 10 * SECOND_NS
_HELD_MAX = 20_000
"""Facts held in memory until they are durable; what is more is read from the journal."""


class FactPublisher:
    """Publishes what the journal holds, from where an earlier session ended.

    Facts that it was given as they were kept are published from memory, the others are read.

    Args:
        journal: whose durable facts are published.
        publisher: the bus.
        account: for health facts.
    """

    def __init__(self, journal: SqlJournal, publisher: Publisher, account: AccountId) -> None:
        self._journal = journal
        self._publisher = publisher
        self._account = account
        self._last = journal.published(CONSUMER)
        self._held: deque[tuple[int, Fact]] = deque()
        self._held_after: int | None = None
        self._health: dict[str, tuple[str, int]] = {}

    @property
    def last(self) -> int:
        """Up to which lsn everything has been published."""
        return self._last

    @property
    def is_holding(self) -> bool:
        """Whether facts wait to become durable."""
        return bool(self._held)

    def kept(self, lsn: int, fact: Fact) -> None:
        """Take a fact that the journal was given under `lsn`; it is published once durable."""
        if self._held_after is None:
            self._held_after = lsn - 1
        self._held.append((lsn, fact))
        if len(self._held) > _HELD_MAX:
            self.missed()

    def missed(self) -> None:
        """Note that facts went by whose lsn is not known: up to the next that is, they are read."""
        self._held.clear()
        self._held_after = None

    def flush(self) -> None:
        """Publish every fact that has become durable.

        Raises:
            StorageError: the journal cannot be read; nothing is lost, the next flush goes on.
        """
        durable = self._journal.durable_lsn
        if durable <= self._last:
            return
        hit("publish.before")
        if self._held_after is None or self._held_after > self._last:
            self._read(durable if self._held_after is None else min(durable, self._held_after))
        while self._held and self._held[0][0] <= durable:
            lsn, fact = self._held.popleft()
            if lsn > self._last:
                self._publisher.publish_fact(type(fact).__name__, lsn, encode(fact))
                self._last = lsn
        self._last = max(self._last, durable)
        hit("publish.sent")
        self._journal.mark_published(CONSUMER, self._last)

    def observe(self, fact: Fact) -> None:
        """Publish a fact for watchers only; it is not stored and has no lsn (0)."""
        self._publisher.publish_fact(type(fact).__name__, 0, encode(fact))

    def health(self, component: str, status: str, detail: str, *, ts: int) -> None:
        """Publish a component's health when it changes, and now and then for who came late."""
        known = self._health.get(component)
        if known is None or known[0] != status or ts - known[1] >= _TELL_AGAIN_NS:
            self._health[component] = (status, ts)
            self.observe(SystemHealth(self._account, Nanos(ts), component, status, detail))

    def _read(self, until: int) -> None:
        """Publish from the journal what was not held."""
        for record in self._journal.read(after=self._last):
            if record.lsn > until:
                break
            if record.kind is RecordKind.FACT:
                name = type(decode_fact(record.payload)).__name__
                self._publisher.publish_fact(name, record.lsn, record.payload)
            self._last = record.lsn
