"""Several reports side by side."""

from collections.abc import Sequence

from botcore.backtest.reporting.catalogue import CATALOGUE
from botcore.backtest.reporting.document import StoredReport
from botcore.backtest.reporting.wording import UNKNOWN

Row = tuple[str, ...]
"""A name, and what each report says."""


def compare(reports: Sequence[StoredReport]) -> tuple[Row, ...]:
    """Return what reports say, a row each: what was run, every figure, differing assumptions.

    Assumptions that all share are left out. The last rows tell whether data, settings and code
    (``inputs``) and the result (``fingerprint``) are the same.
    """
    found: list[Row] = [
        ("what", *(each.title for each in reports)),
        ("from", *(each.start for each in reports)),
        ("to", *(each.end for each in reports)),
    ]
    for metric in CATALOGUE:
        texts = [_text(each, metric.key) for each in reports]
        if any(text != UNKNOWN for text in texts):
            found.append((metric.name, *texts))
    found += _differing(reports)
    found.append(("inputs", *(each.inputs_digest[:12] for each in reports)))
    found.append(("fingerprint", *(each.fingerprint[:12] for each in reports)))
    return tuple(found)


def _text(report: StoredReport, key: str) -> str:
    metric = report.metric(key)
    return UNKNOWN if metric is None else metric.text


def _differing(reports: Sequence[StoredReport]) -> list[Row]:
    said = [_joined(each.assumptions) for each in reports]
    names = dict.fromkeys(name for each in said for name in each)
    rows = [(name, *(each.get(name, UNKNOWN) for each in said)) for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def _joined(assumptions: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return assumptions by name; those that share one, such as the phases, as one text."""
    found: dict[str, str] = {}
    for name, value in assumptions:
        found[name] = f"{found[name]}; {value}" if name in found else value
    return found
