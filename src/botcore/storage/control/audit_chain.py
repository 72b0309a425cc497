"""The chain of the audit: entries as rows, each bound to the one before, and what breaks it."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa

from botcore.storage.columns import iso
from botcore.storage.control.shape import GENESIS
from botcore.storage.control.tables import audit, audit_head

_REQUEST_MAX: Final = 16 * 1024
_TEXT_MAX: Final = 2_000
_CHUNK: Final = 2_000
# Control characters, line and paragraph separators, marks that turn the direction of text, halves
# of surrogate pairs: with them a text could look like more than one line, or like another one.
_ODD: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


class EntryLike(Protocol):
    """Anything with the fields of control's audit entry; the audit asks for no more."""

    @property
    def actor(self) -> str:
        """Who, as the door has checked."""
        ...

    @property
    def user(self) -> str:
        """Id of the user who answers for it."""
        ...

    @property
    def session(self) -> str:
        """Id of the session or key."""
        ...

    @property
    def address(self) -> str:
        """Where from."""
        ...

    @property
    def action(self) -> str:
        """Name of the operation."""
        ...

    @property
    def request(self) -> Mapping[str, Any]:
        """Its fields as JSON values, secrets struck out."""
        ...

    @property
    def result(self) -> str:
        """What came of it."""
        ...

    @property
    def code(self) -> str:
        """Why not, where it was not done."""
        ...

    @property
    def detail(self) -> str:
        """The same in words."""
        ...

    @property
    def correlation(self) -> str:
        """Id of the call."""
        ...


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it is stored; its JSON with sorted names is what the chain covers."""

    seq: int
    ts: int
    time: str
    actor: str
    user_id: str
    session: str
    address: str
    action: str
    request: str
    result: str
    code: str
    detail: str
    correlation: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the audit found.

    Attributes:
        entries: how many were read.
        is_whole: whether every one of them is what was written, and none is missing.
        first_bad: number of the first entry that is not, or that is missing; None if whole.
        finding: what is wrong, in words; empty if whole.
        hash: of the last good entry, 64 hex digits: to be written down elsewhere.
    """

    entries: int
    is_whole: bool
    first_bad: int | None
    finding: str
    hash: str


class Check:
    """A check of the chain, part by part: all of it, or what follows an entry that is trusted.

    Args:
        seq, last: number and hash of that entry.

    Attributes:
        seq: number of the last entry that is good; read on after it.
    """

    def __init__(self, seq: int = 0, last: bytes = GENESIS) -> None:
        self.seq = seq
        self._entries = 0
        self._last = last

    def take(self, part: "Part") -> Verdict | None:
        """Check what follows; return what was found, or None where there is more to read."""
        if not part.rows:
            return self.ended(part.head)
        for row, stored in part.rows:
            if row.seq != self.seq + 1:
                return self.bad(
                    self.seq + 1,
                    f"entry {self.seq + 1} is missing: {self.seq} is followed by {row.seq}",
                )
            if link(self._last, row) != stored:
                return self.bad(
                    row.seq,
                    f"entry {row.seq} is not what was written, or does not follow {self.seq}",
                )
            self.seq, self._last = row.seq, stored
            self._entries += 1
        return None

    def ended(self, head: tuple[int, bytes] | None) -> Verdict:
        """Return what was found, as there are no more entries."""
        seq = self.seq
        if head is None:
            return self.bad(seq + 1, "the note of where the audit ends is missing")
        if head[0] > seq:
            return self.bad(seq + 1, f"the audit ends at entry {seq}, and should end at {head[0]}")
        if head[0] < seq:
            return self.bad(
                head[0] + 1, f"the audit should end at entry {head[0]}, and ends at {seq}"
            )
        if head[1] != self._last:
            return self.bad(max(seq, 1), f"entry {seq} is not the one the audit ended with")
        return Verdict(
            entries=self._entries,
            is_whole=True,
            first_bad=None,
            finding="",
            hash=self._last.hex(),
        )

    def bad(self, first_bad: int, finding: str) -> Verdict:
        """Return that the chain breaks here."""
        return Verdict(
            entries=self._entries,
            is_whole=False,
            first_bad=first_bad,
            finding=finding,
            hash=self._last.hex(),
        )


