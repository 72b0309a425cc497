"""Which column of a file is what: by its header, by its place, or as a person says."""

from typing import Final

import msgspec
import numpy as np

from botcore.domain.errors import ConfigError, DataError
from botcore.marketdata.candles import FIELDS
from botcore.storage.lake.tables import Table

STAMP: Final = "ts"
CLOSE_STAMP: Final = "ts_close"
ARCHIVE_WIDTH: Final = 12
"""Columns of an exchange's kline archive: open time, OHLCV, close time, and five more."""
_SYNONYMS: Final = {
    STAMP: (
        *("open_time", "opentime", "open time", "ts_open", "timestamp", "unix", "ts"),
        *("time", "date", "datetime"),
    ),
    CLOSE_STAMP: ("close_time", "closetime", "close time", "ts_close"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v", "vol"),
}
_ROWS_AGREE: Final = 0.99
_WIDTHS: Final = (6, 12)


class Roles(msgspec.Struct, frozen=True):
    """Positions of the columns that matter.

    Attributes:
        stamp: of the stamp.
        fields: of open, high, low, close, volume.
        close_stamp: of the stamp of the close; None where there is none.
        how: how it is known, for people.
        is_archive: it has the columns of an exchange's own kline archive.
    """

    stamp: int
    fields: tuple[int, ...]
    close_stamp: int | None
    how: str
    is_archive: bool = False

    @property
    def places(self) -> tuple[int, ...]:
        """The columns that matter."""
        close = () if self.close_stamp is None else (self.close_stamp,)
        return (self.stamp, *self.fields, *close)

    def described(self) -> str:
        """Return the columns in the order of the file, for people."""
        places = {self.stamp: STAMP, **dict(zip(self.fields, FIELDS, strict=True))}
        if self.close_stamp is not None:
            places[self.close_stamp] = CLOSE_STAMP
        return ", ".join(f"{place + 1} {name}" for place, name in sorted(places.items()))


def find_roles(table: Table, given: str | None, *, name: str) -> Roles:
    """Return which column is what.

    Args:
        table: the file.
        given: what a person says: ``ts,open,high,low,close,volume`` in the order of the columns,
            with anything else for a column that does not matter; None leaves it to the file.
        name: of the file, for the error.

    Raises:
        ConfigError: what was given does not fit.
        DataError: it cannot be told.
    """
    if given is not None:
        found = _from_words([word.strip().lower() for word in given.split(",")], "given")
        if found is None or max(found.fields, default=0) >= len(table.columns):
            raise ConfigError(
                code="COLUMNS_REFUSED",
                cause=f"columns {given!r} do not name {STAMP}, {', '.join(FIELDS)} once each, "
                f"within the {len(table.columns)} columns of {name}",
                fix=f'write for example --columns "{STAMP},open,high,low,close,volume"',
            )
        return found
    found = _from_places(table) if table.names is None else _from_header(table)
    if found is None:
        raise _untold(table, name)
    return found


def _from_header(table: Table) -> Roles | None:
    names = table.names or ()
    places: dict[str, int] = {}
    for role, words in _SYNONYMS.items():
        found = [names.index(word) for word in words if word in names]
        if role == STAMP:  # numbers before text: they cannot be in another zone
            found.sort(key=lambda place: table.columns[place].numbers is None)
        if found:
            if names.count(names[found[0]]) > 1:
                return None  # which of the two it is, a person has to say
            places[role] = found[0]
    if not {STAMP, *FIELDS} <= set(places):
        return None
    return Roles(
        places[STAMP],
        tuple(places[field] for field in FIELDS),
        places.get(CLOSE_STAMP),
        "the file's header",
        is_archive=len(names) == ARCHIVE_WIDTH and CLOSE_STAMP in places,
    )


def _from_words(words: list[str], how: str) -> Roles | None:
    if any(words.count(role) != 1 for role in (STAMP, *FIELDS)):
        return None
    return Roles(
        words.index(STAMP),
        tuple(words.index(field) for field in FIELDS),
        words.index(CLOSE_STAMP) if CLOSE_STAMP in words else None,
        how,
    )


def _from_places(table: Table) -> Roles | None:
    """Take the usual order where the prices agree with it in nearly every row."""
    width = len(table.columns)
    if width not in _WIDTHS or not table.columns[0].has_stamps:
        return None
    prices = [table.columns[place].numbers for place in range(1, 6)]
    if any(column is None for column in prices):
        return None
    opened, high, low, close, _ = (column for column in prices if column is not None)
    agrees = (np.fmax(opened, close) <= high) & (np.fmin(opened, close) >= low)
    if np.count_nonzero(agrees) < _ROWS_AGREE * np.count_nonzero(~np.isnan(opened)):
        return None
    if width == ARCHIVE_WIDTH:
        how = "the twelve columns of an exchange's archive"
        return Roles(0, (1, 2, 3, 4, 5), 6, how, is_archive=True)
    return Roles(0, (1, 2, 3, 4, 5), None, "the usual order, and highs and lows agree with it")


def _untold(table: Table, name: str) -> DataError:
    seen = ", ".join(table.names) if table.names else f"{len(table.columns)} without a header"
    return DataError(
        code="COLUMNS_UNKNOWN",
        cause=f"it cannot be told which columns of {name} are the candle's ({seen})",
        fix='say it in the order of the file: --columns "ts,open,high,low,close,volume", with '
        "another word for a column that does not matter",
    )
