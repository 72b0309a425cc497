"""Log files of a home, as they are and as they grow."""

from collections.abc import Iterator
from pathlib import Path

from botcore.kernel.clock import SystemClock

_POLL_S = 0.3


def log_lines(files: list[Path], *, lines: int, follow: bool) -> Iterator[str]:
    """Yield the last `lines` of each file, then new ones as they come if `follow`."""
    clock = SystemClock()
    offsets: dict[Path, int] = {}
    for path in files:
        text = path.read_text(errors="replace")
        offsets[path] = path.stat().st_size
        yield from text.splitlines()[-lines:]
    while follow:
        for path in files:
            size = path.stat().st_size if path.exists() else 0
            if size < offsets[path]:
                offsets[path] = 0  # it was turned over
            if size > offsets[path]:
                with path.open(errors="replace") as file:
                    file.seek(offsets[path])
                    for line in file:
                        yield line.rstrip("\n")
                    offsets[path] = file.tell()
        clock.sleep_blocking(_POLL_S)
