"""The bus: facts, once they have happened, to observers. Never orders to be carried out.

A topic is a dotted name such as ``fact.OrderFilled``; a subscription names prefixes. A slow
observer loses its own oldest messages, counted, and holds nobody up.
"""

import threading
from dataclasses import dataclass
from typing import Protocol

from botcore.kernel.mailbox import Mailbox, Overflow


@dataclass(frozen=True, slots=True)
class Message:
    """One fact on its way to an observer; `payload` is encoded by the publisher."""

    topic: str
    payload: bytes


class Subscription(Protocol):
    """One observer's end of the bus."""

    @property
    def dropped(self) -> int:
        """How many messages this observer has missed."""
        ...

    def take(self, max_items: int, *, timeout_s: float | None = None) -> list[Message]:
        """Wait up to `timeout_s` (None is for ever) for messages, oldest first."""
        ...

    def close(self) -> None:
        """Observe no more."""
        ...


class FactPublisher(Protocol):
    """Where facts go in."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a fact to whoever observes its topic; never waits for them."""
        ...

    def has_subscribers(self, topic: str) -> bool:
        """Whether a message of `topic` would reach anybody; if not, it need not be made."""
        ...


class FactBus(FactPublisher, Protocol):
    """Where facts go in and come out."""

    def subscribe(self, *prefixes: str, capacity: int = 10_000) -> Subscription:
        """Observe every topic that starts with one of `prefixes` (``""`` is all)."""
        ...


class InProcessBus:
    """The bus within one process: a bounded mailbox for each observer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._observers: tuple[_Observer, ...] = ()

    def publish(self, topic: str, payload: bytes) -> None:
        """Put the message into the mailbox of each observer of `topic`."""
        message: Message | None = None
        for observer in self._observers:
            if topic.startswith(observer.prefixes):
                message = message or Message(topic, payload)
                observer.mailbox.put(message)

    def has_subscribers(self, topic: str) -> bool:
        """Whether anybody observes `topic`."""
        return any(topic.startswith(observer.prefixes) for observer in self._observers)

    def subscribe(self, *prefixes: str, capacity: int = 10_000) -> Subscription:
        """Observe topics by prefix; at most `capacity` messages wait, then the oldest give way."""
        observer = _Observer(self, prefixes, capacity)
        with self._lock:
            # A new tuple, so that `publish` reads without the lock.
            self._observers = (*self._observers, observer)
        return observer

    def _forget(self, observer: "_Observer") -> None:
        with self._lock:
            self._observers = tuple(known for known in self._observers if known is not observer)


class _Observer:
    def __init__(self, bus: InProcessBus, prefixes: tuple[str, ...], capacity: int) -> None:
        self._bus = bus
        self.prefixes = prefixes
        self.mailbox: Mailbox[Message] = Mailbox(capacity=capacity, overflow=Overflow.DROP_OLDEST)

    @property
    def dropped(self) -> int:
        return self.mailbox.counters.dropped

    def take(self, max_items: int, *, timeout_s: float | None = None) -> list[Message]:
        return self.mailbox.take(max_items, timeout_s=timeout_s)

    def close(self) -> None:
        self._bus._forget(self)
        self.mailbox.close()
