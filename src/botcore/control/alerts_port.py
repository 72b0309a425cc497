"""What the handlers of alerts and notifications need."""

from collections.abc import Sequence
from typing import Protocol

from botcore.control.alerting import Rule
from botcore.control.schema.alerts import Notifications


class AlertRules(Protocol):
    """The rules, watched as long as the platform runs."""

    async def add(self, rule: Rule, *, most: int) -> Rule | None:
        """Keep and watch a rule; return it, or the one that has its id already.

        None where its owner has `most` of them.

        Raises:
            StorageError: it cannot be kept.
        """
        ...

    async def remove(self, rule: str) -> None:
        """Watch a rule no more."""
        ...

    def of(self, owner: str) -> Sequence[Rule]:
        """Return a person's rules, in any order."""
        ...

    def knows(self, symbol: str) -> bool:
        """Whether there are prices of an instrument."""
        ...


class Inbox(Protocol):
    """What people were told."""

    async def page(self, user: str, *, is_unread: bool, limit: int, cursor: str) -> Notifications:
        """Return what a person was told, newest first.

        Raises:
            StorageError: it cannot be read.
        """
        ...

    async def mark_read(self, user: str, ids: Sequence[int]) -> int:
        """Mark as read, all of it where no id is given; return how many were unread."""
        ...
