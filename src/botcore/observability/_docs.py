"""The reference page of the metrics, written from the catalogue.

``python -m botcore.observability._docs > docs/reference/metrics.md`` renews it.
"""

import sys
from typing import Final

from botcore.observability.catalogue import CATALOGUE

_HEAD: Final = """\
# Metrics

Written from the catalogue by `python -m botcore.observability._docs`; a test keeps it so.

`/metrics` shows exactly these in Prometheus' text format, and on Linux the `process_*` of the
Prometheus client (memory, processor time and open files of the process that serves the page).
Figures of an account are as old as `botcore_view_age_seconds` says: alert on that one too.
`account`, `strategy` and `limit` are configured names; `mode`, `state`, `stream`, `route`,
`method` and `code_class` are closed sets.

| metric | kind | labels | what it says |
|---|---|---|---|
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(
        f"| `{spec.full_name}` | {spec.kind} | {', '.join(spec.labels) or '–'} | {spec.help} |\n"
        for spec in CATALOGUE
    )


if __name__ == "__main__":
    sys.stdout.write(reference_page())
