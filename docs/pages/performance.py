"""``performance.md``: every figure of a backtest's report, from the declarations that print it."""

from typing import Final

from botcore.backtest.reporting import CATALOGUE, EQUITY, GROUPS, PAGE, REPORT, TRADES
from botcore.backtest.reporting.document import SCHEMA_VERSION
from botcore.backtest.reporting.trades_csv import HEADER

_HEAD: Final = """\
# Figures of a report

Written from the declarations by `python docs/generate.py`; a test keeps it so. How to use them:
[read a report](../how-to/read-a-report.md).

All are made of equity marked to market, open positions included; none is made of closed trades
alone unless it stands under *Round trips*. Daily figures are sampled at 00:00 UTC: a bar that
closes at midnight belongs to the day that ends there, a day without bars returns nothing, and a
part of a day at either end of the run counts as a day. A year has 365 days. Returns are simple, and
the riskless return is 0. What cannot be known, such as a ratio without variance, is a dash here and
null in the file, never infinity; a profit factor without a loss is ∞ and null.

*Buy and hold* is the opening cash in equal parts, one for each instrument, spent at its first open
of the run with the taker's fee, marked at each close and never sold.
"""

_FILES: Final = f"""
## The files

| file | what is in it |
|---|---|
| `{PAGE}` | everything for people: one file that opens from anywhere and asks nobody for anything |
| `{REPORT}` | everything for programs, `schema_version` {SCHEMA_VERSION}: numbers are numbers, \
money is a decimal string, an instant is ISO 8601 in UTC, a length of time is seconds, \
the unknown is null; fields are added, never renamed or removed, within a version |
| `{TRADES}` | a line for each round trip, those that are still open last |
| `{EQUITY}` | the curve of every bar, for numpy: `ts` (nanoseconds UTC), `equity`, `buy_and_hold` |

`{REPORT}` names the digests of `{TRADES}` and `{EQUITY}` and carries its own: a report that was
changed after it was written is refused.

In `{REPORT}`: `metrics` (by the keys above, each with `value`, `text` and the same of buying and
holding), `strategies`, `instruments`, `exits` and `sides`, `periods` (`day`, `week`, `month`,
`year`, `weekday`), `drawdowns`, `days` (equity at the end of each day), `holes`, `ambiguous`,
`denied`, `ended`, `warnings`, `assumptions`, `fingerprint` and `inputs_digest`.

`{TRADES}` has the columns {", ".join(f"`{name}`" for name in HEADER)}.
`adverse_frac` and `favourable_frac` are how far the price went against the trade and for it, of
whole bars, so at most so far. A text that a spreadsheet would take for a formula begins with an
apostrophe.
"""


def page() -> str:
    """Return the page."""
    lines = [_HEAD]
    for group in GROUPS:
        lines.append(f"\n## {group}\n\n| figure | key | what it says | ask yourself | formula |\n")
        lines.append("|---|---|---|---|---|\n")
        lines += [
            f"| {each.name} | `{each.key}` | {each.explanation} | {each.question}"
            f" | {each.source.replace('|', chr(92) + '|')} |\n"
            for each in CATALOGUE
            if each.group == group
        ]
    return "".join((*lines, _FILES))
