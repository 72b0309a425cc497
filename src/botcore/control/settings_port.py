"""What the handlers of settings need: what is in force, and a place for changes."""

from collections.abc import Sequence
from typing import Protocol

from botcore.control.schema.settings import Setting


class SettingsDesk(Protocol):
    """The settings of this process, and what was changed here for the next start."""

    async def all(self) -> Sequence[Setting]:
        """Return every setting.

        Raises:
            StorageError: what was changed here cannot be read.
        """
        ...

    def checked(self, name: str, value: str) -> object:
        """Return what a value would be.

        Raises:
            ConfigError: it is refused.
        """
        ...

    async def change(self, name: str, value: str | None, *, by: str) -> None:
        """Keep a change for the next start; None gives the setting back.

        Raises:
            ConfigError: the value is refused.
            StorageError: it cannot be kept.
        """
        ...
