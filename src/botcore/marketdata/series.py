"""What the lake knows about a series without reading its candles."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from botcore.domain.ids import InstrumentId
from botcore.marketdata.quality import Gap, Quality


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was imported into a series, and what became of its rows.

    Attributes:
        name: of the file, without folders; ``archive.zip/inner.csv`` inside an archive.
        sha256: of the file's bytes.
        rows: candles of it that were stored, or were stored already with the same values.
        duplicates: rows that repeated a stamp of the same file with the same values.
        conflicts: rows whose stamp was stored already with other values.
        unfinished: last candles that were still forming, dropped.
        quarantined: reason → rows set aside.
    """

    name: str
    sha256: str
    rows: int
    duplicates: int = 0
    conflicts: int = 0
    unfinished: int = 0
    quarantined: Mapping[str, int] = {}


class SeriesInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Candles of one instrument and timeframe in the lake; stamps are nanoseconds UTC.

    Attributes:
        instrument: whose.
        step_ns: length of a candle.
        rows: how many are stored.
        first, last: open stamps of the oldest and the newest.
        gaps: stretches without candles inside, oldest first.
        digest: SHA-256 over all columns; equal digests are equal candles.
        sources: what was imported, oldest import first.
        quality: what was found odd when it was last assessed; None when candles came in since.
    """

    instrument: InstrumentId
    step_ns: int
    rows: int
    first: int
    last: int
    gaps: tuple[Gap, ...]
    digest: str
    sources: tuple[SourceFile, ...] = ()
    quality: Quality | None = None

    @property
    def end(self) -> int:
        """Close of the newest candle."""
        return self.last + self.step_ns

    @property
    def missing(self) -> int:
        """Candles that the gaps lack."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def duplicates(self) -> int:
        """Rows that repeated a stamp with the same values, over all imports."""
        return sum(source.duplicates for source in self.sources)

    @property
    def conflicts(self) -> int:
        """Rows that said other values for a stamp than what was stored, over all imports."""
        return sum(source.conflicts for source in self.sources)

    @property
    def quarantined(self) -> Mapping[str, int]:
        """Reason → rows set aside, over all imports."""
        counts: Counter[str] = Counter()
        for source in self.sources:
            counts.update(source.quarantined)
        return dict(sorted(counts.items()))

    def gaps_within(self, start: int | None, end: int | None) -> tuple[Gap, ...]:
        """Return the gaps that touch ``[start, end)``, whole; None is no bound."""
        return tuple(
            gap
            for gap in self.gaps
            if (end is None or gap.start < end) and (start is None or gap.end > start)
        )
