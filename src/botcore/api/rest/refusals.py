"""What the door itself refuses, before control is asked."""

from collections.abc import Sequence
from http import HTTPStatus

from botcore.control.problems import Malformed, Problem


class Unreadable(Problem):
    """What was sent is no request of HTTP or no JSON."""

    status = HTTPStatus.BAD_REQUEST


class MethodNotAllowed(Problem):
    """The address exists, and is asked in another way.

    Attributes:
        allowed: the methods it answers.
    """

    status = HTTPStatus.METHOD_NOT_ALLOWED
    allowed: Sequence[str] = ()


class NotAcceptable(Problem):
    """The caller wants another form than JSON."""

    status = HTTPStatus.NOT_ACCEPTABLE


class TooSlow(Problem):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


class TooLarge(Problem):
    """The body is longer than the route takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class WrongMedia(Problem):
    """The body is in a form that the route does not take."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class WrongField(Malformed):
    """A field is unknown, missing, given twice or out of its bounds; `details` name it."""
