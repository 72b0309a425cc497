"""Times that people give, as stamps."""

from datetime import datetime

from botcore.control.history_port import Span
from botcore.control.problems import Malformed
from botcore.control.schema.values import nanoseconds


def span_of(start: datetime | None, end: datetime | None) -> Span:
    """Return the span ``[start, end)``.

    Raises:
        Malformed: a time names no zone, or nothing lies between the two.
    """
    span = Span(start=_stamp("start", start), end=_stamp("end", end))
    if span.start is not None and span.end is not None and span.start >= span.end:
        raise Malformed(
            code="RANGE_EMPTY",
            cause=f"start {start} is not before end {end}",
            fix="give a start before the end",
        )
    return span


def _stamp(name: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    try:
        return nanoseconds(moment)
    except ValueError as error:
        raise Malformed(
            code="TIME_WITHOUT_ZONE",
            cause=f"{name}: {error}",
            fix="write it in UTC, such as 2026-01-31T00:00:00Z",
        ) from error
