"""Recorded data: importing uploaded files or those in the home's folder, fetching, checking."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import (
    Act,
    Confirm,
    Done,
    Idempotency,
    Operation,
    Query,
    RouteClass,
    Upload,
)
from botcore.control.schema.jobs import Job
from botcore.control.schema.market import Timeframe
from botcore.control.schema.values import InstrumentName, Note

UPLOAD_MAX: Final = 512 * 1024 * 1024
FileName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*\Z",
        description="a plain name: no folders",
    ),
]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder in the home's ``import/`` folder; `size` in bytes, of all that is in it."""

    name: str
    is_folder: bool
    size: int
    modified_at: datetime


class ListWaiting(Query[tuple[Waiting, ...]], frozen=True, kw_only=True):
    """List what lies in the home's `import/` folder: only from there files are imported by name."""


class StartImport(Act[Job], frozen=True, kw_only=True):
    """Import a file or folder of the home's `import/` folder, as a job.

    Attributes:
        name: as it is listed.
        symbol, timeframe: of what, where the file does not say.
        replace: what the file says goes before what is stored.
    """

    name: FileName
    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    timeframe: Annotated[str, msgspec.Meta(max_length=8)] = ""
    replace: bool = False


class UploadData(Act[Job], frozen=True, kw_only=True):
    """Upload a file and import it, as a job. The body is the file itself.

    Attributes:
        name: of the file, with its ending.
        symbol, timeframe: of what, where the file does not say.
        replace: what the file says goes before what is stored.
        upload: the file, as the door received it.
    """

    name: FileName
    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    timeframe: Annotated[str, msgspec.Meta(max_length=8)] = ""
    replace: bool = False
    upload: Upload


class StartFetch(Act[Job], frozen=True, kw_only=True):
    """Fetch candles from an exchange's archives into the lake, as a job.

    Attributes:
        symbol: of the exchange, such as `BTCUSDT.BINANCE`.
        start, end: first open, and the first that is left out; by default now.
    """

    symbol: InstrumentName
    timeframe: Timeframe = "1m"
    start: datetime
    end: datetime | None = None


class StartDataCheck(Act[Job], frozen=True, kw_only=True):
    """Read recorded candles anew and say what is odd about them, as a job.

    Attributes:
        symbol, timeframe: of which; by default all.
    """

    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    timeframe: Annotated[str, msgspec.Meta(max_length=8)] = ""


class LocalWork(StrEnum):
    """What the command line does with recorded data by itself, on its own machine."""

    IMPORT = "import"
    FETCH = "fetch"


class NoteLocalWork(Act[Done], frozen=True, kw_only=True):
    """Write down that the command line of this machine changes recorded data, before it does.

    It reads files that lie anywhere on the machine, and shows how far it is: that is no job. Nobody
    else may write down what control has not seen.

    Attributes:
        work: what it does.
        what: with what: a path, or a series and its span.
        replace: what comes goes before what is stored.
    """

    work: LocalWork
    what: Note
    replace: bool = False


class RemoveSeries(Act[Done], frozen=True, kw_only=True):
    """Remove a recorded series from the lake."""

    symbol: InstrumentName
    timeframe: Timeframe


def _job(name: str, request: type[Act[Job]], path: str, **more: Any) -> Operation:  # fields
    return Operation(
        name=name,
        request=request,
        method="POST",
        path=path,
        scope=Scope.RUN_JOBS,
        idempotency=Idempotency.REQUIRED,
        route_class=RouteClass.RESEARCH,
        status=202,
        **more,
    )


OPERATIONS: Final = (
    Operation(
        name="data.waiting",
        request=ListWaiting,
        method="GET",
        path="data/import-folder",
        scope=Scope.RUN_JOBS,
        command=("data", "waiting"),
        examples=(ListWaiting(),),
    ),
    _job(
        "data.import",
        StartImport,
        "data/imports",
        command=("data", "start-import"),
        positional=("name",),
        problems=("FILE_UNKNOWN", "JOB_QUOTA"),
        examples=(StartImport(name="BTCUSDT-1h-2024-01.csv"),),
    ),
    _job(
        "data.upload",
        UploadData,
        "data/uploads",
        no_command="botcore data import reads a file of this machine without sending it anywhere",
        upload_max=UPLOAD_MAX,
        problems=("JOB_QUOTA",),
        examples=(
            UploadData(
                name="BTCUSDT-1h-2024-01.csv",
                symbol="BTCUSDT.BINANCE",
                upload=Upload(path="BTCUSDT-1h-2024-01.csv", size=0, sha256=""),
            ),
        ),
    ),
    _job(
        "data.fetch",
        StartFetch,
        "data/fetches",
        command=("data", "start-fetch"),
        positional=("symbol",),
        problems=("JOB_QUOTA",),
        examples=(StartFetch(symbol="BTCUSDT.BINANCE", start=datetime(2024, 1, 1, tzinfo=UTC)),),
    ),
    _job(
        "data.check",
        StartDataCheck,
        "data/checks",
        command=("data", "start-check"),
        problems=("JOB_QUOTA",),
        examples=(StartDataCheck(),),
    ),
    Operation(
        name="data.local-work",
        request=NoteLocalWork,
        method="POST",
        path="data/local-work",
        scope=Scope.ADMIN_SYSTEM,
        no_command="`botcore data import` and `botcore data fetch` write it down by themselves",
        route_class=RouteClass.ACT,
        problems=("ONLY_LOCAL",),
        examples=(NoteLocalWork(work=LocalWork.IMPORT, what="/home/kim/BTCUSDT-1h.csv"),),
    ),
    Operation(
        name="data.remove-series",
        request=RemoveSeries,
        method="DELETE",
        path="market-data/series/{symbol}/{timeframe}",
        scope=Scope.ADMIN_SYSTEM,
        command=("data", "remove-series"),
        positional=("symbol", "timeframe"),
        confirm=Confirm.ALWAYS,
        route_class=RouteClass.ACT,
        problems=("SERIES_UNKNOWN",),
        examples=(RemoveSeries(symbol="BTCUSDT.BINANCE", timeframe="1h"),),
    ),
)
