"""Parameters: declared once, parsed strictly, with a hint for a slip of the pen."""

import pytest

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import Parameter, ParameterSpace, did_you_mean

SPACE = ParameterSpace(
    Parameter("period", "int", 14, 2, 500, unit="bars"),
    Parameter("threshold", "float", 30.0, 0.0, 100.0),
    Parameter("long_only", "bool", 1, 0, 1),
)


def test_a_row_holds_what_is_given_and_the_defaults_in_declared_order() -> None:
    row = SPACE.row({"threshold": "25.5"})

    assert row == [14.0, 25.5, 1.0]
    assert SPACE.named(row) == {"period": 14.0, "threshold": 25.5, "long_only": 1.0}
    assert SPACE.index("threshold") == 1
    assert [parameter.name for parameter in SPACE] == ["period", "threshold", "long_only"]
    assert len(SPACE) == 3


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"period": "20"}, 20.0),
        ({"period": 20.0}, 20.0),
        ({"period": 2}, 2.0),
        ({"period": 500}, 500.0),
        ({"long_only": "no"}, 0.0),
        ({"long_only": "ON"}, 1.0),
        ({"long_only": False}, 0.0),
    ],
)
def test_a_value_of_the_declared_kind_is_taken(given: dict[str, object], value: float) -> None:
    (name,) = given

    assert SPACE.named(SPACE.row(given))[name] == value


@pytest.mark.parametrize(
    "given",
    [
        {"period": 1},
        {"period": 501},
        {"period": 2.5},
        {"period": "many"},
        {"period": None},
        {"period": 10**400},
        {"threshold": "nan"},
        {"threshold": float("inf")},
        {"threshold": 100.1},
        {"long_only": 2},
        {"long_only": "perhaps"},
    ],
)
def test_a_value_of_another_kind_or_out_of_bounds_is_refused(given: dict[str, object]) -> None:
    (name,) = given

    with pytest.raises(ConfigError) as caught:
        SPACE.row(given)

    assert caught.value.code == "PARAMETER_REFUSED"
    assert name in caught.value.cause
    assert "default" in caught.value.fix


def test_an_unknown_name_is_answered_with_the_nearest_known_one() -> None:
    with pytest.raises(ConfigError) as caught:
        SPACE.row({"perod": 10})

    assert caught.value.code == "PARAMETER_UNKNOWN"
    assert "did you mean 'period'?" in caught.value.fix
    assert "threshold" in caught.value.fix


def test_a_name_like_none_is_answered_with_all_of_them() -> None:
    assert did_you_mean("zzz", ["period"]) == "known: period"
    assert did_you_mean("zzz", []) == "known: none"
