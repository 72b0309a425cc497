"""What a check of a store finds."""

from dataclasses import dataclass
from enum import StrEnum

from botcore.domain.errors import BotError


class Severity(StrEnum):
    """Whether a finding keeps the platform from starting."""

    WARNING = "WARNING"
    ERROR = "ERROR"
    """Start-up refuses."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        code: stable, upper case.
        cause: what was found, and where.
        fix: what to do about it, an imperative.
    """

    code: str
    severity: Severity
    cause: str
    fix: str

    @classmethod
    def of(cls, error: BotError) -> "Finding":
        """Return an error as a finding that refuses the start."""
        return cls(error.code, Severity.ERROR, error.cause, error.fix)


class Findings:
    """A bounded list: of each code the first few, and how many more there are."""

    _KEPT = 5

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._counts: dict[str, int] = {}

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it when there are enough of its code."""
        count = self._counts[finding.code] = self._counts.get(finding.code, 0) + 1
        if count <= self._KEPT:
            self._kept.append(finding)

    def all(self) -> list[Finding]:
        """Return what was found, errors first, otherwise in the order it was found."""
        rest = [
            Finding(code, found.severity, f"… and {count - self._KEPT} more like it", found.fix)
            for code, count in self._counts.items()
            if count > self._KEPT
            for found in [next(kept for kept in self._kept if kept.code == code)]
        ]
        return sorted([*self._kept, *rest], key=lambda found: found.severity is Severity.WARNING)
