"""What a configuration says about strategies and limits, as far as a table shows it.

Configuration is checked where it is applied. A projection of it must not stop the journal, so
that what is not as expected here is passed over.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class ConfiguredStrategy(NamedTuple):
    """One strategy of a configuration; `config` is its part of it, as canonical JSON."""

    account: str
    id: str
    name: str
    description: str
    config: str


class ConfiguredLimits(NamedTuple):
    """What an account may do at most, as fractions of its equity; None where nothing is said.

    Attributes:
        position: worst-case exposure on one instrument.
        daily_loss: since UTC midnight.
        drawdown: from the highest equity.
    """

    account: str
    position: float | None
    daily_loss: float | None
    drawdown: float | None


def parsed(document: str) -> dict[str, Any]:
    """Return the configuration's JSON object; an empty one if it is none."""
    try:
        return _mapping(json.loads(document))
    except ValueError:
        return {}


def strategies_of(document: dict[str, Any], *, account: str) -> Iterator[ConfiguredStrategy]:
    """Yield the strategies; those that name no account belong to `account`."""
    for entry in _list(document.get("strategies")):
        name = entry.get("id")
        if isinstance(name, str):
            yield ConfiguredStrategy(
                account=str(entry.get("account", account)),
                id=name,
                name=str(entry.get("strategy", name)),
                description=str(entry.get("description", "")),
                config=json.dumps(entry, sort_keys=True),
            )


def limits_of(document: dict[str, Any]) -> Iterator[ConfiguredLimits]:
    """Yield the limits of each account."""
    for entry in _list(document.get("accounts")):
        account, limits = entry.get("id"), _mapping(entry.get("limits"))
        if isinstance(account, str) and limits:
            yield ConfiguredLimits(
                account=account,
                position=_number(limits.get("instrument_frac")),
                daily_loss=_number(limits.get("daily_loss_frac")),
                drawdown=_number(limits.get("drawdown_frac")),
            )


def _list(value: object) -> list[dict[str, Any]]:
    return [_mapping(entry) for entry in value] if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
