"""Candles that come in meet those that are there: union by stamp, and a count of what differs."""

from enum import StrEnum

import msgspec
import numpy as np

from botcore.marketdata.candles import FIELDS, Candles


class OnConflict(StrEnum):
    """Which of two different candles of one stamp stays."""

    KEEP = "KEEP"
    REPLACE = "REPLACE"


class Merged(msgspec.Struct, frozen=True):
    """All candles, ascending, and how the new ones compared with the old.

    Attributes:
        candles: the union.
        added: new stamps.
        same: stamps that were there with the same values.
        conflicts: stamps that were there with other values.
    """

    candles: Candles
    added: int
    same: int
    conflicts: int


def merge(old: Candles, new: Candles, on_conflict: OnConflict) -> Merged:
    """Merge two ascending runs of candles of one series."""
    if len(old) == 0:
        return Merged(new, len(new), 0, 0)
    at = np.searchsorted(old.ts_open, new.ts_open)
    known = (at < len(old)) & (old.ts_open[np.minimum(at, len(old) - 1)] == new.ts_open)
    here = at[known]
    differs = np.zeros(len(here), bool)
    for name in FIELDS:
        differs |= old.columns[name][here] != new.columns[name][known]
    columns = {name: old.columns[name] for name in FIELDS}
    if on_conflict is OnConflict.REPLACE and differs.any():
        for name in FIELDS:
            columns[name] = columns[name].copy()
            columns[name][here] = new.columns[name][known]
    stamps = np.concatenate((old.ts_open, new.ts_open[~known]))
    order = np.argsort(stamps, kind="stable")
    joined = {
        name: np.concatenate((columns[name], new.columns[name][~known]))[order] for name in FIELDS
    }
    conflicts = int(np.count_nonzero(differs))
    return Merged(
        candles=Candles(old.instrument, old.step_ns, stamps[order], joined),
        added=int(np.count_nonzero(~known)),
        same=len(here) - conflicts,
        conflicts=conflicts,
    )
