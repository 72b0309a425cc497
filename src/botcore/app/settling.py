"""Engine and store brought together: what is in force is kept, and what is kept is run."""

from typing import Final, Protocol

import structlog

from botcore.app.engine_strategies import EngineStrategies
from botcore.control.engine_port import EnginePort
from botcore.control.handlers.limits import LimitHandlers
from botcore.domain.errors import BotError, ConfigError
from botcore.kernel.clock import Clock

_LOOK_S: Final = 1.0


class Settled(Protocol):
    """What `settle` brings together."""

    @property
    def engine(self) -> EnginePort:
        """The engine."""
        ...

    @property
    def limits(self) -> LimitHandlers:
        """Keeps the limits in force."""
        ...

    @property
    def strategies(self) -> EngineStrategies:
        """Has the engine run what is kept."""
        ...


async def settle(room: Settled, *, clock: Clock) -> None:
    """Bring engine and store together whenever an engine has begun, until cancelled.

    Limits that are in force are kept; set-ups that are kept are run. Either may have been cut off
    by a crash, or by a store that could not be written.
    """
    log = structlog.get_logger("settle")
    settled, told = 0, ""
    while True:
        view = room.engine.view()
        if view is not None and (view.engine_pid != settled or room.limits.has_unkept):
            try:
                await room.limits.keep_in_force()
                await room.strategies.catch_up()
                settled, told = view.engine_pid, ""
            except BotError as error:
                if isinstance(error, ConfigError):
                    settled = view.engine_pid  # trying again would not help
                if error.code != told:
                    log.warning("not_settled", code=error.code, cause=error.cause, fix=error.fix)
                told = error.code
        await clock.sleep(_LOOK_S)
