"""``settings.md``: every setting with its default, from the declaration that checks it."""

from typing import Any, Final

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from botcore.app.protection_settings import MODELS, RULES
from botcore.app.settings import (
    SETTINGS_FILE,
    LimitSettings,
    RateSettings,
    Settings,
    StrategySettings,
)
from botcore.risk import RiskLimits
from botcore.risk.locking.rules import span

_HEAD: Final = f"""\
# Settings

Written from the declaration by `python docs/generate.py`; a test keeps it so.

Read in this order, the later wins: the defaults, `{SETTINGS_FILE}` in the home, the environment
(`BOTCORE_…`; a name inside a table after two underscores, a list as JSON), the command line. A name
in the file that does not exist and a value that is refused end the start with a sentence.
`.env.example` lists them all.

```toml
# ~/.botcore/{SETTINGS_FILE}
port = 8090
cash = 25000

[limits]
daily_loss_frac = 0.03

[strategies.slow-cross]
strategy = "ema-cross"
equity_frac = 0.2
parameters = {{ fast = 20, slow = 60 }}
```

A `strategies` table replaces the six that ship; `seed`, `bar_s` and `history_days` shape the
simulated market once, at the first start of a home.

"""
_TABLES: Final = ("strategies", "limits", "rates", "protections")
_TIMES: Final = ("lock_minutes", "lock_bars", "lookback_minutes", "lookback_bars")
_BOUNDS: Final = (
    (Ge, "ge", "from {}"),
    (Gt, "gt", "above {}"),
    (Le, "le", "to {}"),
    (Lt, "lt", "below {}"),
)


def page() -> str:
    """Return the page."""
    lines = [_HEAD, _table(Settings, prefix="BOTCORE_", without=_TABLES)]
    lines.append(
        "\n## limits\n\nOf the account; what each does stands in"
        " [assumptions](assumptions.md). Fractions are of equity: 0.15 is 15 %.\n\n"
    )
    lines.append(_table(LimitSettings, prefix="BOTCORE_LIMITS__", texts=_limit_texts()))
    lines.append(
        "\n## rates\n\nOf the API's callers. A request pays from every budget it falls under, or"
        " is refused (429, `RATE_LIMITED`) and pays nothing; cancelling and what else lowers risk"
        " has a budget of its own and waits for nobody. While the platform is busy, reads, market"
        " data and research are slowed, down to a quarter.\n\n"
    )
    lines.append(_table(RateSettings, prefix="BOTCORE_RATES__"))
    lines.append(_protections())
    lines.append(
        "\n## strategies.NAME\n\nOne table a strategy; NAME is yours. Parameters of each stand in"
        " [strategies](strategies.md).\n\n"
    )
    lines.append(_table(StrategySettings, prefix="BOTCORE_STRATEGIES__NAME__", texts=_STRATEGY))
    return "".join(lines)


def _protections() -> str:
    """Return what may be said of each kind of protection; times have a paragraph of their own."""
    parts = [_PROTECTIONS]
    for kind, model in MODELS.items():
        rule = RULES[kind](name="mine")
        looks = f" and looks back {span(rule.lookback_ns)}" if rule.lookback_ns else ""
        parts.append(
            f'\n`kind = "{kind}"`: {_first_line(model)} Unless told otherwise it locks for'
            f" {span(rule.lock_ns)}{looks}.\n\n"
        )
        parts.append(_table(model, prefix="BOTCORE_PROTECTIONS__NAME__", without=("kind", *_TIMES)))
    return "".join(parts)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]


_PROTECTIONS: Final = """
## protections.NAME

One table a protection; NAME is yours, and several may be of one kind.
[Protections](../how-to/protections.md) says what they do. `lock_minutes` or `lock_bars` is how long
one locks; `lookback_minutes` or `lookback_bars` how far those with a look-back look.
"""
_STRATEGY: Final = {
    "strategy": "its name in the library",
    "equity_frac": "share of the account's equity, divided equally over the instruments",
    "parameters": "by name; the rest take their defaults",
}


def _table(
    model: type[BaseModel],
    *,
    prefix: str,
    without: tuple[str, ...] = (),
    texts: dict[str, str] | None = None,
) -> str:
    rows = ["| setting | environment | default | allowed | |", "|---|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if name in without:
            continue
        text = field.description or (texts or {}).get(name, "")
        rows.append(
            f"| `{name}` | `{prefix}{name.upper()}` | {_default(name, field)} | {_allowed(field)}"
            f" | {text} |"
        )
    return "\n".join(rows) + "\n"


def _default(name: str, field: FieldInfo) -> str:
    if name == "home":
        return "`~/.botcore`"
    if field.is_required():
        return "–"
    value: Any = field.default
    return (
        f"`{str(value).lower() if isinstance(value, bool) else value}`"
        if value not in ((), {})
        else "none"
    )


def _allowed(field: FieldInfo) -> str:
    words = [
        text.format(_number(getattr(bound, attribute)))
        for kind, attribute, text in _BOUNDS
        for bound in field.metadata
        if isinstance(bound, kind)
    ]
    for bound in field.metadata:
        pattern = getattr(bound, "pattern", None)
        if pattern:
            words.append(str(pattern).strip("^$()").replace("|", ", "))
    return " ".join(words)


def _number(value: Any) -> str:  # noqa: ANN401  # a bound of any field
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def _limit_texts() -> dict[str, str]:
    """Return each limit's sentence from the docstring of the limits themselves."""
    texts: dict[str, str] = {}
    name = ""
    for line in (RiskLimits.__doc__ or "").partition("Attributes:")[2].splitlines():
        stripped = line.strip()
        head, colon, rest = stripped.partition(": ")
        if colon and head.isidentifier() and line.startswith(" " * 8) and line[8] != " ":
            name = head
            texts[name] = rest
        elif name and stripped:
            texts[name] += f" {stripped}"
    return {name: text.rstrip(".") for name, text in texts.items()}
