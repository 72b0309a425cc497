"""What of a stream some subscribers want alike: each frame is made once for all of them.

A frame's numbers belong to the view: `after` is the view's last change before it, so that a
subscriber with a filter sees an unbroken chain although others' changes lie in between.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from botcore.api.ws.stream import Change, Stream

F = TypeVar("F")
"""A frame as its sinks take it."""
ITEMS_MAX: Final = 500
"""How many items one frame holds at most."""
_CAUGHT_UP_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Step(Generic[F]):
    """Frames that lead from the number `after` on; None where only the whole state does."""

    after: int
    frames: tuple[F, ...] | None


class View(Generic[F]):
    """A stream through a filter.

    Args:
        stream: what is looked at.
        instruments: the filter; empty is all.
        wrap: makes a frame of its JSON, once.
    """

    def __init__(
        self, stream: Stream, instruments: frozenset[str], *, wrap: Callable[[bytes], F]
    ) -> None:
        self.stream = stream
        self.instruments = instruments
        self.last = self._position()
        self._wrap = wrap
        self._channel = stream.spec.name.encode()
        self._snapshot: tuple[int, tuple[F, ...]] | None = None
        self._caught_up: tuple[int, dict[int, tuple[F, ...]]] = (0, {})
        self._seen = stream.seq  # up to where a conflated stream has been looked through

    def shows(self, change: Change) -> bool:
        """Whether a change is within the filter."""
        return not self.instruments or not change.about or change.about in self.instruments

    def step(self, change: Change) -> F:
        """Go on by one change of a strict stream; return its frame."""
        after, self.last = self.last, change.seq
        return self._delta([change], after, change.seq)

    def flush(self) -> "Step[F] | None":
        """Go on to where a conflated stream is; None where nothing within the filter changed."""
        newer = self.stream.since(self._seen)
        self._seen = self.stream.seq
        if newer is None:  # so much was removed that it cannot be told
            self.restart()
            return Step(self.last, None)
        changes = [change for change in newer if self.shows(change)]
        if not changes:
            return None
        after, self.last = self.last, changes[-1].seq
        return Step(after, self._deltas(changes, after, self.last))

    def restart(self) -> None:
        """Go on from where the stream is; everybody needs the state whole."""
        self.last = self._seen = self.stream.seq

    def snapshot(self) -> tuple[F, ...]:
        """Return the whole state at `last`."""
        known = self._snapshot
        if known is not None and known[0] == self.last:
            return known[1]
        items = [change.envelope for change in self.stream.state() if self.shows(change)]
        parts = _parts(items) or [[]]
        frames = tuple(
            self._wrap(
                b'{"type":"snapshot","channel":"%s","seq":%d,"part":%d,"is_last":%s,"data":[%s]}'
                % (
                    self._channel,
                    self.last,
                    number,
                    b"true" if number == len(parts) - 1 else b"false",
                    b",".join(b"{%s}" % item for item in part),
                )
            )
            for number, part in enumerate(parts)
        )
        self._snapshot = (self.last, frames)
        return frames

    def resumed(self, since: int) -> tuple[F, ...] | None:
        """Return what one needs who has the number `since`; None if that is not known."""
        newer = self.stream.since(since)
        if newer is None:
            return None
        position, frames = since, tuple[F, ...]()
        changes = [change for change in newer if self.shows(change)]
        if not changes or (self.stream.spec.is_conflated and since >= self.last):
            position = self.last  # what is newer comes with the next flush
        elif self.stream.spec.is_conflated:
            frames = self._deltas(changes, since, self.last)
        else:
            before = [since, *(change.seq for change in changes)]
            frames = tuple(
                self._delta([change], after, change.seq)
                for after, change in zip(before, changes, strict=False)
            )
        return (
            self._wrap(b'{"type":"resumed","channel":"%s","seq":%d}' % (self._channel, position)),
            *frames,
        )

    def caught_up(self, since: int) -> tuple[F, ...] | None:
        """Return frames from a number to `last`, of a conflated stream; None if not known."""
        if self._caught_up[0] != self.stream.seq or len(self._caught_up[1]) > _CAUGHT_UP_MAX:
            self._caught_up = (self.stream.seq, {})
        known = self._caught_up[1].get(since)
        if known is None:
            newer = self.stream.since(since)
            if newer is None:
                return None
            changes = [change for change in newer if self.shows(change)]
            known = self._deltas(changes, since, self.last)
            self._caught_up[1][since] = known
        return known

    def _deltas(self, changes: list[Change], after: int, seq: int) -> tuple[F, ...]:
        """Return one delta, or several that hold together."""
        parts = _parts(changes) or [[]]
        bounds = [after, *(part[-1].seq for part in parts[:-1]), seq]
        return tuple(
            self._delta(part, bounds[number], bounds[number + 1])
            for number, part in enumerate(parts)
        )

    def _delta(self, changes: list[Change], after: int, seq: int) -> F:
        if len(changes) == 1:
            head = b"{" + changes[0].envelope
        else:
            head = b'{"type":"batch","data":[%s]' % b",".join(
                b"{%s}" % change.envelope for change in changes
            )
        return self._wrap(
            b'%s,"channel":"%s","after":%d,"seq":%d}' % (head, self._channel, after, seq)
        )

    def _position(self) -> int:
        """Return the number of the last change within the filter that is known."""
        if not self.instruments or self.stream.spec.is_conflated:
            return self.stream.seq
        newer = self.stream.known()
        return next((each.seq for each in reversed(newer) if self.shows(each)), self.stream.seq)


T = TypeVar("T")


def _parts(items: Iterable[T]) -> list[list[T]]:
    whole = list(items)
    return [whole[first : first + ITEMS_MAX] for first in range(0, len(whole), ITEMS_MAX)]
