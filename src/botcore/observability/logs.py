"""Structured logs: JSON lines for collectors, plain lines for people; libraries' lines included.

Set up once a process by `app`. Each line has an instant (UTC, microseconds), a level, an event
from `LogEvent` and fields. Secrets are cut out, and a line that repeats too fast is counted.
"""

import contextlib
import json
import logging
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from botcore.domain.errors import BotError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock, SystemClock
from botcore.kernel.throttle import TokenBucket
from botcore.observability.events import LogEvent
from botcore.observability.redaction import redacted

REPEATS_PER_S: Final = 10
REPEATS_BURST: Final = 200
_TRACED: Final = frozenset({LogEvent.ORDER_PLACED, LogEvent.ORDER_ENDED, LogEvent.FILL})
"""An order's way is found again by these, and the gate's rate bounds them: none is left out."""
_EVENTS: Final = frozenset(LogEvent)
_SECRET_MIN: Final = 8
_FIRST: Final = ("ts", "level", "event", "msg", "service")


class LogFormat(StrEnum):
    """How a line is written."""

    JSON = "json"
    PLAIN = "plain"


def configure_logging(
    *,
    format: LogFormat | str,
    level: str,
    stream: TextIO,
    service: str = "",
    version: str = "",
    env: str = "",
    secrets: Iterable[str] = (),
    clock: Clock | None = None,
) -> None:
    """Send every log line of this process to `stream`.

    Args:
        format: ``json`` or ``plain``.
        level: ``debug``, ``info``, ``warning`` or ``error``: the lowest that is written.
        stream: where lines go; each is written whole and flushed.
        service: which process this is (``engine``, ``api``), in each line.
        version: of botcore, in each line.
        env: ``live``, ``paper`` or ``sim``, in each line.
        secrets: texts that must not be written, such as this home's token; short ones are ignored.
        clock: stamps the lines.
    """
    clock = clock or SystemClock()
    named = {"service": service, "version": version, "env": env}
    common = {key: value for key, value in named.items() if value}
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with(common),
        _stamp(clock),
        structlog.stdlib.add_log_level,
        _explain_errors,
        _name_the_event,
        _LimitRepeats(clock),
        _redact(tuple(each for each in secrets if len(each) >= _SECRET_MIN)),
    ]
    render = _as_json if LogFormat(format) is LogFormat.JSON else _as_text
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Lines(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_from_library, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines; one that a processor lets go is let go here.

    A line of a library passes the processors while it is formatted, inside the library's own call:
    what says "drop it" there is no error of that call, and must not reach it.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, if it is to be written."""
        with contextlib.suppress(structlog.DropEvent):
            super().emit(record)


def get_logger(**fields: object) -> FilteringBoundLogger:
    """Return a logger whose lines carry `fields`: ``get_logger().info(LogEvent.FILL, …)``."""
    logger: FilteringBoundLogger = structlog.get_logger(**fields)
    return logger


def _with(common: dict[str, str]) -> Processor:
    def add(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        return {**common, **line}

    return add


def _stamp(clock: Clock) -> Processor:
    def add(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        seconds, rest = divmod(clock.now_ns(), SECOND_NS)
        moment = datetime.fromtimestamp(seconds, UTC)
        line["ts"] = f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06d}Z"
        return line

    return add


def _from_library(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    record = line.get("_record")
    line["msg"] = str(line["event"])
    line["event"] = LogEvent.LIBRARY_MESSAGE
    if record is not None:
        line["logger"] = record.name
    return line


def _explain_errors(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Put an exception into fields: code, cause and fix of ours, type and stack of others."""
    info = line.pop("exc_info", None)
    if info is True or isinstance(info, tuple):
        error = info[1] if isinstance(info, tuple) else sys.exc_info()[1]
    else:
        error = info
    error = line.pop("error", None) if isinstance(line.get("error"), BaseException) else error
    if isinstance(error, BotError):
        line.update(code=error.code, cause=error.cause, fix=error.fix)
        line["remedy"] = str(error.remedy)
    elif isinstance(error, BaseException):
        line["error.type"] = type(error).__name__
        line["error.message"] = str(error)
        line["error.stack"] = "".join(traceback.format_exception(error))
    return line


def _name_the_event(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    if line["event"] not in _EVENTS:
        line["msg"] = str(line["event"])
        line["event"] = LogEvent.UNKNOWN_EVENT
    line["event"] = str(line["event"])
    return line


def _redact(secrets: tuple[str, ...]) -> Processor:
    def cut(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        return {
            name: value if name.startswith("_") else redacted(value, name=name, secrets=secrets)
            for name, value in line.items()
        }

    return cut


class _LimitRepeats:
    """Drops lines of one event below error that come too fast, and says how many were dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._left_out: dict[str, int] = {}

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        event = line["event"]
        if line["level"] in ("error", "critical") or event in _TRACED:
            return line
        # Bounded: the events are a closed list.
        bucket = self._buckets.setdefault(event, TokenBucket(REPEATS_PER_S, REPEATS_BURST))
        if not bucket.allow(self._clock.monotonic_ns()):
            self._left_out[event] = self._left_out.get(event, 0) + 1
            raise structlog.DropEvent
        left_out = self._left_out.pop(event, 0)
        if left_out:
            line["repeats_left_out"] = left_out
        return line


def _as_json(_logger: WrappedLogger, _method: str, line: EventDict) -> str:
    ordered = {**{name: line[name] for name in _FIRST if name in line}, **line}
    text = json.dumps(ordered, ensure_ascii=False, default=str)
    # Some readers take U+2028 and its like for the end of a line; half a character is no UTF-8.
    return text if text.isprintable() else "".join(map(_spelled, text))


def _spelled(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _as_text(_logger: WrappedLogger, _method: str, line: EventDict) -> str:
    rest = " ".join(
        f"{name}={value!r}" if isinstance(value, str) and " " in value else f"{name}={value}"
        for name, value in line.items()
        if name not in (*_FIRST, "version", "error.stack")
    )
    words = (line["ts"][:19], f"{line['level']:<7}", line.get("service", ""), line["event"])
    text = " ".join(str(part) for part in (*words, line.get("msg", ""), rest) if part)
    return "\n".join([_one_line(text), *([line["error.stack"]] if "error.stack" in line else [])])


def _one_line(text: str) -> str:
    """Return `text` without what would begin a line of its own or move a terminal's cursor."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
