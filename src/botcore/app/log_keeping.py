"""Every process's log file, followed into the searchable log.

The processes write their files and wait for nobody. This one reads what has come, once a second, on
a thread; where it stands is kept beside the store, and a line that is read twice is kept once.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import structlog

from botcore.control.discretion import discreet
from botcore.control.schema.health import HealthStatus
from botcore.control.schema.logs import LogLevel
from botcore.control.schema.values import nanoseconds
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock
from botcore.observability import catalogue as c
from botcore.observability.redaction import redacted
from botcore.observability.sheet import Sheet
from botcore.storage.logs import KeptLine, LogStore

FOLDER: Final = "search"
_PLACES: Final = "places.json"
_EVERY_S: Final = 1.0
_AGAIN_S: Final = 30.0
_CLEAN_EVERY: Final = 600
_CHUNK: Final = 1 << 20
_BEGIN_MAX: Final = 16 << 20
"""How far back a file is read that nobody has followed yet."""
_LINE_MAX: Final = 1 << 18


class LogKeeper:
    """Follows log files.

    Args:
        folder: of the log files, ``*.log``.
        store: keeps the lines.
        clock: paces, and dates lines that say no time.
    """

    def __init__(self, folder: Path, store: LogStore, *, clock: Clock) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        self._began = clock.now_ns()
        self._places: dict[str, int] = _read_places(folder / FOLDER / _PLACES)
        self._lock = threading.Lock()
        self._lines: Counter[tuple[str, str]] = Counter()
        self._odd = 0
        self._size = 0
        self._failure = ""
        self._log = structlog.get_logger("logs")

    async def run(self) -> None:
        """Follow until cancelled."""
        rounds = 0
        while True:
            try:
                if rounds % _CLEAN_EVERY == 0:
                    await asyncio.to_thread(self._clean_up)
                is_behind = await asyncio.to_thread(self.follow)
            except StorageError as error:
                if not self._failure:
                    self._log.error(
                        "log_not_kept", code=error.code, cause=error.cause, fix=error.fix
                    )
                self._failure = f"{discreet(error.cause)} [{error.code}]"
                await self._clock.sleep(_AGAIN_S)
                continue
            self._failure = ""
            rounds += 1
            await self._clock.sleep(0.0 if is_behind else _EVERY_S)

    def follow(self) -> bool:
        """Take what has come; return whether there is more than one turn takes.

        Raises:
            StorageError: it cannot be kept; the next turn begins where this one did.
        """
        is_behind = False
        found: dict[str, int] = {}
        for path in sorted(self._folder.glob("*.log")):
            try:
                key, end, is_more = self._follow(path)
            except OSError:
                continue  # turned over or removed meanwhile
            found[key] = end
            is_behind = is_behind or is_more
        if found != self._places:
            self._places = found
            _write_places(self._folder / FOLDER / _PLACES, found)
        return is_behind

    def health(self) -> tuple[HealthStatus, str]:
        """Return how it is (`ProcessVitals.add`)."""
        if self._failure:
            return HealthStatus.DEGRADED, self._failure
        return HealthStatus.OK, ""

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        with self._lock:
            for labels, count in self._lines.items():
                sheet.add(c.LOG_LINES, count, *labels)
            sheet.add(c.LOG_ODD, self._odd)
        sheet.add(c.LOG_SIZE, self._size)

    def _clean_up(self) -> None:
        self._store.clean_up(self._clock.now_ns())
        self._size = self._store.size()

    def _follow(self, path: Path) -> tuple[str, int, bool]:
        status = path.stat()
        key = f"{status.st_dev}-{status.st_ino}"
        begin = self._places.get(key)
        if begin is None:
            begin = max(0, status.st_size - _BEGIN_MAX)
        elif begin > status.st_size:
            begin = 0  # it was emptied
        with path.open("rb") as file:
            file.seek(begin)
            chunk = file.read(_CHUNK)
        end = chunk.rfind(b"\n") + 1
        if not end and len(chunk) >= _LINE_MAX:
            end = len(chunk)  # a line beyond all bounds is cut
        lines, offset = [], begin
        service = path.name.split(".")[0]
        for raw in chunk[:end].splitlines(keepends=True):
            if raw.strip():
                lines.append(self._read(raw, service, f"{service}:{key}:{offset}"))
            offset += len(raw)
        if lines:
            self._store.keep(lines)
            self._count(lines)
        return key, begin + end, len(chunk) == _CHUNK

    def _read(self, raw: bytes, service: str, place: str) -> KeptLine:
        text = raw.decode(errors="replace").strip()
        try:
            fields = msgspec.json.decode(text)
            ts = nanoseconds(datetime.fromisoformat(fields["ts"]))
            return KeptLine(
                ts=ts,
                place=f"{place}:{ts}",
                level=str(fields["level"]),
                event=str(fields["event"]),
                service=str(fields.get("service") or service),
                correlation=str(fields.get("correlation_id", "")),
                line=text,
            )
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError):
            return self._odd_line(text, service, place)

    def _odd_line(self, text: str, service: str, place: str) -> KeptLine:
        """Keep what is no line of ours: a dying interpreter's words, a library's print."""
        with self._lock:
            self._odd += 1
        ts = self._clock.now_ns()
        shown = {"msg": redacted(text), "service": service, "ts": _iso(ts)}
        return KeptLine(
            ts=ts,
            place=place,
            level=LogLevel.WARNING.value,
            event="unknown_event",
            service=service,
            correlation="",
            line=json.dumps(shown, ensure_ascii=False),
        )

    def _count(self, lines: Sequence[KeptLine]) -> None:
        levels = set(LogLevel)
        with self._lock:
            self._lines.update(
                (line.service, line.level if line.level in levels else c.OTHER)
                for line in lines
                if line.ts >= self._began
            )


def _iso(ts: int) -> str:
    seconds, rest = divmod(ts, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06d}Z"


def _read_places(path: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


def _write_places(path: Path, places: dict[str, int]) -> None:
    """Keep where the files were read to; what is lost of it is only read again."""
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_bytes(msgspec.json.encode(places))
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            code="HOME_UNWRITABLE",
            cause=f"{path} cannot be written: {error.strerror}",
            fix="free disk space or correct the permissions",
        ) from error
