"""The reference page of the indicators, written from the registry.

``python -m botcore.indicators._docs > docs/reference/indicators.md`` renews it.
"""

import sys

from botcore.indicators.registry import INDICATORS
from botcore.indicators.spec import IndicatorSpec

_HEAD = """\
# Indicators

Written from the registry by `python -m botcore.indicators._docs`; a test keeps it so.

An indicator is its step: one function that takes one closed bar. Streaming gives `None` and the
array form NaN on the same bars, those before the first value; from there on both give the same
bits. `settled(1e-9)` is the number of bars a fresh start needs until its value differs from the
one of an infinite history by less than 1e-9, relative. Inputs are finite: gaps are cut before,
never passed.
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(_section(spec) for spec in INDICATORS.values())])


def _section(spec: IndicatorSpec) -> str:
    settled = spec.settled(1e-9)
    parameters = ", ".join(f"`{name}` = {value}" for name, value in spec.parameters.items())
    return f"""\
## {spec.name}

{spec.formula}.

| | |
|---|---|
| inputs | {", ".join(spec.inputs)} |
| outputs | {", ".join(spec.outputs)} |
| parameters | {parameters or "none"} |
| first value at bar (from 0, default parameters) | {spec.first_valid()} |
| settled(1e-9), default parameters | {"never" if settled is None else f"{settled} bars"} |

{spec.note}

Source: {spec.source}
"""


if __name__ == "__main__":
    sys.stdout.write(reference_page())
