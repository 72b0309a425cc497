"""How the connections and lines of every store are used, in words: for health."""

from typing import Final, Protocol

from botcore.control.views import PlatformView

_READ_HERE: Final = "engine store, read here"


class Connected(Protocol):
    """A store that keeps connections."""

    @property
    def connections(self) -> tuple[int, int]:
        """How many are in use, and how many there may be."""
        ...


class Described(Protocol):
    """A store that says in words how it is used."""

    @property
    def in_words(self) -> str:
        """Connections, reads and writes."""
        ...


def pools(control: Described, engine: Connected, view: PlatformView | None) -> dict[str, str]:
    """Return pool → its size and use.

    Args:
        control: the control store.
        engine: the engine's store, as this process reads it.
        view: says how long the engine's own lines are; None where none runs.
    """
    used, most = engine.connections
    found = {"control store": control.in_words, _READ_HERE: f"{used} of {most} connections in use"}
    for queue in () if view is None else view.queues:
        found[f"engine, {queue.name}"] = f"{queue.depth} of {queue.capacity} wait"
    return found
