"""The market tape as the engine's process uses it: inputs in, inputs out."""

from collections.abc import Iterator
from pathlib import Path

from botcore.domain.commands import Input
from botcore.domain.keys import Key
from botcore.domain.market import BarsClosed
from botcore.domain.records import decode_input, encode
from botcore.storage import TapeReader, TapeWriter


def recorded_bars(folder: Path) -> Iterator[BarsClosed]:
    """Yield the closed bars of a tape that another process may be writing, oldest first."""
    for record in TapeReader(folder).read():
        event = decode_input(record.payload)
        if isinstance(event, BarsClosed):
            yield event


class Tape:
    """Recorded market inputs of a home.

    Args:
        folder: where the segments lie.
        max_bytes: their size bound; the oldest give way.

    Raises:
        StorageError: the tape cannot be read or written.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        segment = min(64 * 1024 * 1024, max_bytes // 4)
        self._writer = TapeWriter(folder, segment_bytes=segment, total_bytes=max_bytes)

    def append(self, key: Key, event: Input) -> None:
        """Add one input; it may stay in memory until `flush`."""
        self._writer.append(key, encode(event))

    def flush(self) -> None:
        """Hand what is in memory to the operating system: a killed process loses none of it."""
        self._writer.flush()

    def read(self) -> Iterator[tuple[Key, Input]]:
        """Yield what was recorded, oldest first; a torn end is left out."""
        for record in TapeReader(self._folder).read():
            yield record.key, decode_input(record.payload)

    def bars(self) -> list[BarsClosed]:
        """Return the closed bars that were recorded, oldest first."""
        return [event for _, event in self.read() if isinstance(event, BarsClosed)]

    def last_key(self) -> Key | None:
        """Return the key of the newest record; None on an empty tape."""
        last = None
        for record in TapeReader(self._folder).read():
            last = record.key
        return last

    def close(self) -> None:
        """End the segment."""
        self._writer.close()
