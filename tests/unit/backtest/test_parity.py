"""Two runs are compared to the last bit, and a difference is named where it lies."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from botcore.backtest import BacktestingFramework, StrategyRun, demo_instruments, demo_tape
from botcore.backtest.collector import Collector
from botcore.backtest.parity import Parity, compare_traces
from botcore.backtest.trace import DECISIONS, FACTS, Trace, TraceWriter
from botcore.domain.errors import DataError
from botcore.domain.events import OrderFilled, OrderPlaced
from botcore.domain.ids import DAY_NS, MINUTE_NS

BARS = 3_000


def a_framework(**more: object) -> BacktestingFramework:
    tape = demo_tape(BARS, seed=3, step_ns=MINUTE_NS, instruments=("BTCUSDT.SIM", "ETHUSDT.SIM"))
    return BacktestingFramework(
        tape=tape,
        instruments=demo_instruments(),
        **more,  # type: ignore[arg-type]  # what the framework takes
    )


def traced(folder: Path, parameters: Mapping[str, float], **more: object) -> Trace:
    """Play EMA cross into a folder and return its trace."""
    folder.mkdir()
    collector, writer = Collector(), TraceWriter(folder)
    stage, _ = a_framework(**more).played(
        StrategyRun("ema-cross", parameters), collector=collector, trace=writer.commit
    )
    writer.finish(stage.engine)
    return Trace(folder)


def differing(found: Parity) -> dict[str, int]:
    return {section.name: section.differing for section in found.sections}


def test_two_runs_of_one_tape_have_no_difference(tmp_path: Path) -> None:
    first = traced(tmp_path / "a", {"fast": 5, "slow": 20})
    second = traced(tmp_path / "b", {"fast": 5, "slow": 20})

    found = compare_traces(first, second, is_same_tape=True)

    assert found.is_empty
    assert {section.name: section.first for section in found.sections}["decisions"] == 2 * BARS
    assert all(section.first == section.second > 0 for section in found.sections)


def test_another_parameter_is_found_in_decisions_orders_and_fills(tmp_path: Path) -> None:
    first = traced(tmp_path / "a", {"fast": 5, "slow": 20})
    second = traced(tmp_path / "b", {"fast": 5, "slow": 21})

    found = compare_traces(first, second, is_same_tape=False)

    assert not found.is_empty
    assert all(count > 0 for count in differing(found).values())
    one = found.sections[1].differences[0]
    assert one.where.startswith("ema-cross ")
    assert one.first != one.second


def test_another_fee_is_found_in_fills_and_not_in_decisions(tmp_path: Path) -> None:
    from botcore.venues.simulated import VenueConfig

    first = traced(tmp_path / "a", {"fast": 5, "slow": 20})
    cheaper = VenueConfig(taker_fee_ppm=900)
    second = traced(tmp_path / "b", {"fast": 5, "slow": 20}, venue=cheaper)

    found = compare_traces(first, second, is_same_tape=False)

    counts = differing(found)
    assert counts["fills"] > 0
    assert counts["decisions"] == 0
    assert "fee" in (found.sections[2].differences[0].first or "")


def test_a_difference_of_operands_alone_is_found_by_the_digest_of_its_day(tmp_path: Path) -> None:
    first = traced(tmp_path / "a", {"fast": 5, "slow": 20})
    second = traced(tmp_path / "b", {"fast": 5, "slow": 20})
    name, decided = next(iter(second.decisions.items()))
    day = decided.days[1]
    forged = type(day)(day.day, day.count, "0" * 64)
    second.decisions[name] = type(decided)(
        decided.changes, (decided.days[0], forged, *decided.days[2:])
    )

    found = compare_traces(first, second, is_same_tape=True)

    assert differing(found) == {"decisions": 1, "orders": 0, "fills": 0, "other facts": 0}
    assert found.sections[0].differences[0].ts == day.day * DAY_NS


def test_a_trace_gives_the_facts_back_in_order(tmp_path: Path) -> None:
    facts = list(traced(tmp_path / "a", {"fast": 5, "slow": 20}).facts())

    placed = [each.order.client_order_id for each in facts if isinstance(each, OrderPlaced)]
    filled = [each.client_order_id for each in facts if isinstance(each, OrderFilled)]
    assert len(placed) > 10
    assert set(filled) <= set(placed)


@pytest.mark.parametrize("name", [FACTS, DECISIONS])
@pytest.mark.parametrize("content", [None, b"", b"<html>", b"x\x9c"])
def test_a_damaged_or_missing_trace_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    traced(tmp_path / "a", {"fast": 5, "slow": 20})
    path = tmp_path / "a" / name
    path.unlink() if content is None else path.write_bytes(content)

    with pytest.raises(DataError) as refused:
        list(Trace(tmp_path / "a").facts())

    assert refused.value.code == "TRACE_DAMAGED"


def test_a_cut_trace_is_refused_and_not_taken_for_a_shorter_run(tmp_path: Path) -> None:
    traced(tmp_path / "a", {"fast": 5, "slow": 20})
    path = tmp_path / "a" / FACTS
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(DataError):
        list(Trace(tmp_path / "a").facts())


def test_nothing_is_left_of_a_trace_that_was_not_finished(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)

    writer.close()

    assert list(tmp_path.iterdir()) == []
