"""A channel's state as a client holds it: the fold of what the WebSocket says."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from botcore.control.schema.streams import MESSAGES, Message

_DATA: Final = {name: msgspec.json.Decoder(kind) for name, kind in MESSAGES.items()}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Any frame of the server; what does not stand in it has its default."""

    type: str
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    key: str = ""
    removed: bool = False
    seq: int = -1
    after: int = -1
    part: int = 0
    is_last: bool = True


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    data: msgspec.Raw
    key: str
    removed: bool = False


_FRAME: Final = msgspec.json.Decoder(Frame)
_ITEMS: Final = msgspec.json.Decoder(list[_Item])


class Change(NamedTuple):
    """One item of a channel changed.

    Attributes:
        type: name of its message type.
        message: as it is now, or as it last was; a mapping if this client does not know its type.
        is_removed: it has left the state.
    """

    channel: str
    type: str
    message: Any
    is_removed: bool = False


class Hole(Exception):  # noqa: N818  # a state to mend, not a failure
    """A delta does not follow what came before: the channel must be subscribed to again."""


def read_frame(text: str | bytes) -> Frame:
    """Read what the server sent.

    Raises:
        msgspec.MsgspecError: it is no frame.
    """
    return _FRAME.decode(text)


class ChannelState:
    """The state of one channel and the number one has.

    Args:
        channel: its name.
    """

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.seq: int | None = None
        """None until the whole state was read."""
        self._items: dict[tuple[str, str], Any] = {}
        self._coming: dict[tuple[str, str], Any] = {}

    @property
    def items(self) -> Mapping[tuple[str, str], Any]:
        """Messages by type and key; those of which only the newest are kept are oldest first."""
        return self._items

    def fold(self, frame: Frame) -> list[Change] | None:
        """Take a frame of this channel.

        Returns:
            What changed; None where the state was read anew.

        Raises:
            Hole: the frame does not follow what came before.
        """
        match frame.type:
            case "snapshot":
                return self._begin_anew(frame)
            case "resumed":
                self.seq = frame.seq
                return []
            case "resync":
                self.seq = None
                return []
            case "batch":
                items = _ITEMS.decode(frame.data)
            case _:
                items = [
                    _Item(type=frame.type, data=frame.data, key=frame.key, removed=frame.removed)
                ]
        if self.seq is None:
            return []  # what is on its way from before a snapshot that is owed
        if frame.after != self.seq:
            raise Hole(f"{self.channel}: a delta follows {frame.after}, and this is {self.seq}")
        self.seq = frame.seq
        return [self._apply(item) for item in items]

    def _begin_anew(self, frame: Frame) -> list[Change] | None:
        if frame.part == 0:
            self._coming = {}
        for item in _ITEMS.decode(frame.data):
            self._coming[item.type, item.key] = _message(item)
        if not frame.is_last:
            return []
        self._items, self._coming = self._coming, {}
        self.seq = frame.seq
        return None

    def _apply(self, item: _Item) -> Change:
        message = _message(item)
        slot = (item.type, item.key)
        if item.removed:
            self._items.pop(slot, None)
        else:
            self._items[slot] = message
            keeps = MESSAGES[item.type].KEEPS if item.type in MESSAGES else None
            if keeps is not None:
                self._drop_oldest(item.type, keeps)
        return Change(self.channel, item.type, message, item.removed)

    def _drop_oldest(self, kind: str, keeps: int) -> None:
        held = [slot for slot in self._items if slot[0] == kind]
        for slot in held[: max(0, len(held) - keeps)]:
            del self._items[slot]


def _message(item: _Item) -> Message | Any:  # noqa: ANN401  # of a type that a newer server has
    decoder = _DATA.get(item.type)
    return msgspec.json.decode(item.data) if decoder is None else decoder.decode(item.data)
