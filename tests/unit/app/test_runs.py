"""The runs of a home: numbered, found again, and never half written."""

from pathlib import Path

import msgspec
import pytest

from botcore.app.runs import RECORD, Recipe, Run, Runs, StrategyRecipe
from botcore.domain.errors import ConfigError, DataError
from botcore.kernel.clock import ManualClock

RECIPE = Recipe(
    strategies=(StrategyRecipe("rsi", {"period": 20.0}, 0.1),),
    market="demo",
    instruments=("BTCUSDT.SIM",),
    step_ns=60_000_000_000,
)


def runs_in(folder: Path) -> Runs:
    return Runs(folder, clock=ManualClock(7))


def finished(run: Run) -> None:
    run.keep(msgspec.structs.replace(run.record, fingerprint="f" * 64, title="rsi on BTC"))


def test_runs_are_numbered_and_found_by_number_name_and_last(tmp_path: Path) -> None:
    runs = runs_in(tmp_path)
    first = runs.new("backtest", RECIPE, name="rsi")
    second = runs.new("replay", RECIPE, name="replay-of-1", of=1)

    assert [first.folder.name, second.folder.name] == ["0001-rsi", "0002-replay-of-1"]
    assert runs.find("1").record == first.record
    assert runs.find("0001-rsi").record == first.record
    assert runs.find("last").record.of == 1


def test_a_run_of_a_release_that_knew_no_owners_has_none(tmp_path: Path) -> None:
    run = runs_in(tmp_path).new("backtest", RECIPE, name="rsi", owner="u1")
    record = msgspec.json.decode((run.folder / RECORD).read_bytes())
    assert record.pop("owner") == "u1"
    (run.folder / RECORD).write_bytes(msgspec.json.encode(record))

    assert runs_in(tmp_path).find("1").record.owner == ""


def test_a_number_is_not_used_twice_even_where_a_run_was_never_finished(tmp_path: Path) -> None:
    (tmp_path / "0001-half").mkdir()

    assert runs_in(tmp_path).new("backtest", RECIPE, name="rsi").record.number == 2


def test_what_was_finished_says_so_after_it_is_read_again(tmp_path: Path) -> None:
    run = runs_in(tmp_path).new("backtest", RECIPE, name="rsi")
    assert not run.record.is_finished

    finished(run)

    assert runs_in(tmp_path).find("1").record.is_finished


def test_a_name_of_any_kind_stays_inside_the_folder(tmp_path: Path) -> None:
    run = runs_in(tmp_path).new("backtest", RECIPE, name="../../My Strategy.py")

    assert run.folder.parent == tmp_path
    assert run.folder.name == "0001-my-strategy-py"


@pytest.mark.parametrize("text", ["7", "nothing", "last", "../x", ""])
def test_a_run_that_does_not_exist_is_refused_with_the_ones_that_do(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        runs_in(tmp_path).find(text)

    assert refused.value.code == "RUN_UNKNOWN"


def test_a_damaged_record_is_left_out_of_the_list_and_refused_by_name(tmp_path: Path) -> None:
    runs = runs_in(tmp_path)
    (runs.new("backtest", RECIPE, name="rsi").folder / RECORD).write_text("{half")

    assert runs.all() == []
    with pytest.raises(DataError) as refused:
        runs.find("1")
    assert refused.value.code == "RUN_DAMAGED"
