"""Backtests: started as jobs, kept as runs with their reports, compared, noted, removed."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import (
    Act,
    Confirm,
    Done,
    Idempotency,
    Operation,
    Page,
    Query,
    RouteClass,
)
from botcore.control.schema.jobs import Job
from botcore.control.schema.values import Cursor, InstrumentName, Limit, StrategyName

Bps = Annotated[float, msgspec.Meta(ge=-100, le=1_000)]
RunNumber = Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]
_Timeframe = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,3}[smhdw]\Z")]


class StartBacktest(Act[Job], frozen=True, kw_only=True):
    """Run strategies on recorded data or on the simulated market, as a job.

    Attributes:
        strategies: by name; each has `equity_frac` of the equity.
        symbols: what they trade; none is all of the simulated market's.
        timeframe: length of a bar; longer ones are made of what is recorded.
        start, end: bars that open in between; by default all that is recorded.
        bars: of the simulated market, an instrument.
        seed: of the simulated market.
        parameters: ``name`` or ``strategy.name`` and value; the rest take their defaults.
        cash: opening money.
        fee_bps, slippage_bps: basis points.
        allow_gaps: play data that has holes.
    """

    strategies: Annotated[tuple[StrategyName, ...], msgspec.Meta(min_length=1, max_length=50)]
    symbols: Annotated[tuple[InstrumentName, ...], msgspec.Meta(max_length=100)] = ()
    timeframe: _Timeframe = "1m"
    start: datetime | None = None
    end: datetime | None = None
    bars: Annotated[int, msgspec.Meta(ge=1, le=5_000_000)] = 20_000
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    parameters: Annotated[dict[str, float], msgspec.Meta(max_length=200)] = msgspec.field(
        default_factory=dict
    )
    cash: Annotated[Decimal, msgspec.Meta(extra={"positive": True})] = Decimal(10_000)
    equity_frac: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.10
    fee_bps: Bps = 10.0
    slippage_bps: Bps = 2.0
    allow_gaps: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A backtest or a replay that was kept.

    Attributes:
        number: counts up.
        kind: ``backtest`` or ``replay``.
        is_finished: whether it was played to its end.
        fingerprint: of its result; equal ones are equal results.
        inputs_digest: of data, settings and code.
        note: what people wrote about it.
        owner: user id of who asked for it; empty where it was made on the command line.
    """

    number: int
    kind: str
    title: str
    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    timeframe: str
    made_at: datetime
    version: str
    is_finished: bool
    fingerprint: str
    inputs_digest: str
    note: str = ""
    owner: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run with all that was found: every figure, assumption, gap and warning."""

    run: Run
    report: dict[str, Any]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Runs side by side: a row has a name and what each run says."""

    runs: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


