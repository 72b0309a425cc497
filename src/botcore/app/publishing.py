"""Facts to the bus, after they are stored and never before: the journal is the outbox.

After a crash a few facts are published again; consumers drop what they have seen by its lsn (K10,
K14).
"""

from botcore.app.channel import Publisher
from botcore.domain.events import Fact, SystemHealth
from botcore.domain.ids import SECOND_NS, AccountId, Nanos
from botcore.domain.records import RecordKind, decode_fact, encode
from botcore.kernel.failpoint import hit
from botcore.storage import SqlJournal

CONSUMER = "bus"
_TELL_AGAIN_NS = 10 * SECOND_NS


class FactPublisher:
    """Publishes what the journal holds, from where an earlier session ended.

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
        self._health: dict[str, tuple[str, int]] = {}

    def flush(self) -> None:
        """Publish every fact that has become durable.

        Raises:
            StorageError: the journal cannot be read; nothing is lost, the next flush goes on.
        """
        if self._journal.durable_lsn <= self._last:
            return
        hit("publish.before")
        for record in self._journal.read(after=self._last):
            if record.kind is RecordKind.FACT:
                name = type(decode_fact(record.payload)).__name__
                self._publisher.publish_fact(name, record.lsn, record.payload)
            self._last = record.lsn
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
