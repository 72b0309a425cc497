"""Channels to subscribers: each stream's changes, to those who want them, encoded once.

Pure: no clock, no socket, no task.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from botcore.api.ws.protocol import framed
from botcore.api.ws.stream import RING, Change, Stream
from botcore.api.ws.subscriber import PHASES, QUEUE, RESTATED, Subscriber, Subscription
from botcore.api.ws.view import View
from botcore.control.schema.streams import CHANNELS, ChannelSpec, Message
from botcore.kernel.clock import Clock

F = TypeVar("F")
StreamKey = tuple[str, str]
"""Channel and owner; the owner is empty where everybody sees the same."""


class Hub(Generic[F]):
    """All channels and all subscribers.

    Args:
        specs: the channels by name.
        first_seq: number the streams begin with; must be above any an earlier hub gave out.
        wrap: makes a frame of its JSON; called once for each frame, however many get it.
        queue: how many frames may wait for one subscriber.
        ring: how many changes of a strict channel are kept.
    """

    def __init__(
        self,
        specs: Mapping[str, ChannelSpec],
        *,
        first_seq: int,
        wrap: Callable[[bytes], F],
        queue: int = QUEUE,
        ring: int = RING,
    ) -> None:
        self._specs = specs
        self._first_seq = first_seq
        self._wrap = wrap
        self._queue = queue
        self._ring = ring
        self._streams: dict[StreamKey, Stream] = {}
        self._places: dict[StreamKey, _Places[F]] = {}
        self._owners: dict[Subscriber[F], str] = {}
        self._joined = 0
        self._left_taken = self._left_resyncs = 0

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return len(self._owners)

    @property
    def taken(self) -> int:
        """How many frames all subscribers took to be written, those who left included."""
        return self._left_taken + sum(each.taken for each in self._owners)

    @property
    def resyncs(self) -> int:
        """How often a subscriber was told that the state follows whole, likewise."""
        return self._left_resyncs + sum(each.resyncs for each in self._owners)

    def waiting(self, size: Callable[[F], int]) -> int:
        """Return the sum of `size` over all frames that wait."""
        return sum(each.measured(size) for each in self._owners)

    def join(self, woken: Callable[[], object], *, owner: str = "") -> Subscriber[F]:
        """Return a new subscriber, subscribed to nothing.

        Args:
            woken: called when there is something to take.
            owner: id of the user it belongs to; what it sees of owned channels.
        """
        subscriber = Subscriber[F](
            phase=self._joined % PHASES, queue=self._queue, wrap=self._wrap, woken=woken
        )
        self._joined += 1
        self._owners[subscriber] = owner
        return subscriber

    def leave(self, subscriber: Subscriber[F]) -> None:
        """Forget a subscriber."""
        for channel in list(subscriber.channels):
            self.unsubscribe(subscriber, channel)
        if self._owners.pop(subscriber, None) is not None:
            self._left_taken += subscriber.taken
            self._left_resyncs += subscriber.resyncs

    def key_of(self, subscriber: Subscriber[F], channel: str) -> StreamKey:
        """Return which stream a subscriber sees under a channel's name."""
        return channel, self._owners[subscriber] if self._specs[channel].is_owned else ""

    def subscribe(
        self,
        subscriber: Subscriber[F],
        channel: str,
        *,
        instruments: Iterable[str] = (),
        since_seq: int | None = None,
    ) -> None:
        """Give a subscriber the state of a channel, or what it missed, and what changes from now.

        A subscription to the same channel ends.

        Args:
            subscriber: who.
            channel: its name.
            instruments: only what is about them; empty is all.
            since_seq: the number it has, from an earlier subscription with the same filter.
        """
        self.unsubscribe(subscriber, channel)
        key = self.key_of(subscriber, channel)
        places = self._places.setdefault(key, _Places(self.stream(*key), self._wrap))
        places.add(subscriber, frozenset(instruments), since_seq)

    def unsubscribe(self, subscriber: Subscriber[F], channel: str) -> bool:
        """End a subscription; False if there was none."""
        subscription = subscriber.leave(channel)
        if subscription is None:
            return False
        key = self.key_of(subscriber, channel)
        places = self._places[key]
        places.remove(subscription)
        if not places.is_wanted:
            del self._places[key]
            if key[1]:  # what somebody owns is read anew when they come back
                del self._streams[key]
        return True

    def stream(self, channel: str, owner: str = "") -> Stream:
        """Return a stream; it is made when it is asked for first."""
        key = (channel, owner)
        found = self._streams.get(key)
        if found is None:
            found = self._streams[key] = Stream(
                self._specs[channel], first_seq=self._first_seq, ring=self._ring
            )
        return found

    def is_known(self, channel: str, owner: str = "") -> bool:
        """Whether there is such a stream."""
        return (channel, owner) in self._streams

    def streams(self) -> list[StreamKey]:
        """Return which there are."""
        return list(self._streams)

    def forget(self, channel: str, owner: str = "") -> None:
        """Forget a stream that nobody is subscribed to."""
        if (channel, owner) not in self._places:
            self._streams.pop((channel, owner), None)

    def keep_only_wanted(self, channel: str) -> None:
        """Forget items about instruments that no subscriber names; nobody is told."""
        if self.is_known(channel):
            stream, wanted = self.stream(channel), self.wanted(channel)
            stream.drop([each.slot for each in stream.state() if each.about not in wanted])

    def tell(self, channel: str, owner: str, payload: bytes) -> None:
        """Tell all subscribers of a stream something that is no delta."""
        places = self._places.get((channel, owner))
        if places is not None:
            for subscriber in places.subscribers():
                subscriber.tell(payload)

    def is_wanted(self, channel: str, owner: str = "") -> bool:
        """Whether anybody is subscribed to it."""
        return (channel, owner) in self._places

    def wanted(self, channel: str, owner: str = "") -> frozenset[str]:
        """Return the instruments that its subscribers name."""
        places = self._places.get((channel, owner))
        return frozenset() if places is None else places.instruments()

    def put(
        self, channel: str, message: Message, *, owner: str = "", is_removed: bool = False
    ) -> None:
        """Take an item, or the last word of one that leaves the state."""
        change = self.stream(channel, owner).put(message, is_removed=is_removed)
        if change is not None:
            self._tell((channel, owner), [change])

    def replace(self, channel: str, messages: Iterable[Message], *, owner: str = "") -> int:
        """Let a channel's state be exactly `messages`; return how many changes that took."""
        stream = self.stream(channel, owner)
        changes = stream.replace(messages)
        if changes is None:
            places = self._places.get((channel, owner))
            if places is not None:
                places.restate()
            return len(stream)
        self._tell((channel, owner), changes)
        return len(changes)

    def flush(self, phase: int) -> None:
        """Send what has changed in conflated channels to one group of subscribers."""
        for places in list(self._places.values()):
            places.flush(phase)

    def _tell(self, key: StreamKey, changes: list[Change]) -> None:
        places = self._places.get(key)
        if places is not None and not places.stream.spec.is_conflated:
            for change in changes:
                places.spread(change)


