"""What a run leaves behind to be compared: every fact in order, and every decision.

Of decisions the ones that change are kept whole; all of them, operands included, are in a digest a
UTC day. So equal traces mean equal decisions to the last bit, and a year of minutes takes a few
megabytes.
"""

import hashlib
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.commands import Input
from botcore.domain.errors import DataError
from botcore.domain.events import OBSERVATIONS, ConfigApplied, Fact
from botcore.domain.ids import DAY_NS
from botcore.domain.keys import Key
from botcore.domain.records import decode_fact, encode
from botcore.domain.steps import Step
from botcore.engine import Engine, SignalSlot
from botcore.strategies import DECISION

FACTS: Final = "facts.bin"
DECISIONS: Final = "decisions.bin"
_LEFT_OUT: Final = frozenset((*OBSERVATIONS, ConfigApplied))
_TOGETHER: Final = 1_024
_PREFIX: Final = 4
_ROW: Final = np.dtype(
    [("ts", "<i8"), ("code", "<f8"), ("operands", "<f8", (4,)), ("weight", "<f8")]
)
assert _ROW.itemsize == DECISION.size


class Decision(msgspec.Struct, frozen=True):
    """A decision that differs from the one before it; `weight` NaN is "no view"."""

    ts: int
    code: int
    operands: tuple[float, float, float, float]
    weight: float


class DayOfDecisions(msgspec.Struct, frozen=True, array_like=True):
    """All decisions of one UTC day (number since 1970): how many, and the SHA-256 of their rows."""

    day: int
    count: int
    digest: str


class SlotDecisions(msgspec.Struct, frozen=True):
    """What one strategy decided on one instrument.

    Attributes:
        changes: rows of `DECISION` whose code or weight differ from the row before.
        days: oldest first.
    """

    changes: bytes
    days: tuple[DayOfDecisions, ...]

    def __iter__(self) -> Iterator[Decision]:
        """Iterate over the changes, oldest first."""
        for ts, code, a, b, c, d, weight in DECISION.iter_unpack(self.changes):
            yield Decision(ts, int(code), (a, b, c, d), weight)


class TraceWriter:
    """Keeps the facts of a run as they pass, and its decisions at the end.

    Args:
        folder: where the files go; it exists. Nothing is there before `finish`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = folder / (FACTS + ".part")
        self._file = self._part.open("wb")
        self._packer = zlib.compressobj(1)
        self._waiting: list[Fact] = []

    def commit(self, _key: Key, _event: Input, step: Step, _must_be_durable: bool) -> None:
        """Take a step (a `Commit`)."""
        self._waiting += step.facts
        if len(self._waiting) > _TOGETHER:
            self._write()

    def finish(self, engine: Engine) -> None:
        """Write what is left, and the engine's decisions; only now the trace is there."""
        self._write()
        self._file.write(self._packer.flush())
        self._file.close()
        decided = {
            f"{slot.strategy}/{slot.instrument}": _slot(slot)
            for slot in engine.deciders.slots
            if isinstance(slot, SignalSlot)
        }
        part = self._folder / (DECISIONS + ".part")
        part.write_bytes(zlib.compress(msgspec.msgpack.encode(decided), 1))
        part.replace(self._folder / DECISIONS)
        self._part.replace(self._folder / FACTS)

    def close(self) -> None:
        """Let go of a trace that was not finished; safe to repeat."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _write(self) -> None:
        packed = self._packer.compress
        for fact in self._waiting:
            if type(fact) not in _LEFT_OUT:
                payload = encode(fact)
                self._file.write(packed(len(payload).to_bytes(_PREFIX, "little") + payload))
        self._waiting.clear()


class Trace:
    """A finished run's facts and decisions.

    Args:
        folder: of the run.

    Raises:
        DataError: it holds no trace, or a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            packed = zlib.decompress((folder / DECISIONS).read_bytes())
            self.decisions = msgspec.msgpack.decode(packed, type=dict[str, SlotDecisions])
        except (OSError, zlib.error, msgspec.MsgspecError) as error:
            raise _damaged(folder, error) from error

    def facts(self) -> Iterator[Fact]:
        """Yield every fact in order.

        Raises:
            DataError: the file is damaged.
        """
        try:
            content = zlib.decompress((self._folder / FACTS).read_bytes())
            at, view = 0, memoryview(content)
            while at < len(view):
                size = int.from_bytes(view[at : at + _PREFIX], "little")
                at += _PREFIX + size
                yield decode_fact(bytes(view[at - size : at]))
        except (OSError, zlib.error, msgspec.MsgspecError) as error:
            raise _damaged(self._folder, error) from error


def _slot(slot: SignalSlot) -> SlotDecisions:
    packed = slot.log.packed
    rows = np.frombuffer(packed, dtype=_ROW)
    if not len(rows):
        return SlotDecisions(b"", ())
    return SlotDecisions(rows[_is_new(rows)].tobytes(), tuple(_days(rows, packed)))


def _is_new(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    # Compared as bits: NaN, which is "no view", equals itself.
    weights = rows["weight"].copy().view(np.int64)
    is_new = np.ones(len(rows), dtype=np.bool_)
    is_new[1:] = (rows["code"][1:] != rows["code"][:-1]) | (weights[1:] != weights[:-1])
    return is_new


def _days(rows: NDArray[np.void], packed: bytes) -> Iterator[DayOfDecisions]:
    days = (rows["ts"] - 1) // DAY_NS  # a bar that closes at midnight belongs to the day before
    edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(rows)]
    for low, high in itertools.pairwise(edges):
        digest = hashlib.sha256(packed[low * _ROW.itemsize : high * _ROW.itemsize]).hexdigest()
        yield DayOfDecisions(int(days[low]), high - low, digest)


def _damaged(folder: Path, error: Exception) -> DataError:
    return DataError(
        code="TRACE_DAMAGED",
        cause=f"the trace of the run in {folder.name} cannot be read: {error}",
        fix="run it again: a backtest or a replay writes its trace anew",
    )
