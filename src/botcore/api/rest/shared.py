"""What every endpoint works with."""

from typing import Any, NamedTuple

from botcore.api.limits import RateLimits
from botcore.api.ports import AccessRows, Authenticator, Controlling, EdgeWatch
from botcore.api.rest.bodies import BodyTimes, Uploads
from botcore.api.rest.caching import AnswerCache
from botcore.kernel.clock import Clock


class Shared(NamedTuple):
    """See `Door`, which hands it out.

    Attributes:
        log: of structlog, which has no type for it.
    """

    control: Controlling
    authenticate: Authenticator
    clock: Clock
    limits: RateLimits | None
    rows: AccessRows | None
    watch: EdgeWatch | None
    uploads: Uploads | None
    times: BodyTimes
    cache: AnswerCache
    log: Any
