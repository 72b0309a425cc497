"""What a strategy did that it may not do; the engine quarantines it."""

import math

from botcore.domain.errors import BotError


class StrategyFault(BotError):  # noqa: N818  # the fault is the strategy's, not the platform's
    """A strategy raised, or returned what is no target; it is not asked again until a person says.

    Nothing of the failed call is used: no order comes of it.
    """

    @classmethod
    def raised(cls, strategy: str, error: BaseException) -> "StrategyFault":
        """Say that a callback of `strategy` raised `error`."""
        return cls(
            code="STRATEGY_RAISED",
            cause=f"strategy {strategy} raised {type(error).__name__}: {error}",
            fix="read the stack in the log, mend the strategy, restart, then resume it",
        )

    @classmethod
    def weight(cls, strategy: str, weight: float, code: float) -> "StrategyFault":
        """Say that `decide` returned a weight that is none, with the reason code it gave."""
        if math.isnan(weight):
            return cls(
                code="STRATEGY_WEIGHT_NAN",
                cause=f"strategy {strategy} returned NaN with reason code {code:g},"
                " which does not say that it has no view",
                fix="return a weight from -1 to 1, or NO_VIEW with a code listed in `no_view`",
            )
        return cls(
            code="STRATEGY_WEIGHT_OUT_OF_RANGE",
            cause=f"strategy {strategy} returned the weight {weight:g}, outside -1 to 1",
            fix="return a share of the strategy's budget from -1 to 1",
        )

    @classmethod
    def flooded(cls, strategy: str, intents: int, limit: int) -> "StrategyFault":
        """Say that one callback returned more intents than are allowed."""
        return cls(
            code="STRATEGY_FLOODED",
            cause=f"strategy {strategy} returned {intents} intents at once, more than {limit}",
            fix="return fewer intents a callback",
        )
