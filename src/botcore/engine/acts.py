"""What people asked for, by the reference they gave it: told again, nothing is done again."""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import structs

from botcore.domain import commands as c
from botcore.domain.errors import InvariantBroken
from botcore.domain.events import Fact, PersonActed
from botcore.domain.ids import AccountId
from botcore.domain.records import encode

ACTS_KEPT = 10_000
_DIGITS = 32
_FIELDS = PersonActed.__struct_fields__


class Acts:
    """The newest acts by account and reference, folded from their facts.

    Args:
        kept: how many are remembered; older ones are forgotten, the oldest first.
    """

    def __init__(self, *, kept: int = ACTS_KEPT) -> None:
        self._kept = kept
        self._known: dict[tuple[AccountId, str], PersonActed] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def __iter__(self) -> Iterator[PersonActed]:
        """Iterate over them, the oldest first."""
        return iter(self._known.values())

    def of(self, command: c.Referenced) -> PersonActed | None:
        """Return what is remembered under a command's reference, None if it is new.

        Another act than this one may have used it: see `is_same`.
        """
        return self._known.get((command.account, command.reference))

    def fold(self, fact: Fact) -> None:
        """Remember an act; every other fact is none of its business."""
        if type(fact) is not PersonActed:
            return
        self._known[fact.account, fact.reference] = fact
        while len(self._known) > self._kept:
            del self._known[next(iter(self._known))]

    def state(self) -> list[tuple[Any, ...]]:
        """Return the acts as JSON values, oldest first."""
        return [structs.astuple(act) for act in self._known.values()]

    def restore(self, state: object) -> None:
        """Become what `state` described.

        Raises:
            InvariantBroken: ``ACTS_STATE_MALFORMED``; nothing was changed.
        """
        tag = {"type": PersonActed.__name__}
        try:
            acts = [
                msgspec.convert({**tag, **dict(zip(_FIELDS, row, strict=True))}, PersonActed)
                for row in msgspec.convert(state, list[list[Any]])
            ]
        except ValueError as error:  # msgspec.ValidationError is one
            raise InvariantBroken(
                code="ACTS_STATE_MALFORMED",
                cause=f"the acts of a snapshot cannot be read: {error}",
                fix="restore an older snapshot; the journal alone is enough",
            ) from error
        self._known = {(act.account, act.reference): act for act in acts}


def digest_of(command: c.Referenced) -> str:
    """Return a fingerprint of what is asked, and by whom: 32 hex digits.

    The correlation is left out: another call may ask for the same once more.
    """
    plain = structs.replace(command, correlation="")
    return hashlib.sha256(encode(plain)).hexdigest()[:_DIGITS]


def is_same(act: PersonActed, command: c.Referenced) -> bool:
    """Whether an act was this command."""
    return act.asked == digest_of(command)
