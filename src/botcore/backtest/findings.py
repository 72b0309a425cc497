"""What the detectors say about a strategy."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    UNPROVEN = "unproven"
    """Nothing is wrong, but this data or this length of it could not show that all is well."""
    FAILED = "failed"


class CheckFinding(msgspec.Struct, frozen=True):
    """One check on one instrument.

    Attributes:
        check: which, a short name.
        detail: one sentence: what was looked at, or where values differ and by what.
        instrument: on whose bars; empty where it is about all of them.
    """

    check: str
    verdict: Verdict
    detail: str
    instrument: str = ""


RUNS = "runs"
DETERMINISM = "determinism"
LOOK_AHEAD = "look-ahead"
WARM_UP = "warm-up"
BOUNDS = "parameter bounds"
IDLE = "idle"


def passed(check: str, detail: str, instrument: str = "") -> CheckFinding:
    """Say that all is well."""
    return CheckFinding(check, Verdict.PASSED, detail, instrument)


def unproven(check: str, detail: str, instrument: str = "") -> CheckFinding:
    """Say that it could not be seen whether all is well."""
    return CheckFinding(check, Verdict.UNPROVEN, detail, instrument)


def failed(check: str, detail: str, instrument: str = "") -> CheckFinding:
    """Say what is wrong."""
    return CheckFinding(check, Verdict.FAILED, detail, instrument)
