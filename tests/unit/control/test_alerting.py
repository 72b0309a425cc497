from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.control.alerting import Outcome, Rule, Seen, look, words
from botcore.control.schema.alerts import AlertKind, Condition, RuleState
from botcore.domain.modes import Mode

BTC = "BTCUSDT.SIM"


def a_rule(condition: Condition = Condition.ABOVE, **changes: object) -> Rule:
    rule = Rule(
        id="r1",
        owner="u1",
        kind=AlertKind.PRICE,
        condition=condition,
        level=Decimal(100),
        symbol=BTC,
    )
    return msgspec.structs.replace(rule, **changes)


def at(price: float) -> Seen:
    return Seen(prices={BTC: price}, exposures={})


def fired(rule: Rule, prices: list[float]) -> list[int]:
    """Return the indices at which the rule fires on these prices, one a look."""
    found = []
    for index, price in enumerate(prices):
        rule, outcome = look(rule, at(price), now=index)
        if outcome is Outcome.FIRED:
            found.append(index)
    return found


@pytest.mark.parametrize(
    ("condition", "prices", "expected"),
    [
        (Condition.ABOVE, [99.0, 100.0, 101.0], [1]),
        (Condition.ABOVE, [101.0], [0]),
        (Condition.BELOW, [101.0, 100.0, 99.0], [1]),
        (Condition.BELOW, [100.5, 100.1], []),
        (Condition.CROSSES, [101.0, 102.0], []),
        (Condition.CROSSES, [101.0, 99.0], [1]),
        (Condition.CROSSES, [99.0, 100.0], [1]),
    ],
)
def test_a_rule_fires_when_its_condition_begins_to_hold(
    condition: Condition, prices: list[float], expected: list[int]
) -> None:
    assert fired(a_rule(condition), prices) == expected


def test_a_rule_fires_once_and_watches_no_more() -> None:
    assert fired(a_rule(), [101.0, 99.0, 101.0]) == [0]


def test_a_repeating_rule_fires_again_only_after_the_condition_had_ended() -> None:
    assert fired(a_rule(repeats=True), [101.0, 102.0, 99.0, 101.0]) == [0, 3]


def test_a_rule_that_has_expired_fires_no_more() -> None:
    rule, outcome = look(a_rule(expires_at=5), at(101.0), now=5)

    assert (outcome, rule.state) == (Outcome.EXPIRED, RuleState.EXPIRED)


def test_a_value_that_is_not_known_changes_nothing() -> None:
    rule = a_rule(symbol="ETHUSDT.SIM")

    assert look(rule, at(101.0), now=1) == (rule, Outcome.NOTHING)


def test_a_mode_rule_fires_at_that_mode_and_at_worse_ones() -> None:
    rule = a_rule(kind=AlertKind.MODE, mode="CANCEL_ONLY", level=None, repeats=True)
    seen = [Mode.NORMAL, Mode.REDUCE_ONLY, Mode.CANCEL_ONLY, Mode.HALT, Mode.NORMAL, Mode.HALT]

    outcomes = []
    for index, mode in enumerate(seen):
        rule, outcome = look(rule, Seen(prices={}, exposures={}, mode=mode), now=index)
        outcomes.append(outcome is Outcome.FIRED)

    assert outcomes == [False, False, True, False, False, True]


def test_every_kind_says_what_it_watches_for() -> None:
    said = {words(a_rule(kind=kind, mode="HALT")) for kind in AlertKind}

    assert len(said) == len(AlertKind)
    assert "BTCUSDT.SIM reaches or exceeds 100" in said


@given(
    prices=st.lists(st.floats(1.0, 200.0), max_size=30),
    condition=st.sampled_from(Condition),
)
def test_a_repeating_rule_fires_exactly_at_the_changes_of_side(
    prices: list[float], condition: Condition
) -> None:
    rule = a_rule(condition, repeats=True)
    sides = [p > 100 if condition is Condition.BELOW else p >= 100 for p in prices]
    changes = [i for i in range(1, len(sides)) if sides[i] is not sides[i - 1]]
    expected = {
        Condition.CROSSES: changes,
        Condition.ABOVE: [i for i in [0, *changes] if i < len(sides) and sides[i]],
        Condition.BELOW: [i for i in [0, *changes] if i < len(sides) and not sides[i]],
    }[condition]

    assert fired(rule, prices) == expected