class Part(NamedTuple):
    """Some entries with their hashes, and where the audit said it ended before they were read."""

    head: tuple[int, bytes] | None
    rows: list[tuple[AuditRow, bytes]]


def row_of(entry: EntryLike, ts: int) -> AuditRow:
    """Return the row of an entry, without its number.

    Control characters in any text are spelled out, so that none can look like another entry.
    """
    return AuditRow(
        seq=0,
        ts=ts,
        time=iso(ts),
        actor=_plain(entry.actor),
        user_id=_plain(entry.user),
        session=_plain(entry.session),
        address=_plain(entry.address),
        action=_plain(entry.action),
        request=_request(entry.request),
        result=_plain(entry.result),
        code=_plain(entry.code),
        detail=_plain(entry.detail),
        correlation=_plain(entry.correlation),
    )


def write_rows(connection: sa.Connection, rows: Sequence[AuditRow]) -> list[int]:
    """Write rows after the last, within the caller's transaction; return their numbers."""
    if not rows:
        return []
    head = connection.execute(_HEAD_FOR_UPDATE).one()
    seq, digest = head.seq, bytes(head.hash)
    values = []
    for each in rows:
        seq += 1
        row = msgspec.structs.replace(each, seq=seq)
        digest = link(digest, row)
        values.append({**msgspec.structs.asdict(row), "hash": digest})
    connection.execute(_INSERT, values)
    connection.execute(_ADVANCE, {"to": seq, "digest": digest})
    return list(range(seq - len(rows) + 1, seq + 1))


def link(previous: bytes, row: AuditRow) -> bytes:
    """Return SHA-256 over the hash before and the row's JSON, names sorted, without spaces."""
    return sha256(previous + msgspec.json.encode(row, order="sorted")).digest()


def read_part(connection: sa.Connection, after: int) -> Part:
    """Read the next entries after a number; without rows at the end."""
    # The end first: an entry that is written between the two is then only read early.
    head = connection.execute(_HEAD).one_or_none()
    rows = [
        (AuditRow(**dict(zip(_NAMES, values, strict=True))), bytes(digest))
        for *values, digest in connection.execute(_NEXT, {"after": after})
    ]
    return Part(None if head is None else (head.seq, bytes(head.hash)), rows)


def check_newest(connection: sa.Connection, most: int) -> Verdict:
    """Check where the audit ends and its newest entries, as far as they hang together.

    Args:
        connection: to read on; others may go on writing meanwhile.
        most: how many entries are read, and some that come meanwhile.
    """
    head = connection.execute(_HEAD).one_or_none()
    if head is None:
        return Check().ended(None)
    check, begin = Check(), max(0, head.seq - most)
    if begin:
        digest = connection.execute(_HASH, {"seq": begin}).scalar()
        if digest is None:
            return check.bad(begin, f"entry {begin} is missing")
        check = Check(begin, bytes(digest))
    while True:
        found = check.take(read_part(connection, after=check.seq))
        if found is not None:
            return found


_HASH = sa.select(audit.c.hash).where(audit.c.seq == sa.bindparam("seq"))
_HEAD = sa.select(audit_head.c.seq, audit_head.c.hash).where(audit_head.c.id == 1)
# On PostgreSQL several may write: the second waits here for the first.
_HEAD_FOR_UPDATE = _HEAD.with_for_update()
_INSERT = sa.insert(audit)
_ADVANCE = (
    sa.update(audit_head)
    .where(audit_head.c.id == 1)
    .values(seq=sa.bindparam("to"), hash=sa.bindparam("digest"))
)
_NAMES = AuditRow.__struct_fields__
_COLUMNS = [audit.c[name] for name in _NAMES]
_NEXT = (
    sa.select(*_COLUMNS, audit.c.hash)
    .where(audit.c.seq > sa.bindparam("after"))
    .order_by(audit.c.seq)
    .limit(_CHUNK)
)


def _plain(text: str) -> str:
    shown = _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text[:_TEXT_MAX])
    return shown if len(text) <= _TEXT_MAX else f"{shown}…"


def _request(fields: Mapping[str, Any]) -> str:
    # ASCII: whatever is odd in a text is spelled out.
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), default=str)
    if len(text) <= _REQUEST_MAX:
        return text
    digest = sha256(text.encode()).hexdigest()
    return json.dumps({"left_out": f"{len(text)} characters", "sha256": digest}, sort_keys=True)
