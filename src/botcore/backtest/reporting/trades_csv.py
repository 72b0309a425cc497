"""``trades.csv``: every round trip, for spreadsheets and other programs."""

import csv
import io
import math
from typing import Final

from botcore.backtest.reporting.analysis import Analysis
from botcore.backtest.reporting.trips import RoundTrip
from botcore.backtest.reporting.wording import exact, money, stamp
from botcore.domain.ids import SECOND_NS

HEADER: Final = (
    "number",
    "strategy",
    "instrument",
    "side",
    "state",
    "opened",
    "closed",
    "held_s",
    "quantity",
    "entry_price",
    "exit_price",
    "stake",
    "received",
    "fees",
    "profit",
    "return_frac",
    "adverse_frac",
    "favourable_frac",
    "fills",
    "ambiguous",
    "entry_reason",
    "exit_reason",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def trades_csv(analysis: Analysis) -> str:
    """Return the file: a header, then a line for each round trip, open ones last.

    Stamps are ISO 8601 in UTC, amounts in the account's currency, fractions of the stake or of the
    entry price; what is not known is empty. A text that a spreadsheet would take for a formula
    begins with an apostrophe.
    """
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(HEADER)
    found = zip(
        analysis.trips,
        analysis.reasons,
        analysis.excursions.adverse.tolist(),
        analysis.excursions.favourable.tolist(),
        strict=True,
    )
    for number, (trip, reasons, adverse, favourable) in enumerate(found, 1):
        write.writerow((number, *_row(trip, reasons, adverse, favourable)))
    return out.getvalue()


def inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Source: OWASP, "CSV Injection".
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _row(
    trip: RoundTrip, reasons: tuple[str, str], adverse: float, favourable: float
) -> tuple[object, ...]:
    return (
        inert(trip.strategy),
        inert(trip.instrument),
        trip.side,
        "open" if trip.is_open else "closed",
        stamp(trip.opened),
        "" if trip.is_open else stamp(trip.closed),
        _seconds(trip.duration_ns),
        exact(trip.quantity),
        _price(trip.entry_price),
        _price(trip.exit_price),
        exact(trip.stake),
        exact(trip.received),
        exact(trip.fees),
        "" if math.isnan(trip.profit) else money(trip.profit),
        _fraction(trip.return_frac),
        _fraction(adverse),
        _fraction(favourable),
        trip.fills,
        "yes" if trip.is_ambiguous else "no",
        inert(reasons[0]),
        inert(reasons[1]),
    )


def _seconds(length_ns: int) -> str:
    return f"{length_ns / SECOND_NS:.9f}".rstrip("0").rstrip(".")


def _price(price: float) -> str:
    return f"{price:.12g}" if price else ""


def _fraction(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.8f}"
