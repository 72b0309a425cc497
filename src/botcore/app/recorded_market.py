"""The lake as control asks it (`control.market_port.RecordedMarket`)."""

from collections.abc import Sequence
from functools import cached_property

from botcore.app.data import Checked
from botcore.control.schema.market import CandleGap, Series, SeriesDetails, Symbol
from botcore.control.schema.values import instant
from botcore.domain.calendar import step_name
from botcore.domain.ids import InstrumentId
from botcore.domain.instruments import Instrument
from botcore.domain.market import Bar, BarSpec
from botcore.marketdata.candles import FIELDS
from botcore.marketdata.instruments import inferred_instrument, known_instrument
from botcore.marketdata.series import SeriesInfo
from botcore.storage.lake import Lake

_SHOWN = 1_000
"""Most gaps that the description of one series lists."""


class RecordedSeries:
    """Candles that were imported or fetched; every function blocks.

    Args:
        lake: where they lie.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def symbols(self) -> Sequence[Symbol]:
        """Return what is recorded; rules that nobody has said are inferred from the candles."""
        shortest: dict[str, SeriesInfo] = {}
        for info in self._lake.series():
            known = shortest.get(info.instrument)
            if known is None or info.step_ns < known.step_ns:
                shortest[info.instrument] = info
        return [self._symbol(info) for info in shortest.values()]

    def steps(self, symbol: str) -> Sequence[int]:
        """Return the recorded timeframes, nanoseconds, ascending."""
        return sorted(info.step_ns for info in self._lake.series() if info.instrument == symbol)

    def bars(self, symbol: str, step_ns: int, start: int | None, end: int | None) -> Sequence[Bar]:
        """Return candles that open in ``[start, end)``, oldest first."""
        candles = self._lake.read(InstrumentId(symbol), step_ns, start, end)
        spec = BarSpec(step_ns)
        columns = [candles.columns[name].tolist() for name in FIELDS]
        return [
            Bar(candles.instrument, spec, ts, ts + step_ns, *values)
            for ts, *values in zip(candles.ts_open.tolist(), *columns, strict=True)
        ]

    def span(self, symbol: str, step_ns: int) -> tuple[int, int]:
        """Return the opens of the oldest and the newest candle."""
        info = self._lake.info(InstrumentId(symbol), step_ns)
        return info.first, info.last

    def series(self) -> Sequence[SeriesDetails]:
        """Return every series with its holes."""
        return [_details(info) for info in self._lake.series()]

    def _symbol(self, info: SeriesInfo) -> Symbol:
        found = self._rules.get(info.instrument)
        if found is None:
            known = known_instrument(info.instrument)
            if known is not None:
                found = known.instrument
            else:
                newest = max(info.first, info.last - 2_000 * info.step_ns)
                candles = self._lake.read(info.instrument, info.step_ns, newest, None)
                found = inferred_instrument(info.instrument, candles)
            self._rules[info.instrument] = found
        return symbol_of(found, is_traded=False)

    @cached_property
    def _rules(self) -> dict[str, Instrument]:
        return {}


def symbol_of(instrument: Instrument, *, is_traded: bool) -> Symbol:
    """Return an instrument as control shows it."""
    return Symbol(
        symbol=instrument.id,
        venue=instrument.id.rpartition(".")[2],
        base=instrument.base,
        quote=instrument.quote,
        kind=instrument.kind.value,
        status=instrument.status.value,
        tick=instrument.tick,
        lot=instrument.lot,
        min_quantity=instrument.min_quantity,
        min_notional=instrument.min_notional,
        is_traded=is_traded,
    )


def _details(info: SeriesInfo) -> SeriesDetails:
    return SeriesDetails(
        series=Series(
            symbol=info.instrument,
            timeframe=step_name(info.step_ns),
            candles=info.rows,
            first=instant(info.first),
            last=instant(info.last),
            gaps=len(info.gaps),
            missing=info.missing,
            conflicts=info.conflicts,
            quarantined=sum(info.quarantined.values()),
            sources=len(info.sources),
            digest=info.digest,
        ),
        gaps=tuple(
            CandleGap(start=instant(gap.start), end=instant(gap.end), missing=gap.missing)
            for gap in info.gaps[:_SHOWN]
        ),
        concerns=Checked(info, ()).concerns,
        files=tuple(source.name for source in info.sources),
    )
