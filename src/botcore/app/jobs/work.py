"""What jobs do: each kind is one function from a request (JSON values) to a result (JSON values).

The request was checked by control when the job was asked for; here its words become calls of the
same functions that the command line uses.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botcore.app.home import Home
from botcore.app.jobs.reporting import Reporting
from botcore.app.settings import load_settings
from botcore.control.schema.backtests import StartBacktest, StartReplay, StartStrategyCheck
from botcore.control.schema.data import StartDataCheck, StartFetch, StartImport
from botcore.control.schema.values import nanoseconds
from botcore.domain.calendar import parse_step, step_name
from botcore.domain.errors import ConfigError, DataError

if TYPE_CHECKING:  # the lake loads numpy, and not every job takes it
    from botcore.storage.lake.questions import Question

_SYMBOL: Final = "ask again with its symbol, such as BTCUSDT.BINANCE"
_TOLD_TO_A_JOB: Final[Mapping[str, str]] = {
    "instrument": _SYMBOL,
    "venue": _SYMBOL,
    "timeframe": "ask again with its timeframe, such as 1m",
}
_ON_THE_MACHINE: Final = "`botcore data import` on the machine can be told it"
"""What jobs have no field for."""

IMPORT_FOLDER: Final = "import"


Work = Callable[[Mapping[str, Any], Mapping[str, object], Reporting], dict[str, Any]]


def backtest(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Run a backtest and keep it."""
    from botcore.app.backtesting import run  # heavy: only the kind that is asked for

    asked = _read(request, StartBacktest)
    finished = run(
        overrides=overrides,
        strategies=asked.strategies,
        instruments=asked.symbols,
        step_ns=parse_step(asked.timeframe),
        start=None if asked.start is None else nanoseconds(asked.start),
        end=None if asked.end is None else nanoseconds(asked.end),
        bars=asked.bars,
        seed=asked.seed,
        parameters=asked.parameters,
        cash=f"{asked.cash:f}",
        equity_frac=asked.equity_frac,
        fee_bps=asked.fee_bps,
        slippage_bps=asked.slippage_bps,
        allow_gaps=asked.allow_gaps,
        progress=to.progress,
        owner=to.owner,
    )
    record = finished.run.record
    to.say(f"run {record.number}: {record.title}")
    figures = {each.key: each.text for each in finished.report.metrics}
    return {"run": record.number, "fingerprint": record.fingerprint, "figures": figures}


def replay(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Play a backtest again; one that was interrupted is gone on with."""
    from botcore.app.replaying import replay as play

    asked = _read(request, StartReplay)
    played = play(
        overrides=overrides,
        run=str(asked.number),
        speed=None,
        fresh=False,
        progress=to.progress,
        owner=to.owner,
    )
    record = played.run.record
    return {
        "run": record.number,
        "of": asked.number,
        "resumed": played.resumed,
        "records": played.records,
        "fingerprint": record.fingerprint,
    }


def strategy_check(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Run the detectors on a strategy."""
    from botcore.app.strategy_verbs import check

    asked = _read(request, StartStrategyCheck)
    to.say(f"checking {asked.strategy} on {asked.bars:,} bars")
    report = check(
        overrides=overrides,
        name=asked.strategy,
        instruments=asked.symbols,
        step_ns=parse_step(asked.timeframe),
        start=None,
        end=None,
        bars=asked.bars,
        seed=asked.seed,
        parameters=asked.parameters,
    )
    findings = [
        {
            "check": each.check,
            "symbol": each.instrument,
            "verdict": each.verdict.value,
            "detail": each.detail,
        }
        for each in report.findings
    ]
    return {"is_ok": report.is_ok, "bars": report.bars, "findings": findings}


def import_data(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Import a file or folder of the home's import folder."""
    from botcore.app.data import bring_in, detect

    asked = _read(request, StartImport)
    home = Home(load_settings(**overrides).home)
    path = waiting_path(home.path / IMPORT_FOLDER, asked.name)
    options = {
        name: value
        for name, value in (("instrument", asked.symbol), ("timeframe", asked.timeframe))
        if value
    }
    try:
        detected = detect(path=path, options=options)
    except DataError as error:
        if "--" in error.fix:
            error.fix = f"{_ON_THE_MACHINE}: {error.fix}"
        raise
    for question in detected.questions:
        raise _refused(question)
    imported = bring_in(
        overrides=overrides, detected=detected, replace=asked.replace, progress=to.progress
    )
    for each in imported:
        to.say(f"{each.instrument} {step_name(each.step_ns)}: {each.added:,} candles added")
    return {
        "series": [
            {
                "symbol": each.instrument,
                "timeframe": step_name(each.step_ns),
                "added": each.added,
                "same": each.same,
                "conflicts": each.conflicts,
            }
            for each in imported
        ]
    }


def _refused(question: "Question") -> DataError:
    """Return what an import asks as an error whose fix can be done where jobs are asked for."""
    refused = question.refused()
    refused.fix = _TOLD_TO_A_JOB.get(question.option, f"{_ON_THE_MACHINE}: {refused.fix}")
    return refused


def fetch(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Fetch candles of an exchange."""
    from botcore.app.fetching import fetch as bring

    asked = _read(request, StartFetch)
    fetched = bring(
        overrides=overrides,
        instrument=asked.symbol,
        timeframe=asked.timeframe,
        start=asked.start.isoformat(),
        end=None if asked.end is None else asked.end.isoformat(),
        progress=to.progress,
    )
    return {
        "symbol": fetched.instrument,
        "timeframe": step_name(fetched.step_ns),
        "files": fetched.files,
        "added": fetched.added,
        "same": fetched.same,
        "conflicts": fetched.conflicts,
        "quarantined": fetched.quarantined,
        "absent": list(fetched.absent),
    }


def check_data(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Read recorded candles anew."""
    from botcore.app.data import check

    asked = _read(request, StartDataCheck)
    checked = check(
        overrides=overrides,
        instrument=asked.symbol or None,
        timeframe=asked.timeframe or None,
        rebuild=False,
        progress=to.progress,
    )
    return {
        "series": [
            {
                "symbol": each.info.instrument,
                "timeframe": step_name(each.info.step_ns),
                "candles": each.info.rows,
                "concerns": list(each.concerns),
            }
            for each in checked
        ]
    }


def daily_report(
    request: Mapping[str, Any], overrides: Mapping[str, object], to: Reporting
) -> dict[str, Any]:
    """Report on one UTC day of the account."""
    from botcore.app.jobs.daily import daily_report as made

    return made(request, overrides, to)


KINDS: Final[Mapping[str, Work]] = {
    "backtest": backtest,
    "replay": replay,
    "strategy check": strategy_check,
    "import": import_data,
    "fetch": fetch,
    "data check": check_data,
    "daily report": daily_report,
}
"""Kind of job → what does it."""


def waiting_path(folder: Path, name: str) -> Path:
    """Return a file or folder right inside the import folder, never one that leads out of it.

    Raises:
        ConfigError: there is none of that name.
    """
    path = folder / name
    if Path(name).name != name or path.is_symlink() or not path.exists():
        raise ConfigError(
            code="FILE_UNKNOWN",
            cause=f"there is no {name!r} in the home's import folder",
            fix=f"put it into {folder.name}/ of the home, or upload it",
        )
    return path


def _read(request: Mapping[str, Any], kind: type[Any]) -> Any:  # noqa: ANN401  # of the kind
    import msgspec

    return msgspec.convert(dict(request), type=kind)
