"""What all routes share, and the routes themselves."""

import structlog

from botcore.api.limits import RateLimits
from botcore.api.ports import AccessRows, Authenticator, Controlling, EdgeWatch
from botcore.api.rest.bodies import BodyTimes, Uploads
from botcore.api.rest.caching import AnswerCache
from botcore.api.rest.endpoint import Endpoint
from botcore.api.rest.routing import Route, paths_of
from botcore.api.rest.shared import Shared
from botcore.kernel.clock import Clock


class Door:
    """Makes the routes of all operations.

    Args:
        control: carries requests out.
        authenticate: says who calls.
        clock: ends kept answers and times calls, by its monotonic time.
        limits: the budgets; None for none.
        rows: takes every call down that the audit has no entry of; None for nobody.
        watch: is told who is refused before an operation is reached; None for nobody.
        uploads: where files go; None where no operation takes one.
        times: bounds of bodies.
    """

    def __init__(
        self,
        control: Controlling,
        *,
        authenticate: Authenticator,
        clock: Clock,
        limits: RateLimits | None = None,
        rows: AccessRows | None = None,
        watch: EdgeWatch | None = None,
        uploads: Uploads | None = None,
        times: BodyTimes | None = None,
    ) -> None:
        self.authenticate = authenticate
        self.limits = limits
        self.watch = watch
        self.operations = tuple(control.operations.values())
        self._shared = Shared(
            control=control,
            authenticate=authenticate,
            clock=clock,
            limits=limits,
            rows=rows,
            watch=watch,
            uploads=uploads,
            times=times or BodyTimes(),
            cache=AnswerCache(clock),
            log=structlog.get_logger("api"),
        )

    def routes(self) -> list[Route]:
        """Return a route for each path of each operation.

        Raises:
            TypeError: an operation is declared as no route can be: a bug.
        """
        return [
            Route((operation.method,), path, Endpoint(self._shared, operation, path), operation)
            for operation in self.operations
            for path in paths_of(operation)
        ]
