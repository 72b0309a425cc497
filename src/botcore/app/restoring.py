"""From a store back to an engine: snapshot, then the facts after it, then nothing else."""

import hashlib
from typing import Any

import msgspec

from botcore.domain.errors import InvariantBroken
from botcore.domain.keys import Key
from botcore.domain.records import RecordKind, decode_fact
from botcore.engine import Engine, EventSlot, SignalSlot
from botcore.storage import SqlJournal


class EngineState(msgspec.Struct, frozen=True):
    """An engine as it can be stored.

    Attributes:
        money: all that is folded from facts; its hash is the state hash.
        strategies: "strategy/instrument" → the runner's own bytes, and "strategy/" → what an event
            strategy wants to keep: a convenience that spares the warm-up, no part of the hash.
        decided_at: close of the last bar the strategies saw, nanoseconds.
    """

    money: dict[str, Any]
    strategies: dict[str, bytes]
    decided_at: int


class Restored(msgspec.Struct, frozen=True):
    """What a restore found.

    Attributes:
        lsn: the last record folded. `key`: of the last record, None in an empty journal.
        facts: how many were folded after the snapshot.
        are_strategies_warm: whether every strategy goes on from its own state.
        decided_at: close of the last bar they saw.
        refused: why the newest snapshot was passed over; empty if it was used, or there is none.
    """

    lsn: int
    key: Key | None
    facts: int
    are_strategies_warm: bool
    decided_at: int
    refused: str = ""


def capture(engine: Engine, decided_at: int) -> EngineState:
    """Return the engine's state, to be stored."""
    return EngineState(
        money=engine.money_state(),
        strategies={
            _place(slot): slot.runner.state() if isinstance(slot, SignalSlot) else slot.state()
            for slot in engine.deciders.slots
        },
        decided_at=decided_at,
    )


def encode_state(state: EngineState) -> tuple[bytes, str]:
    """Return the bytes of a snapshot and their SHA-256."""
    encoded = msgspec.msgpack.encode(state, order="sorted")
    return encoded, hashlib.sha256(encoded).hexdigest()


def restore(engine: Engine, journal: SqlJournal, *, use_snapshot: bool = True) -> Restored:
    """Bring a fresh engine to where the journal ends.

    Args:
        engine: as configured, having taken no input.
        journal: open.
        use_snapshot: fold only what came after the newest snapshot; the result is the same, and
            one that cannot be read is passed over: the journal alone is the truth (D18).

    Raises:
        StorageError: a record cannot be read.
    """
    snapshot = journal.latest_snapshot() if use_snapshot else None
    lsn, warm, decided_at, refused = 0, False, 0, ""
    if snapshot is not None:
        fresh = engine.money_state()
        try:
            state = msgspec.msgpack.decode(snapshot.state, type=EngineState)
            engine.restore_money(state.money)
        except (msgspec.MsgspecError, InvariantBroken, LookupError) as error:
            refused = f"the snapshot at lsn {snapshot.lsn} cannot be read: {error}"
            engine.restore_money(fresh)
        else:
            warm = _resume_strategies(engine, state)
            decided_at = state.decided_at
            lsn = snapshot.lsn
    key: Key | None = None
    count = 0
    for record in journal.read(after=lsn):
        lsn, key = record.lsn, record.key
        if record.kind is RecordKind.FACT:
            engine.fold(decode_fact(record.payload))
            count += 1
    engine.refresh()
    return Restored(lsn, key or _last_key(journal), count, warm, decided_at, refused)


def _resume_strategies(engine: Engine, state: EngineState) -> bool:
    """Give every strategy back what it kept; return whether none needs history.

    Event strategies are shown the bars since, and go on from their own state either way.
    """
    resumed = []
    for slot in engine.deciders.slots:
        kept = state.strategies.get(_place(slot))
        if isinstance(slot, SignalSlot):
            resumed.append(slot.runner.resume(kept))
        else:
            slot.resume(kept, 0)
    return all(resumed)


def _place(slot: SignalSlot | EventSlot) -> str:
    return f"{slot.strategy}/{slot.instrument if isinstance(slot, SignalSlot) else ''}"


def _last_key(journal: SqlJournal) -> Key | None:
    last = journal.last_lsn
    return next((record.key for record in journal.read(after=last - 1)), None) if last else None
