"""Why an order was placed, in words, and as a kind that trades can be grouped by."""

import re
from collections.abc import Mapping
from typing import Final

from botcore.backtest.reporting.trips import Motive
from botcore.strategies import StrategyClass, render_reason

NO_REASON_GIVEN: Final = "no reason given"
STILL_OPEN: Final = "still open"
OPERAND: Final = re.compile(r"\{[^{}]*\}")


class Motives:
    """Words for motives.

    Args:
        strategies: configured name → class; may lack some.
    """

    def __init__(self, strategies: Mapping[str, StrategyClass]) -> None:
        self._strategies = strategies

    def sentence(self, strategy: str, motive: Motive) -> str:
        """Return why, with the numbers that it was decided on."""
        found = self._strategies.get(strategy)
        if found is None or not _speaks(motive):
            return self.kind(strategy, motive)
        return render_reason(found, motive.reason.code, motive.reason.operands)  # type: ignore[arg-type]  # an event strategy declares reasons as well

    def kind(self, strategy: str, motive: Motive) -> str:
        """Return why without its numbers: equal for trades that ended for one reason."""
        if motive.is_attached:
            return motive.order
        found = self._strategies.get(strategy)
        if found is not None and _speaks(motive) and 0 <= motive.reason.code < len(found.reasons):
            return OPERAND.sub("…", found.reasons[motive.reason.code])
        return motive.order or NO_REASON_GIVEN


def _speaks(motive: Motive) -> bool:
    """Whether a strategy said why, and not the order itself says it or nobody."""
    reason = motive.reason
    return not motive.is_attached and bool(reason.code or reason.operands)
