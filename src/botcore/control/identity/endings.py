"""Telling at once whoever hangs on a session or a key that it ended, or may less than before."""

from collections.abc import Callable


class Endings:
    """Who wants to hear of ends; a WebSocket closes when its session or key is named."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[str], None]] = []

    def on_revoked(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with the id of every session and key that ends; return how to stop it.

        It is called on the event loop and must neither wait nor raise.
        """
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def tell(self, ended: str) -> None:
        """Say that the session or key with this id ended, or that what it may has changed."""
        for listener in tuple(self._listeners):
            listener(ended)
