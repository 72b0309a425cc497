"""Reports on disk: ``report.json``, ``trades.csv``, ``equity.npz`` and ``report.html``."""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar
from zipfile import BadZipFile

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.backtest.reporting.analysis import Analysis, analyse
from botcore.backtest.reporting.curves import Marks
from botcore.backtest.reporting.document import SCHEMA_VERSION, StoredReport, stored
from botcore.backtest.reporting.page import page
from botcore.backtest.reporting.result import BacktestReport
from botcore.backtest.reporting.trades_csv import trades_csv
from botcore.domain.errors import DataError, StorageError

REPORT: Final = "report.json"
TRADES: Final = "trades.csv"
EQUITY: Final = "equity.npz"
PAGE: Final = "report.html"
_PART: Final = ".part"
_NO_DIGEST: Final = "0" * 64
_AGAIN: Final = "run the backtest again"


_Kind = TypeVar("_Kind")


class _Head(msgspec.Struct):
    """The part of a report's file that every version has."""

    schema_version: int
    digest: str


def write_report(report: BacktestReport, folder: Path, *, candles: Marks) -> StoredReport:
    """Write what a run found into a folder, which is made if need be.

    Each file is written beside its place, brought to the disk, and renamed; ``report.json``, which
    names the others with their digests, comes last. So a report is there whole or not at all.

    Args:
        report: what was found.
        folder: where to; other files in it stay.
        candles: of every instrument of the run, for the benchmark, the excursions and the chart;
            they may begin before it.

    Returns:
        What ``report.json`` says.

    Raises:
        StorageError: a file cannot be written; none of them was moved to its place before.
    """
    analysis = analyse(report, candles)
    beside = {TRADES: trades_csv(analysis).encode(), EQUITY: _equity(analysis)}
    digests = {name: _sha256(content) for name, content in beside.items()}
    found = stored(analysis, digests)
    document, found = _sealed(found)
    beside[PAGE] = page(analysis, found).encode()
    _replace_all(folder, {**beside, REPORT: document})
    return found


def load_report(folder: Path) -> StoredReport:
    """Return the report in a folder.

    Raises:
        DataError: there is none, it is of a later schema, or it or a file that it names is not
            what was written.
    """
    try:
        raw = (folder / REPORT).read_bytes()
    except OSError as error:
        raise DataError(
            code="REPORT_MISSING",
            cause=f"there is no report in {folder}: {error.strerror}",
            fix=_AGAIN,
        ) from error
    head = _decoded(raw, _Head, folder)
    if head.schema_version > SCHEMA_VERSION:
        raise DataError(
            code="REPORT_SCHEMA_NEWER",
            cause=f"the report in {folder} is of schema {head.schema_version}, "
            f"this version reads up to {SCHEMA_VERSION}",
            fix="read it with the version of botcore that wrote it, or a later one",
        )
    if _sha256(raw.replace(head.digest.encode(), _NO_DIGEST.encode(), 1)) != head.digest:
        raise _damaged(folder, f"{REPORT} was changed after it was written")
    found = _decoded(raw, StoredReport, folder)
    _check(folder, found.files)
    return found


def load_equity(folder: Path) -> Mapping[str, NDArray[np.float64] | NDArray[np.int64]]:
    """Return the curves of a report at full resolution.

    Returns:
        ``ts`` (int64 nanoseconds UTC), ``equity``, and ``buy_and_hold`` where there is one, each
        of shape ``(n,)``.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        raw = io.BytesIO((folder / EQUITY).read_bytes())
        with np.load(raw, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise _damaged(folder, f"{EQUITY} cannot be read: {error}") from error


def _equity(analysis: Analysis) -> bytes:
    out = io.BytesIO()
    curve, held = analysis.curve, analysis.benchmark
    if held is None:
        np.savez_compressed(out, ts=curve.stamps, equity=curve.equity)
    else:
        np.savez_compressed(out, ts=curve.stamps, equity=curve.equity, buy_and_hold=held.equity)
    return out.getvalue()


def _sealed(report: StoredReport) -> tuple[bytes, StoredReport]:
    """Return the file's bytes with their digest in them, and the report that says the same."""
    open_ = msgspec.structs.replace(report, digest=_NO_DIGEST)
    raw = msgspec.json.format(msgspec.json.encode(open_), indent=1)
    digest = _sha256(raw)
    sealed = raw.replace(_NO_DIGEST.encode(), digest.encode(), 1)
    return sealed, msgspec.structs.replace(report, digest=digest)


def _decoded(raw: bytes, kind: type[_Kind], folder: Path) -> _Kind:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise _damaged(folder, f"{REPORT} is not what it should be: {error}") from error


def _check(folder: Path, names: Mapping[str, str]) -> None:
    for name, digest in names.items():
        try:
            whole = _sha256((folder / name).read_bytes()) == digest
        except OSError as error:
            raise _damaged(folder, f"{name} cannot be read: {error.strerror}") from error
        if not whole:
            raise _damaged(folder, f"{name} was changed after it was written")


def _replace_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put all files in their places; nothing is moved before all are on the disk."""
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with (folder / (name + _PART)).open("wb") as file:
                written.append(folder / (name + _PART))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for part in written:
            part.replace(part.with_suffix(""))
    except OSError as error:
        for part in written:
            part.unlink(missing_ok=True)
        raise StorageError(
            code="REPORT_UNWRITABLE",
            cause=f"the report cannot be written to {folder}: {error.strerror}",
            fix="free disk space or correct the permissions, then run it again",
        ) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(folder: Path, why: str) -> DataError:
    return DataError(
        code="REPORT_DAMAGED", cause=f"the report in {folder} is damaged: {why}", fix=_AGAIN
    )
