"""Set-ups of strategies: made of a request, told apart from one another, and put into words."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from botcore.control.schema import strategies as s
from botcore.control.schema.values import instant
from botcore.control.strategies_port import SetUp, SetUpVersion


def audited(setup: SetUp) -> dict[str, object]:
    """Return what the audit says of a set-up, each parameter on its own."""
    fields: dict[str, object] = msgspec.structs.asdict(setup)
    parameters = {f"parameters.{name}": value for name, value in setup.parameters.items()}
    del fields["parameters"]
    return {**fields, **parameters}


def wanted(request: s.CreateStrategy) -> SetUp:
    """Return the set-up that a request asks for."""
    return SetUp(
        strategy=request.strategy,
        parameters=request.parameters,
        equity_frac=request.equity_frac,
        symbols=request.symbols,
        description=request.description,
        is_active=request.start,
    )


def changed_by(setup: SetUp, request: s.UpdateStrategy) -> SetUp:
    """Return a set-up with what the request changes; parameters are changed one by one."""
    changes: dict[str, Any] = {
        name: value
        for name in ("equity_frac", "symbols", "description")
        if (value := getattr(request, name)) is not None
    }
    if request.parameters is not None:
        changes["parameters"] = {**setup.parameters, **request.parameters}
    return msgspec.structs.replace(setup, **changes)


def version_of(known: SetUpVersion, before: SetUpVersion | None) -> s.StrategyVersion:
    """Return a version as it is shown, with what differs from the one before it, if any was."""
    if known.is_deleted:
        change = "removed"
    elif before is None:
        change = "as the settings say" if known.version == 0 else "set up"
    else:
        change = difference(before.setup, known.setup) or "no difference"
    return s.StrategyVersion(
        version=known.version,
        author=known.author,
        at=instant(known.at) if known.at else None,
        change=change,
        strategy=known.setup.strategy,
        parameters=known.setup.parameters,
        equity_frac=known.setup.equity_frac,
        symbols=known.setup.symbols,
        is_active=known.setup.is_active,
        is_deleted=known.is_deleted,
        undo_of=known.undo_of,
    )


def difference(before: SetUp, after: SetUp) -> str:
    """Return what differs between two set-ups, in words; empty where nothing does."""
    found = [
        f"{name} {_text(getattr(before, name))} → {_text(getattr(after, name))}"
        for name in ("strategy", "equity_frac", "symbols", "description")
        if getattr(before, name) != getattr(after, name)
    ]
    found += _parameters_difference(before.parameters, after.parameters)
    if before.is_active != after.is_active:
        found.append("started" if after.is_active else "stopped")
    return ", ".join(found)


def _parameters_difference(
    before: Mapping[str, float], after: Mapping[str, float]
) -> Sequence[str]:
    return [
        f"{name} {_text(before.get(name))} → {_text(after.get(name))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _text(value: object) -> str:
    match value:
        case None:
            return "default"
        case float():
            return f"{value:g}"
        case tuple():
            return " ".join(value) or "all"
        case _:
            return str(value) or "nothing"
