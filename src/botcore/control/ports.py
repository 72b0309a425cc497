"""What control needs of the rest; `app` hands it in."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

import msgspec

from botcore.control.views import PlatformView
from botcore.domain.errors import StorageError


class Platform(Protocol):
    """The running platform, from another process."""

    def view(self) -> PlatformView | None:
        """Return the newest view, or None before the first arrives."""
        ...

    def view_age_s(self) -> float:
        """Return how long ago the newest view arrived, seconds; infinity before the first."""
        ...


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did, or was refused.

    Attributes:
        action: name of the operation.
        request: its fields as JSON values, secrets struck out.
        result: ``asked``, ``done``, ``refused`` or ``failed``.
        code: why, where it was not done.
        detail: the same in words; and what was changed, before and after.
        correlation: id of the call.
    """

    actor: str
    user: str
    session: str
    address: str
    action: str
    request: Mapping[str, Any]
    result: str
    code: str = ""
    detail: str = ""
    correlation: str = ""


class AuditTrail(Protocol):
    """Append-only, each entry chained to the one before."""

    async def append(self, entry: AuditEntry) -> int:
        """Write an entry down; return its number once it is durable.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    def lost(self, entry: AuditEntry, error: StorageError) -> None:
        """Take what could not be written after the fact: it is logged, and written later."""
        ...


class Beginning(Enum):
    """What is known of an idempotency key when a request comes with it."""

    NEW = "new"
    """Nothing: it is noted as running from now on."""
    RUNNING = "running"
    OTHER = "other"
    """It was used for another request."""
    UNFINISHED = "unfinished"
    """It began a good while ago, and nobody knows what came of it."""


class Repetitions(Protocol):
    """Answers by idempotency key, kept for a day."""

    async def begin(self, actor: str, key: str, digest: str) -> Beginning | bytes:
        """Note that a request runs, durably; or return what is known, the answer if there is one.

        Raises:
            StorageError: it cannot be noted.
        """
        ...

    async def finish(self, actor: str, key: str, answer: bytes, entry: AuditEntry) -> None:
        """Keep the answer and write the audit entry down, both or neither.

        Raises:
            StorageError: they cannot be written.
        """
        ...

    def leave(self, actor: str, key: str) -> None:
        """Take it that a request ended and nobody knows how: for a while it may come again."""
        ...

    async def forget(self, actor: str, key: str) -> None:
        """Forget a request that was not carried out, so that it may come again.

        Raises:
            StorageError: it cannot be forgotten; it counts as running for a minute more.
        """
        ...
