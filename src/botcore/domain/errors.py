"""Errors: one tree, each with a stable code, a cause, a fix and the remedy self-healing obeys.

An expected "no" is a value (`Denied`, a rejected order). An exception means "we do not know" or
"we cannot go on".
"""

from enum import StrEnum
from typing import ClassVar


class Remedy(StrEnum):
    """What self-healing does about an error."""

    RETRY = "RETRY"
    RECONCILE = "RECONCILE"
    RESYNC = "RESYNC"
    RESTART = "RESTART"
    HALT = "HALT"


class BotError(Exception):
    """The root of the tree.

    Args:
        code: stable, upper case; documented in ``docs/reference/errors.md``.
        cause: what happened, naming the value and the limit.
        fix: what the user can do about it, an imperative.
    """

    remedy: ClassVar[Remedy] = Remedy.HALT

    def __init__(self, *, code: str, cause: str, fix: str) -> None:
        super().__init__(f"{cause} [{code}] – {fix}")
        self.code = code
        self.cause = cause
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.code, self.cause, self.fix)


class ConfigError(BotError):
    """What a person asked for cannot be: an unknown name, a value out of range."""

    remedy = Remedy.HALT


class DataError(BotError):
    """Market data that cannot be trusted."""

    remedy = Remedy.RESYNC


class VenueError(BotError):
    """A venue failed, with a known outcome."""

    remedy = Remedy.RETRY


class OutcomeUnknown(VenueError):  # noqa: N818  # the field's word, and not a failure
    """Sent and unanswered: never resent, reconciled first."""

    remedy = Remedy.RECONCILE


class StorageError(BotError):
    """A store cannot be read or written."""

    remedy = Remedy.RESTART


class ModelError(BotError):
    """A learned model is missing, stale or broken."""

    remedy = Remedy.RETRY


class InvariantBroken(BotError):  # noqa: N818  # says what is broken, reads as a sentence
    """What must always hold does not: opening stops, cancelling goes on, a person is told."""

    remedy = Remedy.HALT


def _rebuild(cls: type[BotError], code: str, cause: str, fix: str) -> BotError:
    return cls(code=code, cause=cause, fix=fix)
