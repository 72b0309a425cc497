"""From the command line's words to a run: which strategies with what, and what is refused."""

from pathlib import Path

import pytest

from botcore.app import backtesting
from botcore.app.runs import Recipe
from botcore.domain.errors import ConfigError


def run(home: Path, *strategies: str, **more: object) -> Recipe:
    """Run strategies over a few minutes of the simulated market; return the recipe that is kept."""
    given: dict[str, object] = {
        "overrides": {"home": home},
        "instruments": ("BTCUSDT.SIM",),
        "step_ns": 60_000_000_000,
        "start": None,
        "end": None,
        "bars": 50,
        "seed": 1,
        "parameters": {},
        "cash": "10000",
        "equity_frac": 0.1,
        "fee_bps": 10.0,
        "slippage_bps": 2.0,
        "allow_gaps": False,
        "progress": lambda _done, _total: None,
    }
    finished = backtesting.run(strategies=strategies, **(given | more))  # type: ignore[arg-type]  # by name
    return finished.run.record.recipe


def own(folder: Path, file: str, parent: str) -> str:
    path = folder / file
    path.write_text(
        f"from botcore.strategies.library import {parent}\n"
        f"class Mine({parent}):\n    name = 'mine'\n    summary = 'Mine.'\n"
    )
    return str(path)


def test_two_strategies_of_one_name_from_two_files_are_refused(tmp_path: Path) -> None:
    files = own(tmp_path, "a.py", "EmaCross"), own(tmp_path, "b.py", "Macd")

    with pytest.raises(ConfigError, match="STRATEGY_NAMED_TWICE"):
        run(tmp_path / "home", *files)

    assert not (tmp_path / "home" / "runs").exists()


def test_one_strategy_runs_twice_with_values_of_each_alone(tmp_path: Path) -> None:
    values = {"ema-cross-2.fast": 7.0, "ema-cross.fast": 5.0}

    recipe = run(tmp_path, "ema-cross", "ema-cross", parameters=values)

    assert [each.parameters for each in recipe.strategies] == [{"fast": 5.0}, {"fast": 7.0}]


def test_a_value_of_a_second_one_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PARAMETER_UNKNOWN"):
        run(tmp_path, "ema-cross", parameters={"ema-cross-2.fast": 7.0})


@pytest.mark.parametrize("cost", ["fee_bps", "slippage_bps"])
@pytest.mark.parametrize("bps", [float("nan"), float("inf"), 0.001])
def test_a_cost_that_is_no_number_of_hundredths_is_refused(
    tmp_path: Path, cost: str, bps: float
) -> None:
    with pytest.raises(ConfigError, match="COST_REFUSED"):
        run(tmp_path, "ema-cross", **{cost: bps})
