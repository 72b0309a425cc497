"""Protections as a person writes them: a table of each, in minutes or in bars."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import ErrorDetails

from botcore.domain.ids import MINUTE_NS
from botcore.domain.parameters import did_you_mean
from botcore.risk import (
    CoolDown,
    Counted,
    DrawdownGuard,
    LowProfit,
    Protection,
    Scope,
    StopLossGuard,
)

_MINUTES: Final = Field(gt=0, le=366 * 24 * 60)
_BARS: Final = Field(ge=1, le=1_000_000)


class _Locking(BaseModel):
    """What all of them have: how long they lock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lock_minutes: Annotated[float, _MINUTES] | None = None
    lock_bars: Annotated[int, _BARS] | None = None

    @model_validator(mode="after")
    def _is_said_once(self) -> Self:
        for what in ("lock", "lookback"):
            given = [getattr(self, f"{what}_{unit}", None) for unit in ("minutes", "bars")]
            if None not in given:
                raise ValueError(f"give {what}_minutes or {what}_bars, not both")
        return self


class _LookingBack(_Locking):
    """What those that look back have besides."""

    lookback_minutes: Annotated[float, _MINUTES] | None = None
    lookback_bars: Annotated[int, _BARS] | None = None


class CoolDownSettings(_Locking):
    """Nothing is opened again for a time after a position was closed."""

    kind: Literal["cool-down"]
    scope: Literal[Scope.LINE, Scope.INSTRUMENT] = Field(
        Scope.LINE, description="`strategy-instrument`, or `instrument` for every strategy on it"
    )


class StopLossGuardSettings(_LookingBack):
    """Nothing is opened for a time after several losing exits."""

    kind: Literal["stop-loss-guard"]
    exits: int = Field(3, ge=1, le=1_000, description="so many within the look-back lock")
    scope: Scope = Field(
        Scope.ACCOUNT,
        description="what is counted and locked together: `account`, `strategy`, `instrument`,"
        " `strategy-instrument`",
    )
    counts: Counted = Field(
        Counted.STOPS, description="`stops`: losing exits by a stop order; `losses`: every one"
    )


class LowProfitSettings(_LookingBack):
    """Nothing is opened for a time on an instrument that earned too little."""

    kind: Literal["low-profit"]
    trades: int = Field(
        4, ge=1, le=1_000, description="closed within the look-back, before it says anything"
    )
    profit_frac_min: float = Field(
        0.0, ge=-10, le=10, description="profit after fees over what the entries cost; below locks"
    )
    scope: Literal[Scope.INSTRUMENT, Scope.LINE] = Field(
        Scope.INSTRUMENT, description="`instrument`, or `strategy-instrument` for each strategy"
    )


class DrawdownSettings(_LookingBack):
    """Nothing is opened on the account for a time after its equity fell too far."""

    kind: Literal["drawdown"]
    drawdown_frac: float = Field(
        0.10, gt=0, lt=1, description="fall from the highest equity in the look-back that locks"
    )
    trades: int = Field(
        1, ge=0, le=1_000, description="closed within the look-back, before it says anything"
    )


ProtectionSettings = Annotated[
    CoolDownSettings | StopLossGuardSettings | LowProfitSettings | DrawdownSettings,
    Field(discriminator="kind"),
]
MODELS: Final[Mapping[str, type[_Locking]]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model
    for model in (CoolDownSettings, StopLossGuardSettings, LowProfitSettings, DrawdownSettings)
}
"""Kind → what may be said of it."""
RULES: Final[Mapping[str, type[Protection]]] = {
    rule.kind: rule for rule in (CoolDown, StopLossGuard, LowProfit, DrawdownGuard)
}
"""Kind → the rule with its defaults."""


def protections_of(
    tables: Mapping[str, ProtectionSettings], *, step_ns: int
) -> tuple[Protection, ...]:
    """Return the protections that the settings name, in their order.

    Args:
        tables: name → what is said of it; what is not takes the rule's own default.
        step_ns: length of a bar, for what is given in bars.

    Raises:
        ConfigError: a name is no slug, or a time in bars is out of bounds.
    """
    return tuple(_rule(name, table, step_ns) for name, table in tables.items())


def fix_of(error: ErrorDetails) -> str | None:
    """Return how to mend what was refused in a protection's table; None where it says enough."""
    where, kind = error["loc"], error["type"]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        given = error["input"].get("kind", "") if isinstance(error["input"], dict) else ""
        return f"give its kind; {did_you_mean(str(given), list(MODELS))}"
    if kind == "extra_forbidden" and len(where) > 1 and where[-2] in MODELS:
        return did_you_mean(str(where[-1]), list(MODELS[str(where[-2])].model_fields))
    return None


def _rule(name: str, table: _Locking, step_ns: int) -> Protection:
    said = table.model_dump(exclude_none=True)
    kind = said.pop("kind")
    for what in ("lock", "lookback"):
        minutes, bars = said.pop(f"{what}_minutes", None), said.pop(f"{what}_bars", None)
        if minutes is not None:
            said[f"{what}_ns"] = round(minutes * MINUTE_NS)
        elif bars is not None:
            said[f"{what}_ns"] = bars * step_ns
    return RULES[kind](name=name, **said)
