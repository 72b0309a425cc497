"""Alert rules against what is: pure. A rule fires when its condition begins to hold."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

import msgspec

from botcore.control.schema.alerts import AlertKind, Condition, RuleState
from botcore.domain.modes import Mode


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it is kept; instants are nanoseconds since 1970, 0 for never.

    Attributes:
        owner: id of the user who is told.
        is_above: where the value was last seen, by the level; None before the first time.
    """

    id: str
    owner: str
    kind: AlertKind
    condition: Condition
    level: Decimal | None
    symbol: str = ""
    mode: str = ""
    note: str = ""
    repeats: bool = False
    state: RuleState = RuleState.WATCHING
    created_at: int = 0
    expires_at: int = 0
    fired_at: int = 0
    fired_count: int = 0
    is_above: bool | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to watch at one instant; a value that is not known is absent or None.

    Attributes:
        prices: symbol → last price, quote units.
        exposures: symbol → worst-case exposure as a fraction of equity; ``""`` is the account's.
        drawdown, daily_loss: fractions.
        staleness_s: age of the newest price.
        mode: of the account.
    """

    prices: Mapping[str, float]
    exposures: Mapping[str, float]
    drawdown: float | None = None
    daily_loss: float | None = None
    staleness_s: float | None = None
    mode: Mode | None = None


class Outcome(Enum):
    """What became of a rule."""

    NOTHING = "nothing"
    FIRED = "fired"
    EXPIRED = "expired"


def look(rule: Rule, seen: Seen, *, now: int) -> tuple[Rule, Outcome]:
    """Return a rule after it has looked at what is, and whether it fired.

    ``above`` and ``below`` fire when the condition begins to hold, also when it holds at the first
    look; ``crosses`` fires when the side changes, and never at the first look. A value that is not
    known changes nothing. The level itself counts as reached: at or above, at or below.
    """
    if rule.state is not RuleState.WATCHING:
        return rule, Outcome.NOTHING
    if rule.expires_at and now >= rule.expires_at:
        return msgspec.structs.replace(rule, state=RuleState.EXPIRED), Outcome.EXPIRED
    is_above = _is_above(rule, seen)
    if is_above is None:
        return rule, Outcome.NOTHING
    before, rule = rule.is_above, msgspec.structs.replace(rule, is_above=is_above)
    match rule.condition:
        case Condition.CROSSES:
            fires = before is not None and before is not is_above
        case Condition.ABOVE:
            fires = is_above and before is not True
        case Condition.BELOW:
            fires = not is_above and before is not False
    if not fires:
        return rule, Outcome.NOTHING
    return (
        msgspec.structs.replace(
            rule,
            state=RuleState.WATCHING if rule.repeats else RuleState.FIRED,
            fired_at=now,
            fired_count=rule.fired_count + 1,
        ),
        Outcome.FIRED,
    )


def words(rule: Rule) -> str:
    """Return what a rule watches for, in a sentence without its end."""
    level = "" if rule.level is None else f"{rule.level.normalize():f}"
    share = "" if rule.level is None else f"{rule.level * 100:.4g} %"
    verb = {
        Condition.ABOVE: "reaches or exceeds",
        Condition.BELOW: "falls to or below",
        Condition.CROSSES: "crosses",
    }[rule.condition]
    match rule.kind:
        case AlertKind.PRICE:
            return f"{rule.symbol} {verb} {level}"
        case AlertKind.EXPOSURE:
            return f"exposure{f' on {rule.symbol}' if rule.symbol else ''} {verb} {share} of equity"
        case AlertKind.DRAWDOWN:
            return f"drawdown {verb} {share}"
        case AlertKind.DAILY_LOSS:
            return f"loss of the day {verb} {share}"
        case AlertKind.STALENESS:
            return f"age of the newest price {verb} {level} s"
        case AlertKind.MODE:
            return f"the account enters {rule.mode} or worse"


def _is_above(rule: Rule, seen: Seen) -> bool | None:
    """Whether the value is at or above the level (for `below`: strictly above); None if unknown."""
    if rule.kind is AlertKind.MODE:
        return None if seen.mode is None else seen.mode.severity >= Mode(rule.mode).severity
    value = _value(rule, seen)
    if value is None or rule.level is None:
        return None
    exact = Decimal(repr(value))
    return exact > rule.level if rule.condition is Condition.BELOW else exact >= rule.level


def _value(rule: Rule, seen: Seen) -> float | None:
    match rule.kind:
        case AlertKind.PRICE:
            return seen.prices.get(rule.symbol)
        case AlertKind.EXPOSURE:
            return seen.exposures.get(rule.symbol)
        case AlertKind.DRAWDOWN:
            return seen.drawdown
        case AlertKind.DAILY_LOSS:
            return seen.daily_loss
        case AlertKind.STALENESS:
            return seen.staleness_s
        case AlertKind.MODE:
            return None
