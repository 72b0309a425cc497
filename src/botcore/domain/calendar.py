"""Instants and lengths of time as people write them, 2022-05-12 and 5m; nanoseconds inside."""

import re
from datetime import UTC, datetime
from typing import Final

from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS, Nanos

_STEP: Final = re.compile(r"^([1-9][0-9]{0,5})([smhdw])\Z")
_UNITS_NS: Final = {
    "w": 7 * DAY_NS,
    "d": DAY_NS,
    "h": 60 * MINUTE_NS,
    "m": MINUTE_NS,
    "s": SECOND_NS,
}


def parse_step(text: str) -> int:
    """Return the length of a bar in nanoseconds.

    Raises:
        ConfigError: it is not a whole number and a unit; months have no fixed length.
    """
    match = _STEP.match(text)
    if match is None:
        raise ConfigError(
            code="STEP_MALFORMED",
            cause=f"{text!r} is not the length of a bar",
            fix="write a whole number and s, m, h, d or w, such as 15s, 1m or 4h",
        )
    return int(match[1]) * _UNITS_NS[match[2]]


def step_name(step_ns: int) -> str:
    """Return a length in nanoseconds as people write it, in the largest unit it is whole in.

    Raises:
        ConfigError: it is not a whole number of seconds above 0.
    """
    if step_ns > 0:
        for unit, length in _UNITS_NS.items():
            if step_ns % length == 0:
                return f"{step_ns // length}{unit}"
    raise ConfigError(
        code="STEP_MALFORMED",
        cause=f"{step_ns} ns are not a whole number of seconds",
        fix="use a length such as 1s, 1m, 4h or 1d",
    )


def parse_instant(text: str) -> Nanos:
    """Return the instant that an ISO date or time names; without a zone it is UTC.

    Raises:
        ConfigError: it is neither.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(
            code="INSTANT_MALFORMED",
            cause=f"{text!r} is no date",
            fix="write 2022-05-12, or 2022-05-12T13:10 (UTC)",
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    whole = passed.days * DAY_NS + passed.seconds * SECOND_NS
    return Nanos(whole + passed.microseconds * 1_000)


def instant_name(ts: int) -> str:
    """Return an instant as people read it, UTC: a date, and the time where it is not midnight."""
    moment = datetime.fromtimestamp(ts // SECOND_NS, UTC)
    if ts % DAY_NS == 0:
        return moment.strftime("%Y-%m-%d")
    return moment.strftime("%Y-%m-%d %H:%M" if ts % MINUTE_NS == 0 else "%Y-%m-%d %H:%M:%S")
