"""One channel's state for one owner: items under keys, numbered changes, and what came since when.

Pure: no clock, no socket, no task.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from botcore.control.encoding import to_json
from botcore.control.schema.streams import ChannelSpec, Message

RING: Final = 1_024
"""How many changes of a strict channel are kept for those who come back."""
GONE_MAX: Final = 1_024
"""How many removals of a conflated channel are kept for them."""
Slot = tuple[str, str]
"""Type and key of an item."""


class Change:
    """An item as it became under a number.

    Attributes:
        about: the instrument it is about; empty if none.
        message: the item, or its last word where `is_removed`.
    """

    __slots__ = ("_envelope", "about", "is_removed", "message", "seq", "slot")

    def __init__(self, seq: int, slot: Slot, message: Message, *, is_removed: bool) -> None:
        self.seq = seq
        self.slot = slot
        self.about = message.about
        self.message = message
        self.is_removed = is_removed
        self._envelope: bytes | None = None

    @property
    def envelope(self) -> bytes:
        """``"type":…,"data":…,"key":…`` as JSON, without braces: encoded once for all."""
        if self._envelope is None:  # of a conflated channel most are never asked for
            self._envelope = b'"type":"%s","data":%s,"key":%s%s' % (
                self.slot[0].encode(),
                to_json(self.message),
                msgspec.json.encode(self.slot[1]),
                b',"removed":true' if self.is_removed else b"",
            )
        return self._envelope


class Stream:
    """The state and the numbers of one channel.

    Args:
        spec: of the channel.
        first_seq: the number it begins with; above any that was given out before, so that a number
            from before a restart is too old and not a mistake.
        ring: how many changes are kept.

    Raises:
        ValueError: the channel is conflated and keeps only the newest: its order would be lost.
    """

    def __init__(self, spec: ChannelSpec, *, first_seq: int, ring: int = RING) -> None:
        if spec.is_conflated and any(kind.KEEPS is not None for kind in spec.messages):
            raise ValueError(f"{spec.name} cannot be conflated and keep only the newest")
        self.spec = spec
        self.seq = first_seq
        self._floor = first_seq
        self._ring: deque[Change] = deque(maxlen=None if spec.is_conflated else ring)
        self._held: OrderedDict[Slot, Change] = OrderedDict()
        self._counts: dict[str, int] = {}
        self._gone: OrderedDict[Slot, Change] = OrderedDict()
        self._asked: tuple[int, int, list[Change]] = (-1, -1, [])

    def __len__(self) -> int:
        """Return how many items its state holds."""
        return len(self._held)

    def message(self, slot: Slot) -> Message | None:
        """Return an item of the state."""
        held = self._held.get(slot)
        return None if held is None else held.message

    def state(self) -> Iterable[Change]:
        """Return the items; those of which only the newest are kept are oldest first."""
        return self._held.values()

    def put(self, message: Message, *, is_removed: bool = False) -> Change | None:
        """Take an item, or its last word; None where that changes nothing.

        Of messages of which only the newest are kept, the oldest is dropped, as readers do it.
        """
        slot = (type(message).__name__, message.key)
        held = self._held.get(slot)
        if held is None and is_removed:
            return None
        if held is not None and not is_removed and held.message == message:
            return None
        self.seq += 1
        change = Change(self.seq, slot, message, is_removed=is_removed)
        if is_removed:
            del self._held[slot]
            self._counts[slot[0]] -= 1
        else:
            self._keep(change, is_new=held is None)
        self._remember(change)
        return change

    def replace(self, messages: Iterable[Message]) -> list[Change] | None:
        """Become exactly `messages`; return what changed.

        Returns:
            None where no changes lead there, because the newest come in another order; the state
            is new then, and everybody needs it whole.
        """
        wanted = {(type(each).__name__, each.key): each for each in messages}
        if not self._goes_on(wanted):
            self.reset(wanted.values())
            return None
        changes = [self.put(message) for message in wanted.values()]
        changes += [
            self.put(held.message, is_removed=True)
            for slot, held in list(self._held.items())
            if slot not in wanted
        ]
        return [change for change in changes if change is not None]

    def reset(self, messages: Iterable[Message]) -> None:
        """Become exactly `messages`, and forget all that came before."""
        self._held.clear()
        self._counts.clear()
        self._gone.clear()
        self.seq += 1
        for message in messages:
            self.put(message)
        self._ring.clear()
        self._floor = self.seq

    def drop(self, slots: Iterable[Slot]) -> None:
        """Forget items that nobody wants; nobody is told."""
        self._asked = (-1, -1, [])
        for slot in slots:
            if self._held.pop(slot, None) is not None:
                self._counts[slot[0]] -= 1

    def since(self, seq: int) -> list[Change] | None:
        """Return what changed after a number, oldest first; None where that is not known.

        Of a conflated channel only the newest change of each item is given.
        """
        if not self._floor <= seq <= self.seq:
            return None
        if not self.spec.is_conflated:
            return list(islice(self._ring, seq - self._floor, None))
        if self._asked[:2] != (seq, self.seq):  # the views of one turn ask for the same
            newer = [*_newer(self._held, seq), *_newer(self._gone, seq)]
            newer.sort(key=lambda change: change.seq)
            self._asked = (seq, self.seq, newer)
        return self._asked[2]

    def known(self) -> list[Change]:
        """Return the changes of a strict stream that are kept, oldest first."""
        return list(self._ring)

    def _goes_on(self, wanted: dict[Slot, Message]) -> bool:
        """Whether of what is kept newest only, all that is new comes behind what is held."""
        ordered = [slot for slot, message in wanted.items() if message.KEEPS is not None]
        known = [slot for slot in self._held if slot in wanted]
        for kind in {slot[0] for slot in ordered}:
            want = [slot for slot in ordered if slot[0] == kind]
            held = [slot for slot in known if slot[0] == kind]
            if want[: len(held)] != held:
                return False
        return True

    def _keep(self, change: Change, *, is_new: bool) -> None:
        slot, keeps = change.slot, type(change.message).KEEPS
        self._held[slot] = change
        self._gone.pop(slot, None)
        if keeps is None:
            self._held.move_to_end(slot)
            if is_new:
                self._counts[slot[0]] = self._counts.get(slot[0], 0) + 1
            return
        if not is_new:
            return  # it keeps its place among the newest
        count = self._counts.get(slot[0], 0) + 1
        if count > keeps:
            del self._held[next(each for each in self._held if each[0] == slot[0])]
            count -= 1
        self._counts[slot[0]] = count

    def _remember(self, change: Change) -> None:
        if not self.spec.is_conflated:
            self._ring.append(change)
            self._floor = self._ring[0].seq - 1
        elif change.is_removed:
            self._gone[change.slot] = change
            if len(self._gone) > GONE_MAX:
                self._floor = self._gone.popitem(last=False)[1].seq


def _newer(changes: OrderedDict[Slot, Change], seq: int) -> Iterator[Change]:
    for change in reversed(changes.values()):
        if change.seq <= seq:
            return
        yield change
