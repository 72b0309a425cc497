"""What a run found, in; figures, ``report.json``, ``trades.csv`` and a page out; and back again."""

from botcore.backtest.reporting.catalogue import CATALOGUE, GROUPS, Metric
from botcore.backtest.reporting.comparing import compare
from botcore.backtest.reporting.curves import Curve, Marks
from botcore.backtest.reporting.document import SCHEMA_VERSION, StoredMetric, StoredReport
from botcore.backtest.reporting.files import (
    EQUITY,
    PAGE,
    REPORT,
    TRADES,
    load_equity,
    load_report,
    write_report,
)
from botcore.backtest.reporting.record import Activity, AmbiguousFill
from botcore.backtest.reporting.result import BacktestReport
from botcore.backtest.reporting.trips import Line, Motive, RoundTrip

__all__ = [
    "CATALOGUE",
    "EQUITY",
    "GROUPS",
    "PAGE",
    "REPORT",
    "SCHEMA_VERSION",
    "TRADES",
    "Activity",
    "AmbiguousFill",
    "BacktestReport",
    "Curve",
    "Line",
    "Marks",
    "Metric",
    "Motive",
    "RoundTrip",
    "StoredMetric",
    "StoredReport",
    "compare",
    "load_equity",
    "load_report",
    "write_report",
]
