"""Who said what is heard on the bus: facts and views are signed with the token of the home.

Any user of a machine may listen where an engine publishes, keep what it said, and take its port
when it died. What such a stranger says must not be shown as the engine's word, and neither must
what the engine itself said, said once more. So each message carries, under one signature over
what it is, its topic and its payload:

- the **epoch**, drawn by chance by each publisher, and its **number** within epoch and topic: from
  these a subscriber counts what was lost. They do not tell old from new: chance has no order, and
  of a topic that it has not heard yet a subscriber takes any number to begin with.
- the instant at which it was **sent**, of the clock that never goes back and that all processes of
  a machine share; no two messages of a publisher have the same one. This tells old from new. A
  subscriber hears nothing that was sent before it began to listen, and one publisher's messages
  come in the order they were sent: so whatever was sent before the newest that is believed, or
  before the subscriber was there, is said again by somebody else. That holds from one epoch to the
  next, since an engine that is started anew sends later than the one before it.
- that clock begins anew with the machine: the key is made of the token and of the id of the
  machine's start, so that what was said before a restart has no valid signature behind it.

What is left to who recorded everything is to hand over, in order and once, what a subscriber
itself missed right before the engine died. That was true when it was said; after `LATE_NS` it is
not believed any more, and then counts as lost.
"""

import hmac
import struct
from pathlib import Path
from typing import Final, NamedTuple

from botcore.domain.ids import SECOND_NS

LATE_NS: Final = 30 * SECOND_NS
"""A message that is read this long after it was sent is lost: who listens reads the store."""
_KIND: Final = b"botcore fact\n"
"""What is signed begins with what it is, as calls and answers do."""
_STAMP: Final = struct.Struct(">QQQ")
_LENGTH: Final = struct.Struct(">Q")
_SIGNATURE_BYTES: Final = 32
_PARTS: Final = 3
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Stamp(NamedTuple):
    """When and as which one a message was sent.

    Attributes:
        epoch: of the publisher.
        number: within epoch and topic, from 1.
        sent_ns: of the machine's monotonic clock.
    """

    epoch: int
    number: int
    sent_ns: int


class FactSigner:
    """Signs what is published, and reads it; both ends have one.

    Args:
        token: of the home.
        boot_id: names the machine's start; None asks the machine. Where it has no such name, what
            was said before a restart is told by its instant alone.
    """

    def __init__(self, token: str, *, boot_id: bytes | None = None) -> None:
        started = _boot_id() if boot_id is None else boot_id
        self._key = hmac.digest(token.encode(), _KIND + started, "sha256")

    def sign(self, topic: bytes, stamp: Stamp, payload: bytes) -> list[bytes]:
        """Return a message as it is sent."""
        packed = _STAMP.pack(*stamp)
        return [topic, packed + self._signature(topic, packed, payload), payload]

    def read(self, parts: list[bytes]) -> Stamp | None:
        """Return the stamp of what came; None where it is not the engine's, or was changed."""
        if len(parts) != _PARTS or len(parts[1]) != _STAMP.size + _SIGNATURE_BYTES:
            return None
        topic, head, payload = parts
        packed, signature = head[: _STAMP.size], head[_STAMP.size :]
        if not hmac.compare_digest(signature, self._signature(topic, packed, payload)):
            return None
        return Stamp(*_STAMP.unpack(packed))

    def _signature(self, topic: bytes, packed: bytes, payload: bytes) -> bytes:
        # With its length in front, the border between topic and payload is where it was.
        signed = b"".join((_KIND, packed, _LENGTH.pack(len(topic)), topic, payload))
        return hmac.digest(self._key, signed, "sha256")


def _boot_id() -> bytes:
    try:
        return _BOOT_ID.read_bytes().strip()
    except OSError:  # no Linux
        return b""
