"""Protections as they are configured: their bounds, their names, and how they read."""

from typing import Any

import msgspec
import pytest
from tests.support.builders import MAIN
from tests.support.trading_session import TradingSession, planned

from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS
from botcore.engine import AccountConfig
from botcore.risk import (
    CoolDown,
    Counted,
    DrawdownGuard,
    Guard,
    LowProfit,
    Protection,
    Scope,
    StopLossGuard,
)

KINDS = (CoolDown, StopLossGuard, LowProfit, DrawdownGuard)
LONGEST = 366 * DAY_NS


@pytest.mark.parametrize("kind", KINDS)
def test_a_protection_needs_a_name_and_nothing_else(kind: type[Protection]) -> None:
    rule = kind(name="mine")

    assert Guard(MAIN, [rule]).rules == {"mine": rule}
    assert rule.describe().startswith("no entry for ")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        *((kind, {"lock_ns": length}) for kind in KINDS for length in (SECOND_NS - 1, LONGEST + 1)),
        *(
            (kind, {"lookback_ns": length})
            for kind in KINDS[1:]
            for length in (SECOND_NS - 1, LONGEST + 1)
        ),
        (CoolDown, {"scope": Scope.ACCOUNT}),
        (CoolDown, {"scope": Scope.STRATEGY}),
        (LowProfit, {"scope": Scope.ACCOUNT}),
        (LowProfit, {"scope": Scope.STRATEGY}),
        (StopLossGuard, {"exits": 0}),
        (StopLossGuard, {"exits": 1_001}),
        (StopLossGuard, {"exits": 2.5}),
        (LowProfit, {"trades": 0}),
        (LowProfit, {"profit_frac_min": float("nan")}),
        (LowProfit, {"profit_frac_min": 10.01}),
        (DrawdownGuard, {"trades": -1}),
        (DrawdownGuard, {"drawdown_frac": 0.0}),
        (DrawdownGuard, {"drawdown_frac": 1.0}),
        (DrawdownGuard, {"drawdown_frac": float("nan")}),
    ],
)
def test_what_protects_nothing_is_refused_by_name(kind: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        kind(name="mine", **values)

    assert refused.value.code == "PROTECTION_REFUSED"
    assert "'mine'" in refused.value.cause


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        *((kind, {"lock_ns": length}) for kind in KINDS for length in (SECOND_NS, LONGEST)),
        (StopLossGuard, {"exits": 1}),
        (StopLossGuard, {"exits": 1_000}),
        (DrawdownGuard, {"trades": 0}),
        (LowProfit, {"profit_frac_min": -10.0}),
    ],
)
def test_what_lies_on_a_bound_is_taken(kind: Any, values: dict[str, Any]) -> None:
    assert kind(name="mine", **values)


def test_a_name_that_is_no_slug_is_refused() -> None:
    with pytest.raises(ConfigError, match="NAME_MALFORMED"):
        CoolDown(name="My Rest")


def test_two_protections_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="PROTECTION_NAMED_TWICE"):
        TradingSession(
            {"s": planned({})}, protections=[CoolDown(name="a"), StopLossGuard(name="a")]
        )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            CoolDown(name="a", lock_ns=90 * MINUTE_NS),
            "no entry for 90m after a close, each strategy on each instrument",
        ),
        (
            StopLossGuard(name="a", counts=Counted.LOSSES, scope=Scope.INSTRUMENT),
            "no entry for 2h after 3 losing exits within 1d, each instrument",
        ),
        (
            LowProfit(name="a", profit_frac_min=-0.015),
            (
                "no entry for 1d where 4 or more trades within 1w earned less than -1.50%,"
                " each instrument"
            ),
        ),
        (
            DrawdownGuard(name="a", lock_ns=SECOND_NS * 3 // 2, trades=0),
            "no entry for 1.5s after equity fell 10.00% from its highest within 1d",
        ),
    ],
)
def test_a_protection_reads_as_a_sentence(rule: Protection, words: str) -> None:
    assert rule.describe() == words


def test_without_protections_the_configuration_reads_as_before_there_were_any() -> None:
    bare = TradingSession({"s": planned({})})
    guarded = TradingSession({"s": planned({})}, protections=[CoolDown(name="rest")])

    document = msgspec.json.decode(bare.config.document())

    assert "protections" not in document["accounts"][0]
    assert bare.engine.money_state()["risk"]["main"].keys().isdisjoint({"guard"})
    assert bare.risk.guard is None
    assert guarded.config.digest != bare.config.digest
    (said,) = msgspec.json.decode(guarded.config.document())["accounts"][0]["protections"]
    assert said == {
        "kind": "cool-down",
        "name": "rest",
        "lock_ns": 30 * MINUTE_NS,
        "scope": "strategy-instrument",
    }


def test_a_configured_protection_comes_back_from_its_document() -> None:
    rules: tuple[Protection, ...] = tuple(kind(name=kind.kind) for kind in KINDS)
    account = AccountConfig(MAIN, protections=rules)

    again = msgspec.json.decode(msgspec.json.encode(account), type=AccountConfig)

    assert again == account
