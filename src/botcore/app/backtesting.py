"""What `botcore backtest` does: from the command line's words to a report that is kept."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path

import msgspec

from botcore.app.home import Home
from botcore.app.market_source import Source, source_of
from botcore.app.protection_settings import protections_of
from botcore.app.runs import Recipe, Run, RunRecord, Runs, StrategyRecipe
from botcore.app.settings import load_settings
from botcore.app.strategies import Located, located
from botcore.backtest import BacktestingFramework, Stage, StrategyRun
from botcore.backtest.collector import Collector
from botcore.backtest.demo import demo_instruments
from botcore.backtest.parity import Parity, compare_traces
from botcore.backtest.reporting import StoredReport, load_report, write_report
from botcore.backtest.trace import Trace, TraceWriter
from botcore.domain.errors import ConfigError
from botcore.domain.ids import InstrumentId, instrument_id
from botcore.domain.parameters import did_you_mean
from botcore.risk import RiskLimits, Sizing
from botcore.strategies import parameters_in_force
from botcore.venues.simulated import VenueConfig

BARS_MAX = 5_000_000
SIMULATED_VENUE = ".SIM"
Progress = Callable[[int, int], None]


class Prepared(msgspec.Struct, frozen=True, eq=False):
    """A recipe with its data: all that a backtest or a replay needs."""

    recipe: Recipe
    framework: BacktestingFramework
    strategies: tuple[StrategyRun, ...]
    date_range: tuple[int | None, int | None]
    source: Source


class Finished(msgspec.Struct, frozen=True, eq=False):
    """A run that was kept: its folder and record, and its report."""

    run: Run
    report: StoredReport


def run(
    *,
    overrides: Mapping[str, object],
    strategies: Sequence[str],
    instruments: Sequence[str],
    step_ns: int,
    start: int | None,
    end: int | None,
    bars: int,
    seed: int,
    parameters: Mapping[str, float],
    cash: str,
    equity_frac: float,
    fee_bps: float,
    slippage_bps: float,
    allow_gaps: bool,
    progress: Progress,
    has_protections: bool = False,
    owner: str = "",
) -> Finished:
    """Run strategies and keep what they did: report, trades, trace.

    Each strategy has `equity_frac` of the equity, shared by its instruments. Without instruments,
    or with those of the simulated market alone, it is that; else what was imported.

    Args:
        overrides: settings given on the command line.
        strategies: names in the library or in the home, or files.
        instruments: ids; none is all of the simulated market's.
        step_ns: length of a bar, nanoseconds.
        start: bars that open in ``[start, end)``, nanoseconds; None is no bound. Not simulated.
        end: the other bound.
        bars: of the simulated market, an instrument.
        seed: of the simulated market.
        parameters: ``name`` or ``strategy.name`` → value; ``strategy-2.name`` is of the second of
            that name alone; the rest take their defaults.
        cash: opening USDT, a decimal string above 0.
        equity_frac: 0 to 1.
        fee_bps: of the notional, basis points.
        slippage_bps: of the price, on market and stop orders.
        allow_gaps: play data that has holes.
        progress: called now and then with bars done and in all.
        has_protections: lock entries as the protections of the settings say.
        owner: id of the user whose run it is; empty for nobody's.

    Raises:
        ConfigError: a name or a value is refused.
        DataError: the data has holes, or is damaged.
        StorageError: the run cannot be kept.
    """
    settings = load_settings(**overrides)
    home = Home(settings.home)
    tables = settings.protections if has_protections else {}
    recipe = _recipe(
        home,
        strategies=strategies,
        instruments=instruments,
        parameters=parameters,
        equity_frac=equity_frac,
        step_ns=step_ns,
        start=start,
        end=end,
        bars=bars,
        seed=seed,
        cash=cash,
        taker_fee_ppm=_ppm("fee", fee_bps),
        maker_fee_ppm=_ppm("fee", fee_bps),
        slippage_ppm=_ppm("slippage", slippage_bps),
        allow_gaps=allow_gaps,
        protections=protections_of(tables, step_ns=step_ns),
    )
    prepared = prepare(recipe, home)
    kept = Runs(home.runs).new("backtest", recipe, name="-".join(strategies), owner=owner)
    collector, trace = Collector(), TraceWriter(kept.folder)
    try:
        stage, seconds = prepared.framework.played(
            prepared.strategies,
            prepared.date_range,
            collector=collector,
            progress=progress,
            trace=trace.commit,
        )
        trace.finish(stage.engine)
    finally:
        trace.close()
    return written(kept, prepared, stage, collector, seconds=seconds)


def prepare(recipe: Recipe, home: Home) -> Prepared:
    """Bring a recipe and its data together.

    Raises:
        ConfigError: a strategy, a parameter or the data does not exist.
        DataError: the data has holes that are not allowed.
    """
    found = [located(each.name, home.strategies) for each in recipe.strategies]
    _refuse_namesakes(found)
    names = tuple(InstrumentId(name) for name in recipe.instruments)
    runs = []
    for each, one in zip(recipe.strategies, found, strict=True):
        parameters_in_force(one.strategy, each.parameters)  # refused before the data is read
        sizing = Sizing(equity_frac=each.equity_frac / len(names))
        runs.append(StrategyRun(one.name, each.parameters, sizing, names))
    source = source_of(recipe, home)
    framework = BacktestingFramework(
        tape=source.tape,
        instruments=source.instruments,
        cash=recipe.cash,
        venue=VenueConfig(
            taker_fee_ppm=recipe.taker_fee_ppm,
            maker_fee_ppm=recipe.maker_fee_ppm,
            slippage_ppm=recipe.slippage_ppm,
        ),
        limits=RiskLimits(fee_frac=max(0, recipe.taker_fee_ppm) / 1e6),
        protections=recipe.protections,
        strategies={one.name: one.strategy for one in found},
        warning=source.warning,
        notes=source.notes,
    )
    return Prepared(recipe, framework, tuple(runs), (recipe.start, recipe.end), source)


def written(
    kept: Run, prepared: Prepared, stage: Stage, collector: Collector, *, seconds: float
) -> Finished:
    """Write the report of a played stage beside its trace, and mark the run as finished.

    Raises:
        StorageError: it cannot be written.
    """
    report = prepared.framework.report(stage, collector, seconds=seconds)
    stored = write_report(report, kept.folder, candles=prepared.source.candles)
    kept.keep(
        msgspec.structs.replace(
            kept.record,
            title=report.title,
            fingerprint=report.fingerprint,
            inputs_digest=report.inputs_digest,
        )
    )
    return Finished(kept, stored)


def refuse_early(
    home: Home,
    *,
    strategies: Sequence[str],
    instruments: Sequence[str],
    step_ns: int,
    start: int | None,
    end: int | None,
    bars: int,
    parameters: Mapping[str, float],
    equity_frac: float,
    fee_bps: float,
    slippage_bps: float,
) -> None:
    """Refuse what `run` would refuse before it reads any data.

    Raises:
        ConfigError: a name or a value is refused.
    """
    recipe = _recipe(
        home,
        strategies=strategies,
        instruments=instruments,
        parameters=parameters,
        equity_frac=equity_frac,
        step_ns=step_ns,
        start=start,
        end=end,
        bars=bars,
        taker_fee_ppm=_ppm("fee", fee_bps),
        slippage_ppm=_ppm("slippage", slippage_bps),
    )
    _refuse_namesakes([located(each.name, home.strategies) for each in recipe.strategies])


def finished_run(known: Runs, text: str) -> Run:
    """Return a run that was played to its end.

    Raises:
        ConfigError: there is no such run, or it was not.
        DataError: its record is damaged.
    """
    found = known.find(text)
    if not found.record.is_finished:
        raise ConfigError(
            code="RUN_UNFINISHED",
            cause=f"run {found.record.number} was not played to its end",
            fix="run it again; a replay goes on with `botcore replay`",
        )
    return found


def records(*, overrides: Mapping[str, object]) -> list[RunRecord]:
    """Return every run of the home, oldest first."""
    return [each.record for each in Runs(Home(load_settings(**overrides).home).runs).all()]


def shown(*, overrides: Mapping[str, object], runs: Sequence[str]) -> list[Finished]:
    """Return runs with the reports that were kept of them, in the order asked for.

    Raises:
        ConfigError: there is no such run.
        DataError: a report is damaged.
    """
    known = Runs(Home(load_settings(**overrides).home).runs)
    found = [finished_run(known, text) for text in runs]
    return [Finished(each, load_report(each.folder)) for each in found]


def parity(*, overrides: Mapping[str, object], first: str, second: str) -> Parity:
    """Return the difference of two runs.

    Raises:
        ConfigError: there is no such run, or it was not played to its end.
        DataError: a trace is damaged.
    """
    known = Runs(Home(load_settings(**overrides).home).runs)
    one, other = finished_run(known, first), finished_run(known, second)
    return compare_traces(
        Trace(one.folder),
        Trace(other.folder),
        is_same_tape=one.record.inputs_digest == other.record.inputs_digest,
    )


def _recipe(
    home: Home,
    *,
    strategies: Sequence[str],
    instruments: Sequence[str],
    parameters: Mapping[str, float],
    equity_frac: float,
    **rest: object,
) -> Recipe:
    if not 0 < equity_frac <= 1:
        raise ConfigError(
            code="SHARE_REFUSED",
            cause=f"a share of {equity_frac:g} of the equity",
            fix="give a number above 0 and at most 1; 0.1 is 10 %",
        )
    names = sorted({instrument_id(name) for name in instruments})
    known = [str(each.id) for each in demo_instruments()]
    is_demo = all(name.endswith(SIMULATED_VENUE) for name in names)
    if is_demo:
        _check_simulated(names, known, rest)
    chosen = tuple(names) if names else tuple(known)
    return Recipe(
        strategies=_strategies(home, strategies, parameters, equity_frac),
        market="demo" if is_demo else "data",
        instruments=chosen,
        **rest,  # type: ignore[arg-type]  # `run` declares them
    )


def _check_simulated(
    names: Sequence[str], known: Sequence[str], rest: Mapping[str, object]
) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(
                code="INSTRUMENT_UNKNOWN",
                cause=f"the simulated market has no {name!r}",
                fix=did_you_mean(name, list(known)),
            )
    bars = rest["bars"]
    if not isinstance(bars, int) or not 1 <= bars <= BARS_MAX:
        raise ConfigError(
            code="BARS_REFUSED", cause=f"{bars} bars", fix=f"choose from 1 to {BARS_MAX:,}"
        )
    if rest["start"] is not None or rest["end"] is not None:
        raise ConfigError(
            code="RANGE_REFUSED",
            cause="the simulated market has no dates to choose from",
            fix="say how many bars with --bars, or name an --instrument that was imported",
        )


def _strategies(
    home: Home, names: Sequence[str], parameters: Mapping[str, float], equity_frac: float
) -> tuple[StrategyRecipe, ...]:
    found = []
    used: set[str] = set()
    seen: Counter[str] = Counter()
    for name in names:
        one = located(name, home.strategies)
        space = one.strategy.parameters
        seen[one.name] += 1
        again = f"{one.name}-{seen[one.name]}"  # as the second of its name is called in the run
        own = {}
        # What is said of one by its number is said last, and outweighs what is said of all.
        for key, value in sorted(
            parameters.items(), key=lambda each: each[0].rpartition(".")[0] == again
        ):
            owner, dot, short = key.rpartition(".")
            if dot and owner not in (one.name, again):
                continue
            if dot or short in {each.name for each in space} or len(names) == 1:
                own[short] = float(value)  # as it is read again from the record
                used.add(key)
        parameters_in_force(one.strategy, own)
        found.append(StrategyRecipe(_lasting(one, home), own, equity_frac))
    for key in parameters:
        if key not in used:
            raise ConfigError(
                code="PARAMETER_UNKNOWN",
                cause=f"none of {', '.join(names)} has a parameter {key!r}",
                fix="`botcore strategy show NAME` lists them",
            )
    return tuple(found)


def _refuse_namesakes(found: Sequence[Located]) -> None:
    """Refuse two strategies of one name that are not one: each run would be of the same of them.

    Raises:
        ConfigError: there are such.
    """
    places: dict[str, Path | None] = {}
    for one in found:
        place = None if one.path is None else one.path.resolve()
        if places.setdefault(one.name, place) != place:
            raise ConfigError(
                code="STRATEGY_NAMED_TWICE",
                cause=f"{places[one.name] or 'the library'} and {place or 'the library'} both hold"
                f" a strategy {one.name!r}",
                fix="give one of them another name: a run knows a strategy by its name",
            )


def _lasting(one: Located, home: Home) -> str:
    """Return a name by which a strategy is found again from any folder."""
    if one.path is None or one.path.parent == home.strategies:
        return one.name
    return f"{one.path.resolve()}:{one.name}"


def _ppm(what: str, bps: float) -> int:
    if not isfinite(bps) or abs(round(bps * 100) - bps * 100) > 1e-6 * max(1.0, abs(bps)):
        raise ConfigError(
            code="COST_REFUSED",
            cause=f"a {what} of {bps:g} bps",
            fix="give a number of at most two decimal places; 10 is 0.1 %",
        )
    return round(bps * 100)
