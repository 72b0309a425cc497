"""The two parts of the README that are not written by hand: a real report, and the example."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from docs.pages.source import ROOT

COMMAND: Final = "./bot backtest ema-cross --market demo --bars 100000"
_BEGIN: Final = "<!-- backtest: written by python docs/generate.py -->\n"
_END: Final = "<!-- /backtest -->\n"
_OUT: Final = "```text\n"


def page() -> str:
    """Return the README with the report that the command prints now, and the example as it is."""
    text = (ROOT / "README.md").read_text("utf-8")
    head, rest = text.split(_BEGIN)
    tail = rest.split(_END)[1]
    before, after = tail.split("```python\n")
    behind = after.split("```\n", 1)[1]
    example = (ROOT / "docs" / "examples" / "own_strategy.py").read_text("utf-8")
    return (
        f"{head}{_BEGIN}```sh\n{COMMAND}\n```\n\n{_OUT}{_report()}```\n{_END}"
        f"{before}```python\n{example}```\n{behind}"
    )


def _report() -> str:
    """Return what the command prints, but for how long it took and where it lies."""
    from botcore.app import backtesting  # noqa: PLC0415  # heavy, and needed here only

    with TemporaryDirectory() as home:
        found = backtesting.run(
            overrides={"home": Path(home)},
            strategies=("ema-cross",),
            instruments=(),
            step_ns=60 * 10**9,
            start=None,
            end=None,
            bars=100_000,
            seed=1,
            parameters={},
            cash="10000",
            equity_frac=0.10,
            fee_bps=10.0,
            slippage_bps=2.0,
            allow_gaps=False,
            progress=lambda _done, _total: None,
        ).report
    rows = found.rows()
    width = max(len(name) for name, _ in rows)
    lines = [found.title, f"{found.start} – {found.end}", *found.warnings, ""]
    lines += [f"  {name:<{width}}  {value}" for name, value in rows]
    return "\n".join(lines) + "\n"
