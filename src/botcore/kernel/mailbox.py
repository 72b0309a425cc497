"""Bounded mailboxes between threads, each with a stated policy for when it is full."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar, assert_never

T = TypeVar("T")


class Overflow(StrEnum):
    """What a full mailbox does with one more ordinary item."""

    BLOCK = "BLOCK"
    """The sender waits."""
    CONFLATE = "CONFLATE"
    """The waiting item of the same key gives way; without one, the oldest does."""
    DROP_OLDEST = "DROP_OLDEST"
    """The oldest item gives way."""


@dataclass(frozen=True, slots=True)
class MailboxCounters:
    """What went through a mailbox since it was made.

    Attributes:
        offered: items that senders brought, ordinary and prior.
        taken: items that the reader got.
        dropped: items that gave way to make room.
        conflated: items that gave way to a newer one of their key.
        blocked: times a sender had to wait.
        refused: items turned away, because a wait ended or the mailbox was closed.
        high_water: most items that waited at once.
    """

    offered: int = 0
    taken: int = 0
    dropped: int = 0
    conflated: int = 0
    blocked: int = 0
    refused: int = 0
    high_water: int = 0


class Mailbox(Generic[T]):
    """Many senders, one reader that takes batches; thread-safe and bounded.

    Two lanes: `put` follows the policy; `put_prior` is for commands and private events, which are
    read first and never dropped: its sender waits when that lane is full.

    Args:
        capacity: bound of each lane, above zero.
        overflow: what `put` does when its lane is full.
        key: what makes two items the same thing at different times; needed by CONFLATE.

    Raises:
        ValueError: the capacity is not above zero, or CONFLATE has no key.
    """

    def __init__(
        self,
        *,
        capacity: int,
        overflow: Overflow,
        key: Callable[[T], Hashable] | None = None,
    ) -> None:
        if capacity <= 0:
            raise ValueError(f"a mailbox of {capacity} items holds nothing")
        if overflow is Overflow.CONFLATE and key is None:
            raise ValueError("CONFLATE needs to know the key of an item")
        self._capacity = capacity
        self._overflow = overflow
        self._key = key
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._prior: deque[T] = deque()
        self._items: OrderedDict[int, T] = OrderedDict()
        self._latest: dict[Hashable, int] = {}
        self._next = 0
        self._closed = False
        self._offered = self._taken = self._dropped = self._conflated = 0
        self._blocked = self._refused = self._high_water = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._prior) + len(self._items)

    @property
    def capacity(self) -> int:
        """The bound of each lane."""
        return self._capacity

    @property
    def counters(self) -> MailboxCounters:
        """What went through so far."""
        with self._lock:
            return MailboxCounters(
                offered=self._offered,
                taken=self._taken,
                dropped=self._dropped,
                conflated=self._conflated,
                blocked=self._blocked,
                refused=self._refused,
                high_water=self._high_water,
            )

    def put(self, item: T, *, timeout_s: float | None = None) -> bool:
        """Offer an ordinary item.

        Args:
            item: what to deliver.
            timeout_s: under BLOCK, how long to wait for room; None waits for ever.

        Returns:
            Whether it was accepted: False after a wait without room, or once closed.
        """
        with self._lock:
            self._offered += 1
            if len(self._items) >= self._capacity and not self._closed:
                match self._overflow:
                    case Overflow.BLOCK:
                        self._wait_for_room(
                            lambda: len(self._items) < self._capacity, timeout_s=timeout_s
                        )
                    case Overflow.CONFLATE:
                        self._conflate(item)
                    case Overflow.DROP_OLDEST:
                        self._drop_oldest()
                    case _:
                        assert_never(self._overflow)
            if self._closed or len(self._items) >= self._capacity:
                self._refused += 1
                return False
            self._items[self._next] = item
            if self._key is not None:
                self._latest[self._key(item)] = self._next
            self._next += 1
            self._arrived()
            return True

    def put_prior(self, item: T, *, timeout_s: float | None = None) -> bool:
        """Offer an item that is read before all ordinary ones and never dropped.

        Returns:
            Whether it was accepted: False after a wait of `timeout_s` without room, or once closed.
        """
        with self._lock:
            self._offered += 1
            self._wait_for_room(lambda: len(self._prior) < self._capacity, timeout_s=timeout_s)
            if self._closed or len(self._prior) >= self._capacity:
                self._refused += 1
                return False
            self._prior.append(item)
            self._arrived()
            return True

    def take(self, max_items: int, *, timeout_s: float | None = None) -> list[T]:
        """Wait for something, and return up to `max_items`: prior ones first, each in order.

        Returns:
            An empty list when `timeout_s` (None is for ever) passed or the mailbox is closed and
            empty.
        """
        with self._lock:
            self._filled.wait_for(
                lambda: self._prior or self._items or self._closed, timeout=timeout_s
            )
            batch: list[T] = []
            while self._prior and len(batch) < max_items:
                batch.append(self._prior.popleft())
            while self._items and len(batch) < max_items:
                batch.append(self._pop_oldest())
            self._taken += len(batch)
            if batch:
                self._room.notify_all()
            return batch

    def close(self) -> None:
        """Accept nothing more; what waits can still be taken, and nobody waits any longer."""
        with self._lock:
            self._closed = True
            self._filled.notify_all()
            self._room.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether it accepts nothing more."""
        with self._lock:
            return self._closed

    def _wait_for_room(self, has_room: Callable[[], bool], *, timeout_s: float | None) -> None:
        if has_room() or self._closed:
            return
        self._blocked += 1
        self._room.wait_for(lambda: has_room() or self._closed, timeout=timeout_s)

    def _conflate(self, item: T) -> None:
        assert self._key is not None
        waiting = self._latest.get(self._key(item))
        if waiting is None:
            self._drop_oldest()
            return
        del self._items[waiting]
        self._conflated += 1

    def _drop_oldest(self) -> None:
        self._pop_oldest()
        self._dropped += 1

    def _pop_oldest(self) -> T:
        place, item = self._items.popitem(last=False)
        if self._key is not None:
            key = self._key(item)
            if self._latest.get(key) == place:
                del self._latest[key]
        return item

    def _arrived(self) -> None:
        self._high_water = max(self._high_water, len(self._prior) + len(self._items))
        self._filled.notify()
