"""What waits for one socket: bounded, and no delta lost in silence.

Pure: no clock, no socket, no task. Who has a socket takes frames from a `Subscriber` as fast as it
can be written; `woken` says that there is something to take. What does not fit into a subscriber's
queue is not dropped in silence: a strict channel is told to `resync`, and its state follows whole
once the queue is empty; a conflated one catches up then with what has changed.
"""

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Final, Generic, TypeVar

import msgspec

from botcore.api.ws.view import Step, View
from botcore.control.schema.streams import Resync, ResyncData

F = TypeVar("F")
QUEUE: Final = 256
"""How many frames may wait for one subscriber."""
PHASES: Final = 20
"""Subscribers of conflated channels are served in so many groups, one after another."""
_STUCK: Final = 4
"""With so many times `QUEUE` frames waiting nothing more helps: its socket must be closed."""
_OVERFLOWN: Final = "more frames waited than the server keeps for one client"
RESTATED: Final = "the state was read anew from the store"


class _Standing(Enum):
    LIVE = auto()
    BEHIND = auto()  # of a conflated channel: it catches up
    OWED = auto()  # it gets the whole state


class Subscription(Generic[F]):
    """One subscriber's place in a view."""

    __slots__ = ("at", "is_queued", "standing", "subscriber", "view")

    def __init__(self, subscriber: "Subscriber[F]", view: View[F]) -> None:
        self.subscriber = subscriber
        self.view = view
        self.at = view.last
        self.standing = _Standing.OWED
        self.is_queued = False


class Subscriber(Generic[F]):
    """What waits for one socket.

    Args:
        phase: its group, below `PHASES`.
        queue: how many frames may wait.
        wrap: makes a frame of its JSON.
        woken: called when there is something to take and was nothing before.
    """

    def __init__(
        self,
        *,
        phase: int,
        queue: int,
        wrap: Callable[[bytes], F],
        woken: Callable[[], object],
    ) -> None:
        self.phase = phase
        self.resyncs = 0
        self.taken = 0
        self._bound = queue
        self._wrap = wrap
        self._woken = woken
        self._queue: deque[tuple[F, Subscription[F] | None]] = deque()
        self._owed: dict[str, Subscription[F]] = {}
        self._subscriptions: dict[str, Subscription[F]] = {}

    @property
    def channels(self) -> Iterable[str]:
        """What it is subscribed to."""
        return self._subscriptions.keys()

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._queue)

    def measured(self, size: Callable[[F], int]) -> int:
        """Return the sum of `size` over the frames that wait."""
        return sum(size(frame) for frame, _ in self._queue)

    @property
    def is_stuck(self) -> bool:
        """Whether so much waits that it is hopeless."""
        return len(self._queue) > _STUCK * self._bound

    def tell(self, payload: bytes) -> None:
        """Queue a frame that belongs to no channel: an answer to what it said, a heartbeat."""
        self._append(self._wrap(payload), None)

    def take(self) -> list[F]:
        """Return what is to be written now, and count it as written; empty if there is nothing.

        When nothing waits any more, what is owed is made: whole states, and what was missed.
        """
        if not self._queue and self._owed:
            self._settle()
        frames = []
        while self._queue:
            frame, subscription = self._queue.popleft()
            if subscription is not None:
                subscription.is_queued = False
            frames.append(frame)
        self.taken += len(frames)
        return frames

    def clear(self) -> None:
        """Forget what waits: nothing of it shall be written any more."""
        self._queue.clear()
        self._owed.clear()

    def positions(self) -> dict[str, int]:
        """Return the number it has of each channel once it has read all that waits.

        Channels whose whole state is owed are left out.
        """
        return {
            channel: subscription.at
            for channel, subscription in self._subscriptions.items()
            if subscription.standing is not _Standing.OWED
        }

    # For the hub.

    def join(self, channel: str, view: View[F], since_seq: int | None) -> Subscription[F]:
        """Begin with a view; what is owed for it follows what waits."""
        subscription = Subscription(self, view)
        self._subscriptions[channel] = subscription
        frames = None if since_seq is None else view.resumed(since_seq)
        if frames is None or len(self._queue) + len(frames) > self._bound:
            self._owe(channel, subscription, _Standing.OWED)
        else:
            self._owed.pop(channel, None)
            subscription.standing = _Standing.LIVE
            subscription.at = view.last
            for frame in frames:
                self._append(frame, subscription)
        return subscription

    def leave(self, channel: str) -> Subscription[F] | None:
        """End a subscription; frames of it that wait are still written."""
        self._owed.pop(channel, None)
        return self._subscriptions.pop(channel, None)

    def offer(self, channel: str, subscription: Subscription[F], frame: F, seq: int) -> None:
        """Queue a delta of a strict channel, or note that it must have the state whole."""
        if subscription.standing is not _Standing.LIVE:
            return
        if len(self._queue) >= self._bound:
            self.restate(channel, subscription, _OVERFLOWN)
            return
        subscription.at = seq
        self._append(frame, subscription)

    def offer_step(self, channel: str, subscription: Subscription[F], step: Step[F]) -> None:
        """Queue what a conflated channel's flush made, or note that it must catch up."""
        if subscription.standing is not _Standing.LIVE:
            return  # who is live has the number that the step follows
        if step.frames is None:
            self.restate(channel, subscription, RESTATED)
        elif subscription.is_queued or len(self._queue) + len(step.frames) > self._bound:
            self._owe(channel, subscription, _Standing.BEHIND)
        else:
            subscription.at = subscription.view.last
            subscription.is_queued = True
            for frame in step.frames:
                self._append(frame, subscription)

    def restate(self, channel: str, subscription: Subscription[F], cause: str) -> None:
        """Say that the state follows whole, and owe it."""
        if subscription.standing is _Standing.OWED:
            return
        self.resyncs += 1
        spec = subscription.view.stream.spec
        self.tell(msgspec.json.encode(Resync(channel=spec.name, data=ResyncData(cause=cause))))
        self._owe(channel, subscription, _Standing.OWED)

    def _owe(self, channel: str, subscription: Subscription[F], what: _Standing) -> None:
        subscription.standing = what
        was_idle = not self._queue and not self._owed
        self._owed[channel] = subscription
        if was_idle:
            self._woken()

    def _settle(self) -> None:
        owed, self._owed = self._owed, {}
        for subscription in owed.values():
            view = subscription.view
            frames = None
            if subscription.standing is _Standing.BEHIND:
                frames = () if subscription.at == view.last else view.caught_up(subscription.at)
            if frames is None:
                frames = view.snapshot()
            subscription.standing = _Standing.LIVE
            subscription.at = view.last
            for frame in frames:
                self._queue.append((frame, subscription))

    def _append(self, frame: F, subscription: Subscription[F] | None) -> None:
        was_idle = not self._queue and not self._owed
        self._queue.append((frame, subscription))
        if was_idle:
            self._woken()
