"""Facts as another process hears them: each once, in order, or the word that some were lost."""

import threading
from collections.abc import Callable

import msgspec

from botcore.app.channel import FACT, HEAD, PLACES
from botcore.app.zmq_bus import ZmqFactSubscriber
from botcore.domain.events import Fact
from botcore.domain.records import decode_fact
from botcore.kernel.bus import Message
from botcore.kernel.guard import Crashed, guarded

_TAKE = 1_000
_POLL_S = 0.2


class Lost(msgspec.Struct, frozen=True):
    """Facts between two lsns did not come, or cannot be believed: read the store anew.

    Attributes:
        after: the last lsn up to which nothing is missing; None where nothing was heard yet.
        lsn: from this one on all is heard again.
        dropped: messages that the bus has lost so far, observations included.
        why: in words.
    """

    after: int | None
    lsn: int
    dropped: int
    why: str


class FactFeed:
    """Hears the facts of the running engine on a thread of its own.

    Args:
        events: the engine's endpoint.
        token: the home's.
        on_fact: called with lsn and fact, in order, each lsn once; facts that are only observed
            have the lsn 0. Runs on the feed's thread; what it raises counts as a loss.
        on_lost: called when something is missing, before what comes behind it.
        after: the lsn up to which the consumer knows all; None begins with what comes first.
        capacity: how many messages may wait before some are lost.
    """

    def __init__(
        self,
        *,
        events: str,
        token: str,
        on_fact: Callable[[int, Fact], None],
        on_lost: Callable[[Lost], None],
        after: int | None = None,
        capacity: int = 100_000,
    ) -> None:
        self._on_fact = on_fact
        self._on_lost = on_lost
        self._subscriber = ZmqFactSubscriber(events, FACT, HEAD, token=token, capacity=capacity)
        self._newest = after
        self._dropped = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="facts", daemon=True)

    @property
    def newest_lsn(self) -> int:
        """The newest lsn of which is known that the engine stored it; 0 before the first word."""
        return self._newest or 0

    @property
    def dropped(self) -> int:
        """How many messages the bus has lost so far."""
        return self._dropped

    @property
    def refused(self) -> int:
        """How many messages came that were not the engine's."""
        return self._subscriber.refused

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        else:
            self._subscriber.close()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            for message in self._subscriber.take(_TAKE, timeout_s=_POLL_S):
                crashed = guarded(self._take, message)
                if isinstance(crashed, Crashed):
                    guarded(self._lost, self._newest, self.newest_lsn, crashed.summary)
            if self._subscriber.dropped > self._dropped:
                self._dropped = self._subscriber.dropped
                guarded(self._lost, self._newest, self.newest_lsn, "the bus dropped messages")
        self._subscriber.close()

    def _take(self, message: Message) -> None:
        lsn, after = PLACES.unpack_from(message.payload)
        is_fact = message.topic.startswith(FACT)
        if is_fact and not lsn:
            self._on_fact(0, decode_fact(message.payload[PLACES.size :]))
            return
        known = self._newest
        if not is_fact and known is not None and lsn < known:
            self._newest = lsn
            self._lost(None, lsn, f"the store went back from lsn {known}")
            return
        if known is not None and after > known:
            self._newest = after
            self._lost(known, lsn, f"facts between lsn {known} and {lsn} did not come")
        if is_fact and (known is None or lsn > known):
            self._newest = lsn
            self._on_fact(lsn, decode_fact(message.payload[PLACES.size :]))
        elif not is_fact:
            self._newest = lsn

    def _lost(self, after: int | None, lsn: int, why: str) -> None:
        self._on_lost(Lost(after, lsn, self._dropped, why))
