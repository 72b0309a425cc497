"""The two parts of the README that are not written by hand: a real report, and the example."""

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
    """Return what the command prints, but for how long it took."""
    from botcore.app import backtesting  # noqa: PLC0415  # heavy, and needed here only

    found = backtesting.run(
        strategy="ema-cross",
        market="demo",
        bars=100_000,
        seed=1,
        step_ns=60 * 10**9,
        instruments=None,
        parameters={},
        cash="10000",
        progress=lambda _done, _total: None,
    )
    rows = [row for row in found.rows() if row[0] != "time"]
    width = max(len(name) for name, _ in rows)
    lines = [found.title, found.warning, ""]
    lines += [f"  {name:<{width}}  {value}" for name, value in rows]
    return "\n".join(lines) + "\n"
