"""The chain: each journal row's digest covers the row and the digest of the one before it.

An edited, deleted or swapped row breaks it at that row; a cut end disagrees with `journal_head`.
It finds damage and clumsy edits; who can rewrite the whole store can rewrite the chain, too.
"""

import struct
from hashlib import sha256
from typing import NamedTuple

from botcore.domain.records import Record

GENESIS = bytes(32)
"""What the first row is chained to."""

# lsn, schema, ts, rank, source, seq, lengths of kind and account: nothing can slide between fields.
# Wider than any column, because a damaged row must be told and not overflow.
_FIXED = struct.Struct(">qqqqqqQQ")


class Head(NamedTuple):
    """Where a journal ends: its last row's number and digest."""

    lsn: int
    digest: bytes


START = Head(0, GENESIS)


def link(previous: bytes, record: Record) -> bytes:
    """Return the digest (SHA-256, 32 bytes) of `record` after the row with digest `previous`."""
    key, kind, account = record.key, record.kind.encode(), record.account.encode()
    fixed = _FIXED.pack(
        record.lsn,
        record.schema,
        key.ts,
        key.rank,
        key.source,
        key.seq,
        len(kind),
        len(account),
    )
    return sha256(b"".join((previous, fixed, kind, account, record.payload))).digest()
