"""What the API needs of others; `app` hands it in."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botcore.control.access import Actor
from botcore.control.dispatch import Told
from botcore.control.operations import Operation, Request
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError

Header = tuple[bytes, bytes]
"""Name in lower case, and value, as ASGI has them."""


Prove = Callable[[str], str]
"""Takes a challenge of who sits at this machine; returns the proof that this is the platform of
the home, or an empty text where it gives none."""


class MetricsPage(Protocol):
    """Where figures for Prometheus are kept; `observability` implements it."""

    @property
    def content_type(self) -> str:
        """The media type of `scrape`."""
        ...

    def scrape(self, view: PlatformView | None, view_age_s: float) -> bytes:
        """Return all metrics in Prometheus' text format.

        Args:
            view: the newest document, or None before the first.
            view_age_s: how long ago it arrived, seconds.
        """
        ...

    def began(self) -> None:
        """Count a request as being answered, until `answered`."""
        ...

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is a template, never a path that a stranger chose."""
        ...


class Controlling(Protocol):
    """Where requests go; `control.dispatch.Control` is it."""

    @property
    def operations(self) -> Mapping[type[Request[Any]], Operation]:
        """Return every operation by the type of its request."""
        ...

    async def permit(self, actor: Actor, kind: type[Request[Any]], *, correlation: str) -> None:
        """Refuse who may not ask this at all, before what was sent is read.

        Raises:
            Problem: nobody is signed in, a scope is missing, or a factor was not shown lately.
        """
        ...

    async def tell(
        self,
        actor: Actor,
        request: Request[Any],
        *,
        correlation: str,
        confirmation: str = "",
        idempotency_key: str = "",
    ) -> Told:
        """Carry out a request.

        Raises:
            BotError: it was refused, or failed.
        """
        ...


class Authenticator(Protocol):
    """Says who calls."""

    async def __call__(self, headers: Mapping[str, str], address: str) -> Actor:
        """Return who calls; a stranger (with the address) where nothing is shown.

        Args:
            headers: by lower-case name. Calls of the API come without ``cookie``, which no other
                site can then use; pages that are only read come with it.
            address: of the peer, as text; empty if unknown.

        Raises:
            Unauthenticated: what is shown is wrong, has ended or was revoked.
        """
        ...


class AccessRows(Protocol):
    """One row for every call that the audit has no entry of."""

    def accessed(
        self,
        actor: Actor,
        operation: Operation,
        *,
        status: int,
        correlation: str,
        seconds: float,
        size: int,
    ) -> None:
        """Take one call down; never waits.

        Args:
            actor: who called.
            operation: what.
            status: of the answer.
            correlation: id of the call.
            seconds: how long it took.
            size: bytes of the answer's body as it went over the wire.
        """
        ...


class EdgeWatch(Protocol):
    """Is told of calls that no operation answers, and of who is refused before one is reached."""

    def shown(
        self,
        actor: Actor,
        *,
        method: str,
        route: str,
        status: int,
        correlation: str,
        seconds: float,
        size: int,
    ) -> None:
        """Take one call down; never waits.

        Args:
            actor: who called; a stranger where nobody was looked up.
            method: of HTTP, one of a closed set.
            route: a template, never a path that a stranger chose.
            status: of the answer.
            correlation: id of the call.
            seconds: how long it took.
            size: bytes of the answer's body.
        """
        ...

    def refused(
        self, actor: Actor, action: str, error: BotError, *, correlation: str, is_paid: bool
    ) -> None:
        """Write down who was refused; never waits.

        Args:
            actor: who.
            action: what was wanted, a name.
            error: why not.
            correlation: id of the call.
            is_paid: whether the call was taken from a budget already.
        """
        ...
