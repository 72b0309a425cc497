"""Declarations that could not run are refused where they are written; digests tell rules apart."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import Any, ClassVar, cast

import pytest
from tests.unit.strategies.probes import LookingProbe, Probe

from botcore.domain.errors import ConfigError
from botcore.domain.intents import Intent
from botcore.domain.market import Bar
from botcore.strategies import (
    SIGNAL_LIBRARY,
    WARM_UP_REASON,
    EventStrategy,
    EventStrategyBase,
    SignalStrategy,
    StrategyView,
    class_digest,
    feature,
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "No Slug"}, "NAME_MALFORMED"),
        ({"reasons": ()}, "STRATEGY_MALFORMED"),
        ({"reasons": ("hello",)}, "STRATEGY_MALFORMED"),
        ({"reasons": (WARM_UP_REASON,), "no_view": (1,)}, "STRATEGY_MALFORMED"),
        ({"no_view": (0,)}, "STRATEGY_MALFORMED"),
    ],
)
def test_a_declaration_that_cannot_run_is_refused(body: Mapping[str, Any], code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        type("Broken", (Probe,), dict(body))

    assert caught.value.code == code


@pytest.mark.parametrize("missing", ["name", "version", "parameters", "reasons"])
def test_a_declaration_says_what_it_lacks(missing: str) -> None:
    whole = {"name": "n", "version": 1, "parameters": (), "reasons": ()}

    with pytest.raises(ConfigError, match=f"strategy 'Half' cannot run: it has no `{missing}`"):
        type("Half", (SignalStrategy,), {k: v for k, v in whole.items() if k != missing})


@pytest.mark.parametrize(
    ("name", "inputs", "parameters", "code", "word"),
    [
        ("emma", (), {}, "INDICATOR_UNKNOWN", "did you mean 'ema'"),
        ("sma", ("volumes",), {}, "INPUT_UNKNOWN", "did you mean 'volume'"),
        ("sma", ("open", "close"), {}, "INPUT_UNKNOWN", "takes 1 inputs, not 2"),
        ("sma", (), {"period": 0}, "PARAMETER_REFUSED", "period 0 is below 1"),
        ("sma", (), {"length": 5}, "PARAMETER_REFUSED", "length"),
    ],
)
def test_a_feature_that_cannot_be_computed_is_refused(
    name: str, inputs: tuple[str, ...], parameters: dict[str, int], code: str, word: str
) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        feature(name, inputs=inputs, **parameters)

    assert caught.value.code == code


def test_an_indicator_that_never_forgets_is_waited_for_until_its_first_value() -> None:
    assert feature("obv").settled(1e-9) == 1


def test_every_strategy_has_a_digest_of_its_own() -> None:
    digests = {class_digest(each) for each in (*SIGNAL_LIBRARY.values(), Probe, LookingProbe)}

    assert len(digests) == len(SIGNAL_LIBRARY) + 2


def test_a_digest_changes_with_the_file_that_a_strategy_was_read_from() -> None:
    moved = type("Moved", (Probe,), {"source_digest": "0" * 64})

    assert class_digest(moved) != class_digest(Probe)


def test_a_digest_changes_with_a_number_that_the_rule_reads_and_with_a_function_it_calls() -> None:
    digests = {_digest_of(globals_) for globals_ in _RULES}

    assert len(digests) == len(_RULES)
    assert _digest_of(_RULES[0]) == _digest_of(_RULES[0])


def test_a_digest_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from botcore.strategies import SIGNAL_LIBRARY, class_digest\n"
        "print(*(class_digest(each) for each in SIGNAL_LIBRARY.values()))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert outputs == {" ".join(class_digest(each) for each in SIGNAL_LIBRARY.values()) + "\n"}


class _Buyer(EventStrategyBase):
    """Answers a bar only."""

    name: ClassVar[str] = "buyer"

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        return ()


def test_the_base_of_event_strategies_is_one_and_wants_nothing() -> None:
    strategy: EventStrategy = _Buyer({"size": 2.0})
    anything = cast("Any", None)

    answers = [
        strategy.on_bar(anything, anything),
        strategy.on_trade(anything, anything),
        strategy.on_quote(anything, anything),
        strategy.on_timer(anything),
        strategy.on_fill(anything, anything),
        strategy.on_denied(anything, anything),
    ]
    strategy.resume(strategy.state(), 5)

    assert answers == [()] * 6
    assert strategy.needs.history_bars == 0


def _helper(x: float) -> float:
    return x + 1.0


def _other_helper(x: float) -> float:
    return x + 2.0


def _rule(row: Any, memory: Any, params: Any) -> float:
    return helper(row[0]) * LEVEL  # type: ignore[name-defined, no-any-return]  # noqa: F821  # any values


_RULES: list[dict[str, Any]] = [
    {"helper": _helper, "LEVEL": 1.0},
    {"helper": _helper, "LEVEL": 2.0},
    {"helper": _other_helper, "LEVEL": 1.0},
]


def _digest_of(globals_: dict[str, Any]) -> str:
    decide = staticmethod(FunctionType(_rule.__code__, globals_))
    made = cast("type[SignalStrategy]", type("Made", (Probe,), {"decide": decide}))
    return class_digest(made)
