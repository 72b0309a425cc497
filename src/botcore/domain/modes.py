"""The mode ladder of an account: what it may still do."""

from enum import StrEnum


class Mode(StrEnum):
    """From everything allowed to nothing but reading and cancelling.

    Entered at once; left downwards after clean checks; `HALT` is left only by a person.
    """

    NORMAL = "NORMAL"
    REDUCE_ONLY = "REDUCE_ONLY"
    CANCEL_ONLY = "CANCEL_ONLY"
    FLATTEN = "FLATTEN"
    HALT = "HALT"

    @property
    def severity(self) -> int:
        """0 for NORMAL up to 4 for HALT."""
        return _SEVERITY[self]

    @property
    def may_open(self) -> bool:
        """Whether an order that raises exposure can be approved."""
        return self is Mode.NORMAL

    @property
    def may_place(self) -> bool:
        """Whether any order can be approved (one that reduces, at least)."""
        return self in (Mode.NORMAL, Mode.REDUCE_ONLY, Mode.FLATTEN)


_SEVERITY = {mode: rank for rank, mode in enumerate(Mode)}
