"""The reference page of the strategies, written from their declarations.

``python -m botcore.strategies._docs > docs/reference/strategies.md`` renews it.
"""

import sys

from botcore.domain.parameters import Parameter
from botcore.strategies.kinds import StrategyClass
from botcore.strategies.library import LIBRARY
from botcore.strategies.runner import SignalRunner
from botcore.strategies.signal import SignalStrategy

_EVENTS = "An event strategy: it places orders of its own, by what it holds and what rests of it."
_HEAD = """\
# Strategies

Written from the declarations by `python -m botcore.strategies._docs`; a test keeps it so.

A signal strategy states the exposure it wants on each closed bar: 1 is long with the whole of its
budget on that instrument, 0 is flat. It sends no order; risk sizes what it wants and may refuse. A
refused order is wanted again on the next bar. None of the rules below claims to earn anything.

The views change only on evidence beyond the declared no-trade band, in hundredths of a per cent
(bps) of the price: a round trip costs about 24 bps at the default fee and slippage, so smaller
moves are not worth a trade, at any length of bar. A band of 0 gives the textbook rule. Evidence
inside the band keeps the last view, and a view that the position does not have yet is wanted on
every bar. Before its first signal a strategy has no view and leaves the position alone.

Every decision carries a reason: a code and the numbers that its sentence quotes.
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(_section(each) for each in LIBRARY.values())])


def _section(strategy: StrategyClass) -> str:
    reads = _reads(strategy) if issubclass(strategy, SignalStrategy) else _EVENTS
    parameters = "\n".join(_parameter(each) for each in strategy.parameters)
    reasons = "\n".join(f"| {code} | {text} |" for code, text in enumerate(strategy.reasons))
    return f"""\
## {strategy.name}

{strategy.summary} Version {strategy.version}.

{reads}

| parameter | type | default | from | to | unit | |
|---|---|---|---|---|---|---|
{parameters}

| code | reason |
|---|---|
{reasons}
"""


def _reads(strategy: type[SignalStrategy]) -> str:
    runner = SignalRunner(strategy, {})
    features = strategy.features(runner.parameters)
    reads = ", ".join(
        f"{each.indicator}({', '.join(f'{k}={v}' for k, v in each.parameters.items())})"
        for each in features
    )
    return (
        f"Reads {reads}. First decision on bar {runner.bars_to_come} of its history; features"
        f" agree with an\ninfinite history to 1e-6 after {runner.settled(1e-6)} bars"
        " (default parameters)."
    )


def _parameter(each: Parameter) -> str:
    return (
        f"| `{each.name}` | {each.kind} | {each.default:g} | {each.low:g} | {each.high:g} "
        f"| {each.unit} | {each.help} |"
    )


if __name__ == "__main__":
    sys.stdout.write(reference_page())
