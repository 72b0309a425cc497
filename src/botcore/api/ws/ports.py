"""What the WebSocket needs of others; `app` hands it in."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from botcore.control.access import Actor
from botcore.control.operations import Request
from botcore.control.schema.streams import Channel, Message
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError


class Tickets(Protocol):
    """Tickets that wait to be used; `control.identity` has them."""

    def take(self, ticket: str, origin: str) -> Actor:
        """Use a ticket up; return who asked for it.

        Raises:
            Unauthenticated: it is unknown, used, too old, or of another origin.
        """
        ...


class Living(Protocol):
    """Says who still may come in; `control.identity.Authenticator` does."""

    def again(self, actor: Actor) -> Actor | None:
        """Return who an actor is now, or None where the session or key is good no more."""
        ...


class Asking(Protocol):
    """Where questions go: `control.dispatch.Control`, as REST asks it."""

    async def send(self, actor: Actor, request: Request[Any], *, correlation: str) -> Any:  # noqa: ANN401  # of the type that the request names
        """Answer a question.

        Raises:
            BotError: it was refused, or cannot be answered.
        """
        ...


class Truth(Protocol):
    """What REST shows, as the messages of a channel."""

    async def read(
        self, channel: Channel, actor: Actor, instruments: Iterable[str]
    ) -> Sequence[Message]:
        """Return the state of a channel; those of which only the newest are kept oldest first.

        Args:
            channel: which.
            actor: who asks; counts where everybody sees only what is their own.
            instruments: those asked for, where the channel needs them.

        Raises:
            BotError: it cannot be read now.
        """
        ...


class ViewSource(Protocol):
    """Has the newest view of the running platform."""

    def view(self) -> PlatformView | None:
        """Return it, or None before the first."""
        ...


class SocketWatch(Protocol):
    """Is told what happens at the sockets: for the audit, the log and the metrics."""

    def opened(self, actor: Actor) -> None:
        """Somebody signed in on a socket."""
        ...

    def closed(self, actor: Actor, code: int) -> None:
        """A signed-in socket ended; `code` is ours, or 1000 where the client left."""
        ...

    def refused(self, actor: Actor, action: str, error: BotError) -> None:
        """Somebody was refused: a socket, or a channel."""
        ...

    def failed(self, channel: str, error: BotError) -> None:
        """A channel's state could not be read; it is tried again."""
        ...

    def mended(self, channel: str, changes: int) -> None:
        """A channel was compared with the store, and so many items were not the same."""
        ...
