"""The reference page of the metrics, written from the catalogue.

``python -m botcore.observability._docs > docs/reference/metrics.md`` renews it.
"""

import sys
from typing import Final

from botcore.observability.catalogue import CATALOGUE, CLIENTS, NOT_YET, Component, MetricSpec

_HEAD: Final = """\
# Metrics

Written from the catalogue by `python -m botcore.observability._docs`; a test keeps it so.

`/metrics` shows exactly these in Prometheus' text format; a metric that nothing fed yet has its
name and no figure. `GET /api/v1/monitoring/metrics` shows the same as JSON, by component and with
units. Both need the scope `read:metrics`; `metrics_port` serves the page on a port of its own.
Figures of an account are as old as `botcore_view_age_seconds` says: alert on that one too. What is
counted from facts and calls is counted since the api process started.

A mode is `starting` until the account's orders are known to be as the venue has them; there is no
`standby`. `account`, `strategy`, `kind` and `limit` are configured names; `symbol` is capped at 200
values, what comes behind them is `other`; all other labels are closed sets. No label holds a user's
text, an order's id or a client's. [Alerts](../runbooks/alerts.md) ship with them; rules for
Prometheus and boards for Grafana are in `deploy`.

"""
_TABLE: Final = """\
| metric | kind | labels | unit | what it says |
|---|---|---|---|---|
"""
_NOT_YET: Final = """\
## Not measured yet

| name | why |
|---|---|
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for component in Component:
        rows = [_row(spec) for spec in (*CATALOGUE, *CLIENTS) if spec.component is component]
        parts += [f"## {component.value}\n\n", _TABLE, *rows, "\n"]
    parts.append(_NOT_YET)
    for names, why in NOT_YET:
        parts.append(f"| {', '.join(f'`{name}`' for name in names)} | {why} |\n")
    return "".join(parts).rstrip("\n") + "\n"


def _row(spec: MetricSpec) -> str:
    labels = ", ".join(spec.labels) or "–"
    return f"| `{spec.full_name}` | {spec.kind} | {labels} | {spec.unit} | {spec.help} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference_page())
