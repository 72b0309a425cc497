"""What people asked for, by the reference they gave it: told again, nothing is done again."""

import hashlib
import struct
from collections import deque
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
"""Acts whose outcome is remembered."""
SPENT_KEPT = 1_000_000
"""References of older acts that are remembered (8 bytes each in a snapshot).

Of ten orders a second those are of more than a day, as long as a client may come again with a key.
Of more they are of less, and an older reference would act again; but what comes again after its
outcome was lost reaches the engine within a quarter of an hour of its first try, or is refused
before (`storage.control.repetitions`): only more than a thousand acts a second are too many."""
_DIGITS = 32
_HASH_BYTES = 8
_CANCEL = c.CancelOne.__name__
_FIELDS = PersonActed.__struct_fields__


class Acts:
    """The newest acts by account and reference, folded from their facts.

    What came of older ones is forgotten; that they were done is not, so that they are not done
    again. An act that was denied did nothing, and a cancel told again does nothing more: of those
    nothing is left.

    Args:
        kept: how many are remembered with what came of them; None is `ACTS_KEPT`.
        spent_kept: of how many older ones the references are; None is `SPENT_KEPT`.
    """

    def __init__(self, *, kept: int | None = None, spent_kept: int | None = None) -> None:
        self._kept = ACTS_KEPT if kept is None else kept
        self._known: dict[tuple[AccountId, str], PersonActed] = {}
        self._spent = _Spent(SPENT_KEPT if spent_kept is None else spent_kept)

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def __iter__(self) -> Iterator[PersonActed]:
        """Iterate over them, the oldest first."""
        return iter(self._known.values())

    def of(self, command: c.Referenced) -> PersonActed | None:
        """Return what is remembered under a command's reference, None if it is new, or too old.

        Another act than this one may have used it: see `is_same`.
        """
        return self._known.get((command.account, command.reference))

    def is_known(self, command: c.Referenced) -> bool:
        """Whether something was done, or denied lately, under a command's reference."""
        place = (command.account, command.reference)
        return place in self._known or self._spent.has(place)

    def fold(self, fact: Fact) -> None:
        """Remember an act; every other fact is none of its business."""
        if type(fact) is not PersonActed:
            return
        self._known[fact.account, fact.reference] = fact
        while len(self._known) > self._kept:
            place = next(iter(self._known))
            act = self._known.pop(place)
            if not act.code and act.act != _CANCEL:
                self._spent.add(place)

    def state(self) -> list[tuple[Any, ...]]:
        """Return the acts as JSON values, oldest first."""
        return [structs.astuple(act) for act in self._known.values()]

    def spent_state(self) -> bytes:
        """Return the references of older acts, oldest first, 8 bytes of a hash each."""
        return self._spent.state()

    def restore(self, state: object, spent: object = b"") -> None:
        """Become what `state` and `spent_state` described.

        Raises:
            InvariantBroken: ``ACTS_STATE_MALFORMED``; nothing was changed.
        """
        tag = {"type": PersonActed.__name__}
        try:
            acts = [
                msgspec.convert({**tag, **dict(zip(_FIELDS, row, strict=True))}, PersonActed)
                for row in msgspec.convert(state, list[list[Any]])
            ]
            spent_state = msgspec.convert(spent, bytes)
            if len(spent_state) % _HASH_BYTES:
                raise ValueError("references of 8 bytes each do not end where they should")
        except ValueError as error:  # msgspec.ValidationError is one
            raise InvariantBroken(
                code="ACTS_STATE_MALFORMED",
                cause=f"the acts of a snapshot cannot be read: {error}",
                fix="restore an older snapshot; the journal alone is enough",
            ) from error
        self._known = {(act.account, act.reference): act for act in acts}
        self._spent.restore(spent_state)


class _Spent:
    """References under which something was done, the newest; of each 8 bytes of its hash.

    Two that have the same 8 bytes are taken for one, and the second is refused: of a million that
    is one chance in ten million million for each new one.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._order: deque[int] = deque()
        self._hashes: set[int] = set()

    def has(self, place: tuple[AccountId, str]) -> bool:
        return bool(self._hashes) and _hash_of(place) in self._hashes

    def add(self, place: tuple[AccountId, str]) -> None:
        found = _hash_of(place)
        if found in self._hashes:
            return
        self._hashes.add(found)
        self._order.append(found)
        while len(self._order) > self._kept:
            self._hashes.discard(self._order.popleft())

    def state(self) -> bytes:
        return struct.pack(f"<{len(self._order)}Q", *self._order)

    def restore(self, state: bytes) -> None:
        self._order = deque(struct.unpack(f"<{len(state) // _HASH_BYTES}Q", state))
        self._hashes = set(self._order)


def _hash_of(place: tuple[AccountId, str]) -> int:
    content = "\0".join(place).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(content).digest()[:_HASH_BYTES], "little")


def digest_of(command: c.Referenced) -> str:
    """Return a fingerprint of what is asked, and by whom: 32 hex digits.

    The correlation is left out: another call may ask for the same once more.
    """
    plain = structs.replace(command, correlation="")
    return hashlib.sha256(encode(plain)).hexdigest()[:_DIGITS]


def is_same(act: PersonActed, command: c.Referenced) -> bool:
    """Whether an act was this command."""
    return act.asked == digest_of(command)