class RunEquity(msgspec.Struct, frozen=True, kw_only=True):
    """The equity curve of a run, thinned to at most as many points as were asked for."""

    times: tuple[datetime, ...]
    equity: tuple[float, ...]
    buy_and_hold: tuple[float, ...]


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text file, with the name to keep it under."""

    name: str
    media_type: str
    text: str


class ListRuns(Query[Page[Run]], frozen=True, kw_only=True):
    """List one's own runs that were kept, newest first; an administrator's are everybody's.

    Attributes:
        strategy: only runs of this strategy.
    """

    strategy: Annotated[str, msgspec.Meta(max_length=64)] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class ReadRun(Query[Report], frozen=True, kw_only=True):
    """Show what a run found."""

    number: RunNumber


class ReadRunTrades(Query[Text], frozen=True, kw_only=True):
    """Give the trades of a run as CSV."""

    number: RunNumber


class ReadRunEquity(Query[RunEquity], frozen=True, kw_only=True):
    """Give the equity curve of a run."""

    number: RunNumber
    points: Annotated[int, msgspec.Meta(ge=2, le=5_000)] = 1_000


class CompareRuns(Query[Comparison], frozen=True, kw_only=True):
    """Compare runs: every figure, and the assumptions in which they differ.

    Attributes:
        runs: their numbers, two to ten.
    """

    runs: Annotated[tuple[RunNumber, ...], msgspec.Meta(min_length=2, max_length=10)]


class NoteRun(Act[Run], frozen=True, kw_only=True):
    """Write a note about a run."""

    number: RunNumber
    note: Annotated[str, msgspec.Meta(max_length=4_000)]


class DeleteRun(Act[Done], frozen=True, kw_only=True):
    """Remove a run with its report, trades and trace."""

    number: RunNumber


class StartReplay(Act[Job], frozen=True, kw_only=True):
    """Play a backtest again through the stepping engine, with the live engine's records, as a job.

    Attributes:
        number: of the backtest.
    """

    number: RunNumber


class StartStrategyCheck(Act[Job], frozen=True, kw_only=True):
    """Look for look-ahead and for what else makes a backtest lie, as a job.

    Attributes:
        strategy: by name.
        symbols: on which recorded instruments; none is the simulated market.
        bars: the newest so many of each.
    """

    strategy: StrategyName
    symbols: Annotated[tuple[InstrumentName, ...], msgspec.Meta(max_length=10)] = ()
    timeframe: _Timeframe = "1m"
    bars: Annotated[int, msgspec.Meta(ge=100, le=200_000)] = 3_000
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    parameters: Annotated[dict[str, float], msgspec.Meta(max_length=64)] = msgspec.field(
        default_factory=dict
    )


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
    _job(
        "backtests.start",
        StartBacktest,
        "backtests",
        command=("backtests", "start"),
        positional=(),
        problems=("STRATEGY_UNKNOWN", "PARAMETER_UNKNOWN", "JOB_QUOTA"),
        examples=(
            StartBacktest(strategies=("ema-cross",)),
            StartBacktest(strategies=("rsi", "macd"), symbols=("BTCUSDT.BINANCE",), timeframe="1h"),
        ),
    ),
    Operation(
        name="backtests.list",
        request=ListRuns,
        method="GET",
        path="backtests",
        scope=Scope.READ_MARKET,
        command=("backtests", "list"),
        examples=(ListRuns(),),
    ),
    Operation(
        name="backtests.compare",
        request=CompareRuns,
        method="GET",
        path="backtests/compare",
        scope=Scope.READ_MARKET,
        command=("backtests", "compare"),
        problems=("RUN_UNKNOWN", "RUN_UNFINISHED"),
        examples=(CompareRuns(runs=(1, 2)),),
    ),
    Operation(
        name="backtests.show",
        request=ReadRun,
        method="GET",
        path="backtests/{number}",
        scope=Scope.READ_MARKET,
        command=("backtests", "show"),
        positional=("number",),
        has_etag=True,
        problems=("RUN_UNKNOWN", "RUN_UNFINISHED"),
        examples=(ReadRun(number=1),),
    ),
    Operation(
        name="backtests.trades",
        request=ReadRunTrades,
        method="GET",
        path="backtests/{number}/trades",
        scope=Scope.READ_MARKET,
        command=("backtests", "trades"),
        positional=("number",),
        has_etag=True,
        problems=("RUN_UNKNOWN", "RUN_UNFINISHED"),
        examples=(ReadRunTrades(number=1),),
    ),
    Operation(
        name="backtests.equity",
        request=ReadRunEquity,
        method="GET",
        path="backtests/{number}/equity",
        scope=Scope.READ_MARKET,
        command=("backtests", "equity"),
        positional=("number",),
        has_etag=True,
        problems=("RUN_UNKNOWN", "RUN_UNFINISHED"),
        examples=(ReadRunEquity(number=1),),
    ),
    Operation(
        name="backtests.note",
        request=NoteRun,
        method="PUT",
        path="backtests/{number}/note",
        scope=Scope.RUN_JOBS,
        command=("backtests", "note"),
        positional=("number", "note"),
        route_class=RouteClass.ACT,
        problems=("RUN_UNKNOWN",),
        examples=(NoteRun(number=1, note="the fees eat it"),),
    ),
    Operation(
        name="backtests.delete",
        request=DeleteRun,
        method="DELETE",
        path="backtests/{number}",
        scope=Scope.RUN_JOBS,
        command=("backtests", "delete"),
        positional=("number",),
        confirm=Confirm.ALWAYS,
        route_class=RouteClass.ACT,
        problems=("RUN_UNKNOWN",),
        examples=(DeleteRun(number=1),),
    ),
    _job(
        "backtests.replay",
        StartReplay,
        "backtests/{number}/replay",
        command=("backtests", "replay"),
        positional=("number",),
        problems=("RUN_UNKNOWN", "RUN_UNFINISHED", "JOB_QUOTA"),
        examples=(StartReplay(number=1),),
    ),
    _job(
        "strategies.check",
        StartStrategyCheck,
        "strategies/checks",
        command=("strategies", "check"),
        positional=("strategy",),
        problems=("STRATEGY_UNKNOWN", "JOB_QUOTA"),
        examples=(StartStrategyCheck(strategy="ema-cross"),),
    ),
)
