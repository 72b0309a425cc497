"""What `botcore strategy` does: list, show, new and check."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

import msgspec

from botcore.app.home import Home
from botcore.app.settings import load_settings
from botcore.app.strategies import Located, located, own_strategies
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import instrument_id, slug
from botcore.domain.parameters import Parameter, ParameterSpace, did_you_mean
from botcore.strategies import (
    LIBRARY,
    FeatureSpec,
    SignalRunner,
    SignalStrategy,
    StrategyClass,
    kind_of,
)

if TYPE_CHECKING:  # heavy: only for who checks
    from botcore.backtest import BarTape
    from botcore.backtest.checks import CheckReport
    from botcore.domain.instruments import Instrument

TEMPLATES: Final[Mapping[str, str]] = {"signal": ".py", "event": ".py", "rules": ".yaml"}
"""Kinds of strategies that can be begun, with the ending of their file."""
LIBRARY_NAME: Final = "library"
_SETTLED: Final = 1e-6


class StrategyEntry(msgspec.Struct, frozen=True):
    """One line of the list.

    Attributes:
        origin: ``library``, or the name of its file.
        problem: why it cannot be used, in one sentence; empty where it can.
    """

    name: str
    kind: str
    summary: str
    origin: str
    problem: str = ""


class StrategyDetails(msgspec.Struct, frozen=True):
    """All that a strategy declares.

    Attributes:
        features: what it reads, in words; empty for an event strategy.
        warm_up: how much history it needs, in words.
        digest: SHA-256 of its file; empty for the library.
    """

    name: str
    kind: str
    version: int
    summary: str
    origin: str
    parameters: tuple[Parameter, ...]
    features: tuple[str, ...]
    warm_up: str
    reasons: tuple[str, ...]
    digest: str = ""


def entries(*, overrides: Mapping[str, object]) -> Sequence[StrategyEntry]:
    """Return every strategy that can be named: the library's, then those of the home.

    Raises:
        ConfigError: a setting is refused.
    """
    own, refused = own_strategies(_folder(overrides))
    found = [_entry(name, each, LIBRARY_NAME) for name, each in LIBRARY.items()]
    found += [
        _entry(each.name, each.strategy, each.path.name if each.path else LIBRARY_NAME)
        for each in own.values()
    ]
    found += [
        StrategyEntry(path.stem, "–", "", path.name, f"{error.cause} – {error.fix}")
        for path, error in refused.items()
    ]
    return found


def details(*, overrides: Mapping[str, object], name: str) -> StrategyDetails:
    """Return what a strategy declares.

    Args:
        overrides: settings given on the command line.
        name: of the library, of the home, or a path.

    Raises:
        ConfigError: there is no such strategy, or it cannot be loaded.
    """
    found = located(name, _folder(overrides))
    strategy = found.strategy
    features, warm_up = _history(strategy)
    return StrategyDetails(
        name=found.name,
        kind=kind_of(strategy).value,
        version=strategy.version,
        summary=strategy.summary,
        origin=_origin(found),
        parameters=tuple(strategy.parameters),
        features=features,
        warm_up=warm_up,
        reasons=strategy.reasons,
        digest=found.digest,
    )


def schema(*, overrides: Mapping[str, object], name: str | None) -> Mapping[str, Any]:
    """Return a JSON Schema: of a strategy's parameters, or of rule documents.

    Args:
        overrides: settings given on the command line.
        name: as in `details`; None is the schema of documents for strategies without code.

    Raises:
        ConfigError: there is no such strategy, or it cannot be loaded.
    """
    if name is None:
        from botcore.strategies.rules import rules_schema

        return rules_schema()
    found = located(name, _folder(overrides))
    return _parameters_schema(found.name, found.strategy.parameters)


def create(*, overrides: Mapping[str, object], name: str, kind: str) -> Path:
    """Write a strategy that runs into the home, to be changed; return its file.

    Args:
        overrides: settings given on the command line.
        name: a slug that no other strategy has.
        kind: of `TEMPLATES`.

    Raises:
        ConfigError: the name is taken or no slug, or there is no such kind.
        StorageError: it cannot be written.
    """
    if kind not in TEMPLATES:
        raise ConfigError(
            code="KIND_UNKNOWN",
            cause=f"there is no kind of strategy {kind!r}",
            fix=did_you_mean(kind, list(TEMPLATES)),
        )
    folder = _folder(overrides)
    path = folder / f"{slug(name, what='strategy')}{TEMPLATES[kind]}"
    refuse_taken(name, folder)
    template = files("botcore.app") / "templates" / f"{kind}{TEMPLATES[kind]}.txt"
    words = {"name": name, "class_name": _class_name(name)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(Template(template.read_text("utf-8")).substitute(words))
    except FileExistsError:
        raise _taken(name, path.name) from None
    except OSError as error:
        raise StorageError(
            code="STRATEGY_UNWRITABLE",
            cause=f"{path} cannot be written: {error.strerror}",
            fix="free disk space or correct the permissions",
        ) from error
    return path


def check(
    *,
    overrides: Mapping[str, object],
    name: str,
    instruments: Sequence[str],
    step_ns: int,
    start: int | None,
    end: int | None,
    bars: int,
    seed: int,
    parameters: Mapping[str, float],
) -> "CheckReport":
    """Run the detectors on a strategy.

    Args:
        overrides: settings given on the command line.
        name: of the library, of the home, or a path.
        instruments: ids of imported ones; none is the simulated market.
        step_ns: length of a bar, nanoseconds.
        start: bars that open in ``[start, end)``, nanoseconds; None is no bound.
        end: the other bound.
        bars: the newest so many of each instrument.
        seed: of the simulated market.
        parameters: by name; the rest take their defaults.

    Raises:
        ConfigError: there is no such strategy or data, or a parameter is refused.
    """
    from botcore.backtest.checks import check_strategy
    from botcore.domain.numbers import use_money_context

    home = Home(load_settings(**overrides).home)
    found = located(name, home.strategies)
    use_money_context()
    tape, rules = tape_of(
        home,
        instruments=instruments,
        step_ns=step_ns,
        start=start,
        end=end,
        bars=bars,
        seed=seed,
    )
    return check_strategy(
        found.name,
        found.strategy,
        tape=tape,
        instruments=rules,
        parameters=parameters,
    )


def tape_of(
    home: Home,
    *,
    instruments: Sequence[str],
    step_ns: int,
    start: int | None,
    end: int | None,
    bars: int,
    seed: int,
) -> "tuple[BarTape, tuple[Instrument, ...]]":
    """Return the newest bars to check on and the rules of what they are of.

    Imported ones, whose holes do not matter here, or those of the simulated market.

    Args:
        home: holds the imported data.
        instruments: ids; none, or the simulated market's alone, is that market.
        step_ns: length of a bar, nanoseconds.
        start: bars that open in ``[start, end)``, nanoseconds; None is no bound.
        end: the other bound.
        bars: the newest so many of each instrument.
        seed: of the simulated market.

    Raises:
        ConfigError: there is no data of an instrument, or not of that timeframe.
    """
    from botcore.backtest import demo_instruments, demo_tape

    simulated = demo_instruments()
    known = tuple(str(each.id) for each in simulated)
    if set(instruments) <= set(known):
        chosen = tuple(instruments) or known
        return demo_tape(bars, seed=seed, step_ns=step_ns, instruments=chosen), simulated
    from botcore.app.market_source import source_of
    from botcore.app.runs import Recipe

    recipe = Recipe(
        strategies=(),
        market="data",
        instruments=tuple(instrument_id(name) for name in instruments),
        step_ns=step_ns,
        start=start,
        end=end,
        allow_gaps=True,
    )
    source = source_of(recipe, home)
    return source.tape.between(start, end).last(bars), source.instruments


def _folder(overrides: Mapping[str, object]) -> Path:
    return Home(load_settings(**overrides).home).strategies


def _entry(name: str, strategy: StrategyClass, origin: str) -> StrategyEntry:
    return StrategyEntry(name, kind_of(strategy).value, strategy.summary, origin)


def _origin(found: Located) -> str:
    return LIBRARY_NAME if found.path is None else str(found.path)


def _history(strategy: StrategyClass) -> tuple[tuple[str, ...], str]:
    """Return what a strategy reads and how much history it needs, with its defaults."""
    if not issubclass(strategy, SignalStrategy):
        bars = strategy.needs.history_bars
        return (), f"asks for {bars:,} bars of history" if bars else "asks for no history"
    runner = SignalRunner(strategy, {})
    words = (
        f"first decision on bar {runner.bars_to_come:,}; features are those of any longer history"
        f" after {runner.settled(_SETTLED):,} bars"
    )
    return tuple(_feature(each) for each in runner.features), words


def _feature(each: FeatureSpec) -> str:
    settings = [f"{name}={value}" for name, value in each.parameters.items()]
    of = f" of {', '.join(each.inputs)}" if each.inputs else ""
    return f"{each.indicator}({', '.join(settings)}){of}"


def _parameters_schema(name: str, space: ParameterSpace) -> dict[str, Any]:
    kinds = {"int": "integer", "float": "number", "bool": "boolean"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Parameters of {name}",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            each.name: {
                "type": kinds[each.kind],
                "default": bool(each.default) if each.kind == "bool" else each.default,
                **({} if each.kind == "bool" else {"minimum": each.low, "maximum": each.high}),
                "description": f"{each.help} [{each.unit}]" if each.unit else each.help,
            }
            for each in space
        },
    }


def refuse_taken(name: str, folder: Path) -> None:
    """Refuse a name that a strategy has.

    Raises:
        ConfigError: one of the library or in the folder has it.
    """
    if name in LIBRARY:
        raise _taken(name, "the library")
    own, refused = own_strategies(folder)
    paths = [each.path for each in own.values() if each.name == name]
    for path in (*paths, *(path for path in refused if path.stem == name)):
        if path is not None:
            raise _taken(name, path.name)


def _taken(name: str, owner: str) -> ConfigError:
    return ConfigError(
        code="STRATEGY_EXISTS",
        cause=f"there is a strategy {name!r} already, in {owner}",
        fix="choose another name; nothing is written over",
    )


def _class_name(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ").title().replace(" ", "")
    return words if words[:1].isalpha() else f"Strategy{words}"
