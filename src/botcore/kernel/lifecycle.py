"""The life of components: started in order, stopped in the opposite order, whatever fails."""

from collections.abc import Sequence
from contextlib import ExitStack
from enum import StrEnum
from types import TracebackType
from typing import Protocol

from botcore.domain.errors import InvariantBroken


class Component(Protocol):
    """Something that runs between a start and a stop."""

    @property
    def name(self) -> str:
        """What a log line calls it."""
        ...

    def start(self) -> None:
        """Begin to run; raises if it cannot."""
        ...

    def stop(self) -> None:
        """End; called once for each start that succeeded."""
        ...


class LifeState(StrEnum):
    """Where a life stands; each is entered at most once, in this order."""

    NEW = "NEW"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


class Lifecycle:
    """Start components in order; stop those that started in the opposite order.

    A component that fails to start ends the start: those before it are stopped, and its error
    goes to the caller. A component that fails to stop does not keep the others from stopping.

    Args:
        components: what others stand on comes first.
    """

    def __init__(self, components: Sequence[Component]) -> None:
        self._components = tuple(components)
        self._stops = ExitStack()
        self._state = LifeState.NEW

    def __enter__(self) -> "Lifecycle":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def state(self) -> LifeState:
        """Where this life stands."""
        return self._state

    def start(self) -> None:
        """Start every component.

        Raises:
            InvariantBroken: it was started before.
        """
        if self._state is not LifeState.NEW:
            raise InvariantBroken(
                code="LIFE_STARTED_TWICE",
                cause=f"a life that is {self._state} was started",
                fix="make a new one; report this as a bug",
            )
        self._state = LifeState.STARTING
        try:
            for component in self._components:
                component.start()
                self._stops.callback(component.stop)
        except BaseException:
            self.stop()
            raise
        self._state = LifeState.RUNNING

    def stop(self) -> None:
        """Stop what was started; nothing the second time."""
        if self._state in (LifeState.STOPPING, LifeState.STOPPED):
            return
        self._state = LifeState.STOPPING
        try:
            self._stops.close()
        finally:
            self._state = LifeState.STOPPED
