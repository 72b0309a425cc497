"""What may go wrong for who asks: each with a stable code, a cause, a fix, and how doors say it."""

from typing import ClassVar

from botcore.domain.errors import BotError, Remedy


class Problem(BotError):  # noqa: N818  # the word of RFC 9457
    """A request was not carried out; nothing was changed.

    Attributes:
        status: the HTTP status that says it.
        details: further members of the answer, as JSON values.
    """

    remedy = Remedy.RETRY
    status: ClassVar[int] = 400

    def __init__(
        self, *, code: str, cause: str, fix: str, details: dict[str, object] | None = None
    ) -> None:
        super().__init__(code=code, cause=cause, fix=fix)
        self.details = details or {}


class Malformed(Problem):
    """The request cannot be read: not JSON, a wrong type, an unknown field."""

    status = 422


class Unauthenticated(Problem):
    """Nobody is signed in, or no longer."""

    status = 401


class Forbidden(Problem):
    """Signed in, and not allowed."""

    status = 403


class NotFound(Problem):
    """There is no such thing, or it belongs to somebody else: the two look the same."""

    status = 404


class Conflict(Problem):
    """It does not go with what is: already done, still running, changed meanwhile."""

    status = 409


class Refused(Problem):
    """Understood, and against a rule: the risk gate, a limit, a parameter out of range."""

    status = 422


class ConfirmationRequired(Problem):
    """The act must be confirmed; `details` hold the token, its end and the effect in words."""

    status = 428


class StepUpRequired(Problem):
    """A factor must have been shown within the last minutes."""

    status = 403


class TooMany(Problem):
    """A rate or a quota is used up; `details` hold `retry_after_s`."""

    status = 429


class Unavailable(Problem):
    """A part of the platform does not answer: the engine, a store."""

    status = 503
