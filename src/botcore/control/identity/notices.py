"""What a user should be told of his own account: somebody else may have done it."""

from collections.abc import Callable
from enum import StrEnum

import msgspec


class NoticeKind(StrEnum):
    """What happened."""

    REFRESH_REUSED = "refresh token reused"
    """A refresh token came twice: one of the two who hold it stole it. The session was ended."""
    PASSWORD_CHANGED = "password changed"  # noqa: S105  # a kind of notice, not a password
    FACTOR_CHANGED = "second factor changed"
    RECOVERY_CODE_USED = "recovery code used"
    KEY_MADE = "key made"
    ROLE_CHANGED = "role changed"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One of these.

    Attributes:
        user_id: who is to be told.
        address: from where it was done.
        text: one sentence.
    """

    kind: NoticeKind
    user_id: str
    address: str
    text: str


Notify = Callable[[Notice], None]
"""Takes a notice; must neither wait nor raise."""