class _Places(Generic[F]):
    """Who is subscribed to one stream, by what they want of it."""

    def __init__(self, stream: Stream, wrap: Callable[[bytes], F]) -> None:
        self.stream = stream
        self._wrap = wrap
        self._groups: dict[tuple[frozenset[str], int], _Group[F]] = {}
        self._about: dict[str, dict[tuple[frozenset[str], int], _Group[F]]] = {}
        self._phases: dict[int, dict[tuple[frozenset[str], int], _Group[F]]] = {}

    @property
    def is_wanted(self) -> bool:
        return bool(self._groups)

    def subscribers(self) -> list[Subscriber[F]]:
        return [each.subscriber for group in self._groups.values() for each in group.subscriptions]

    def instruments(self) -> frozenset[str]:
        return frozenset(name for name in self._about if name)

    def add(
        self, subscriber: Subscriber[F], instruments: frozenset[str], since_seq: int | None
    ) -> None:
        phase = subscriber.phase if self.stream.spec.is_conflated else 0
        key = (instruments, phase)
        group = self._groups.get(key)
        if group is None:
            group = _Group(key, View(self.stream, instruments, wrap=self._wrap))
            self._groups[key] = group
            self._phases.setdefault(phase, {})[key] = group
            for name in instruments or ("",):
                self._about.setdefault(name, {})[key] = group
        subscription = subscriber.join(self.stream.spec.name, group.view, since_seq)
        group.subscriptions[subscription] = None

    def remove(self, subscription: Subscription[F]) -> None:
        view = subscription.view
        phase = subscription.subscriber.phase if self.stream.spec.is_conflated else 0
        key = (view.instruments, phase)
        group = self._groups[key]
        del group.subscriptions[subscription]
        if group.subscriptions:
            return
        del self._groups[key], self._phases[phase][key]
        for name in view.instruments or ("",):
            del self._about[name][key]
            if not self._about[name]:
                del self._about[name]

    def spread(self, change: Change) -> None:
        """Hand one change of a strict stream to those who want it."""
        if not change.about:
            groups = list(self._groups.values())
        else:
            groups = [
                *self._about.get("", {}).values(),
                *self._about.get(change.about, {}).values(),
            ]
        channel = self.stream.spec.name
        for group in groups:
            frame = group.view.step(change)
            for subscription in group.subscriptions:
                subscription.subscriber.offer(channel, subscription, frame, change.seq)

    def flush(self, phase: int) -> None:
        if not self.stream.spec.is_conflated:
            return
        channel = self.stream.spec.name
        for group in self._phases.get(phase, {}).values():
            step = group.view.flush()
            if step is not None:
                for subscription in group.subscriptions:
                    subscription.subscriber.offer_step(channel, subscription, step)

    def restate(self) -> None:
        """The stream began anew: everybody needs its state whole."""
        for group in self._groups.values():
            group.view.restart()
            for subscription in group.subscriptions:
                subscription.subscriber.restate(self.stream.spec.name, subscription, RESTATED)


class _Group(Generic[F]):
    """Subscribers who share a view."""

    __slots__ = ("key", "subscriptions", "view")

    def __init__(self, key: tuple[frozenset[str], int], view: View[F]) -> None:
        self.key = key
        self.view = view
        self.subscriptions: dict[Subscription[F], None] = {}


def new_hub(clock: Clock) -> Hub[bytes]:
    """Return a hub of all channels, whose frames are as they go over the wire.

    Its numbers begin with the wall clock's microseconds: a restart hands out none twice.
    """
    return Hub(CHANNELS, first_seq=clock.now_ns() // 1_000, wrap=framed)
