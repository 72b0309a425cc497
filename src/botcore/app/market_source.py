"""Where a run's bars come from: the simulated market, or what was imported; and with what words."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from botcore.app.home import Home
from botcore.app.runs import Recipe
from botcore.backtest import SIMULATED, BarTape, demo_instruments, demo_tape
from botcore.domain.calendar import instant_name, step_name
from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import ContractKind, InstrumentId, parse_instrument_id
from botcore.domain.instruments import Instrument
from botcore.domain.parameters import did_you_mean
from botcore.marketdata.candles import Candles
from botcore.marketdata.instruments import inferred_instrument, known_instrument
from botcore.marketdata.quiet import with_quiet_bars
from botcore.marketdata.resampling import resample
from botcore.storage.lake import Lake

_HISTORY_BARS = 20_000
"""Bars before the start that are read for the strategies to settle on; they take what they need."""
_HOLES_NAMED = 3
_MISSING_MOST = 0.1
"""Share of a longer bar that may be missing; the bar is left out when it is more."""


class Source(msgspec.Struct, frozen=True, eq=False):
    """The bars of a run, and what must be said about them.

    Attributes:
        tape: with the history before the run's start.
        instruments: the rules of everything on it.
        notes: what a reader of the result must know, one sentence each.
    """

    tape: BarTape
    instruments: tuple[Instrument, ...]
    candles: Mapping[InstrumentId, Candles]
    notes: tuple[str, ...] = ()
    warning: str = ""


def source_of(recipe: Recipe, home: Home) -> Source:
    """Return the bars that a recipe names.

    Raises:
        ConfigError: there is no data of an instrument, or not of that timeframe.
        DataError: there are holes in it and none are allowed.
    """
    if recipe.market == "demo":
        return _simulated(recipe)
    return _recorded(recipe, Lake(home.lake))


def _simulated(recipe: Recipe) -> Source:
    tape = demo_tape(
        recipe.bars, seed=recipe.seed, step_ns=recipe.step_ns, instruments=recipe.instruments
    )
    return Source(tape, demo_instruments(), _candles_of(tape), warning=SIMULATED)


def _recorded(recipe: Recipe, lake: Lake) -> Source:
    notes: list[str] = []
    step = recipe.step_ns
    start = None if recipe.start is None else recipe.start - _HISTORY_BARS * step
    read = [
        _stored(lake, InstrumentId(name), step, start, recipe.end) for name in recipe.instruments
    ]
    # Holes are sought before bars are joined: a long bar hides what is missing inside it.
    for each in read:
        if not len(each.between(recipe.start, recipe.end)):
            raise _outside(each.instrument, lake, recipe)
    filled = [_quiet(each, read, notes) for each in read]
    holes = [hole for each in filled for hole in _holes(each, recipe)]
    if holes and not recipe.allow_gaps:
        raise _has_holes(holes)
    made = [_joined(each, step, notes) for each in filled]
    joined = {each.instrument for each in filled if each.step_ns != step}
    hidden = [hole for hole in holes if hole.instrument in joined]
    if hidden:  # a bar that lacks some of its candles is no hole in the report's own list
        notes.append(f"missing from these bars: {_named(hidden)}")
    instruments = tuple(rules_of(each, notes) for each in made)
    return Source(
        BarTape.of(made), instruments, {each.instrument: each for each in made}, tuple(notes)
    )


def series_of(  # noqa: PLR0917  # a range of a series: where, what, from, to
    lake: Lake,
    name: InstrumentId,
    step: int,
    start: int | None,
    end: int | None,
    notes: list[str],
) -> Candles:
    """Return candles of the lake, made from shorter ones where need be.

    Args:
        lake: of the home.
        name: instrument.
        step: length of a bar, nanoseconds.
        start: candles that open in ``[start, end)``; None is no bound.
        end: the other bound.
        notes: what must be said about them is added.

    Raises:
        ConfigError: there are none of that instrument or timeframe.
    """
    return _joined(_stored(lake, name, step, start, end), step, notes)


def _stored(
    lake: Lake, name: InstrumentId, step: int, start: int | None, end: int | None
) -> Candles:
    """Return the longest candles of the lake of which bars of a length can be made."""
    steps = sorted(info.step_ns for info in lake.series() if info.instrument == name)
    if not steps:
        known = sorted({str(info.instrument) for info in lake.series()})
        raise ConfigError(
            code="DATA_ABSENT",
            cause=f"no candles of {name} were imported",
            fix=did_you_mean(name, known)
            if known
            else "bring some in: botcore data import PATH, or botcore data fetch",
        )
    parts = [each for each in steps if step % each == 0]
    if not parts:
        raise ConfigError(
            code="TIMEFRAME_ABSENT",
            cause=f"{name} has no candles from which {step_name(step)} bars can be made",
            fix="choose one of: " + ", ".join(step_name(each) for each in steps),
        )
    return lake.read(name, parts[-1], start, end)


def _joined(candles: Candles, step: int, notes: list[str]) -> Candles:
    """Return candles of a longer step; what must be said about them is added to the notes."""
    if candles.step_ns == step:
        return candles
    name = candles.instrument
    made = resample(candles, step)
    notes.append(f"{name}: {step_name(step)} bars made from {step_name(candles.step_ns)} candles")
    # A bar that a hole cuts would let orders fill inside the hole, at prices from beyond it.
    is_cut = made.missing > _MISSING_MOST * (step // candles.step_ns)
    cut, short = int(is_cut.sum()), int(((made.missing > 0) & ~is_cut).sum())
    if cut:
        bars = "1 bar is" if cut == 1 else f"{cut} bars are"
        notes.append(f"{name}: {bars} left out, for more than a tenth of it is missing")
    if short:
        bars = "1 bar was" if short == 1 else f"{short} bars were"
        notes.append(f"{name}: {bars} made from fewer candles than they span")
    return made.candles.rows(~is_cut) if cut else made.candles


def _quiet(candles: Candles, read: list[Candles], notes: list[str]) -> Candles:
    venue = parse_instrument_id(candles.instrument)[2]
    others = [
        each.ts_open
        for each in read
        if each is not candles
        and each.step_ns == candles.step_ns
        and parse_instrument_id(each.instrument)[2] == venue
    ]
    if not others:
        return candles
    filled, added = with_quiet_bars(candles, np.concatenate(others))
    if added:
        notes.append(
            f"{candles.instrument}: {added} missing bars are flat ones, for the venue was up then"
        )
    return filled


class _Hole(NamedTuple):
    """What is missing of an instrument: first missing open, open of the next, and how many."""

    instrument: InstrumentId
    low: int
    high: int
    candles: int


def _holes(candles: Candles, recipe: Recipe) -> list[_Hole]:
    """Return the holes inside the traded range."""
    inside, step = candles.between(recipe.start, recipe.end).ts_open, candles.step_ns
    behind = np.flatnonzero(np.diff(inside) > step).tolist()
    edges = [(int(inside[at]) + step, int(inside[at + 1])) for at in behind]
    return [_Hole(candles.instrument, low, high, (high - low) // step) for low, high in edges]


def _outside(name: InstrumentId, lake: Lake, recipe: Recipe) -> ConfigError:
    held = [info for info in lake.series() if info.instrument == name]
    spans = ", ".join(
        f"{step_name(info.step_ns)} from {instant_name(info.first)} to {instant_name(info.end)}"
        for info in held
    )
    begins = "the beginning" if recipe.start is None else instant_name(recipe.start)
    ends = "the end" if recipe.end is None else instant_name(recipe.end)
    return ConfigError(
        code="RANGE_REFUSED",
        cause=f"there are no candles of {name} from {begins} to {ends}",
        fix=f"choose --from and --to in what is there: {spans}",
    )


def _named(holes: list[_Hole]) -> str:
    named = ", ".join(
        f"{each.instrument} {instant_name(each.low)} – {instant_name(each.high)}"
        f" ({each.candles} candle{'' if each.candles == 1 else 's'})"
        for each in holes[:_HOLES_NAMED]
    )
    more = f" and {len(holes) - _HOLES_NAMED} more" if len(holes) > _HOLES_NAMED else ""
    return named + more


def _has_holes(holes: list[_Hole]) -> DataError:
    return DataError(
        code="DATA_GAPS",
        cause=f"there are holes in that range: {_named(holes)}",
        fix="choose another range, bring the missing candles in, or run it with --allow-gaps:"
        " nothing fills inside a hole, and the report names each",
    )


def rules_of(candles: Candles, notes: list[str]) -> Instrument:
    """Return the venue's filters where they are known and the prices lie on them, else inferred.

    What must be said about them is added to `notes` (trap E104).
    """
    known = known_instrument(candles.instrument)
    if known is not None and known.fits(candles):
        first = instant_name(int(candles.ts_open[0]) // 86_400_000_000_000 * 86_400_000_000_000)
        if first < known.recorded:
            notes.append(
                f"{candles.instrument}: the venue's filters are those of {known.recorded};"
                f" the data begins {first}"
            )
        return known.instrument
    inferred = inferred_instrument(candles.instrument, candles)
    notes.append(
        f"{candles.instrument}: inferred filters (tick {inferred.tick:f}, lot {inferred.lot:f},"
        f" minimum {inferred.min_notional:f} {inferred.quote}): the venue's own are not known"
    )
    if inferred.kind is not ContractKind.SPOT:
        notes.append(
            f"{candles.instrument}: perpetuals cannot be traded yet: every order is denied"
        )
    return inferred


def _candles_of(tape: BarTape) -> dict[InstrumentId, Candles]:
    return {
        each.instrument: Candles(each.instrument, each.spec.step_ns, each.ts_open, each.columns)
        for each in tape.series
    }
