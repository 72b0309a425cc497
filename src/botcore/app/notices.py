"""What people are told: kept, and handed on to who listens."""

from collections.abc import Callable, Iterable, Sequence

import structlog

from botcore.control.problems import Malformed
from botcore.control.schema.alerts import Notification, Notifications
from botcore.control.schema.values import instant
from botcore.domain.errors import ConfigError, StorageError
from botcore.kernel.clock import Clock
from botcore.storage.control import Notification as Kept
from botcore.storage.control import NotificationStore, Told

Hear = Callable[[str, Notification], None]
"""Is told a user's id and what that user was told."""


class Notices:
    """What people are told: kept, then handed to who listens (`control.alerts_port.Inbox`).

    Args:
        store: keeps it.
        clock: dates it.
    """

    def __init__(self, store: NotificationStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._listeners: list[Hear] = []
        self._log = structlog.get_logger("notices")

    def listen(self, hear: Hear) -> None:
        """Call `hear` with everything that is told from now on."""
        self._listeners.append(hear)

    async def tell(
        self,
        users: Iterable[str],
        *,
        kind: str,
        severity: str,
        code: str,
        text: str,
        link: str = "",
    ) -> bool:
        """Tell people something; what cannot be kept is logged. Return whether it is kept."""
        now = self._clock.now_ns()
        told = [
            Told(
                user_id=user,
                kind=kind,
                severity=severity,
                code=code,
                text=text,
                link=link,
                created_at=now,
            )
            for user in users
        ]
        if not told:
            return True
        try:
            kept = await self._store.add(told)
        except StorageError as error:
            self._log.error("notice_lost", code=error.code, cause=error.cause, text=text)
            return False
        for each in kept:
            for hear in self._listeners:
                hear(each.user_id, _shown(each))
        return True

    async def announced(self, source: str) -> int | None:
        """Return up to which number of a journal people were told; None before the first time.

        Raises:
            StorageError: the store cannot be read.
        """
        return await self._store.announced(source)

    async def announce(self, source: str, told: Sequence[tuple[int, Told]], *, upto: int) -> None:
        """Tell people of a journal's facts, each with its number, once (`NotificationStore`).

        Raises:
            StorageError: it cannot be kept, and nobody was told; it may be told again.
        """
        for each in await self._store.announce(source, told, upto=upto):
            for hear in self._listeners:
                hear(each.user_id, _shown(each))

    async def announce_from(self, source: str, lsn: int) -> None:
        """Tell nothing of a journal up to `lsn`, and what stands behind it.

        Raises:
            StorageError: that cannot be kept.
        """
        await self._store.announce_from(source, lsn)

    async def page(self, user: str, *, is_unread: bool, limit: int, cursor: str) -> Notifications:
        """Return what a person was told, newest first."""
        try:
            found = await self._store.page(user, only_unread=is_unread, cursor=cursor, limit=limit)
        except ConfigError as error:
            raise Malformed(code=error.code, cause=error.cause, fix=error.fix) from error
        return Notifications(
            items=tuple(_shown(each) for each in found.items),
            unread=await self._store.unread(user),
            next_cursor=found.next_cursor,
        )

    async def mark_read(self, user: str, ids: Sequence[int]) -> int:
        """Mark as read; return how many were unread."""
        return await self._store.mark_read(user, self._clock.now_ns(), ids=ids or None)


def _shown(kept: Kept) -> Notification:
    return Notification(
        id=kept.id,
        kind=kept.kind,
        severity=kept.severity,
        code=kept.code,
        text=kept.text,
        link=kept.link,
        created_at=instant(kept.created_at),
        read_at=instant(kept.read_at) if kept.read_at else None,
    )
