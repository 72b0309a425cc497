"""A crash at every failpoint of a whole scenario, and at every failpoint of the recovery from it.

At each failpoint that is passed the home is copied, as a kill there would leave it; every copy is
recovered, played to the end and compared with the truth of its venue.
"""

import random
import re
from pathlib import Path

import pytest
from tests.support.crashes import (
    Copies,
    Stopped,
    copy_of,
    copying,
    disagreements,
    run_to_the_end,
    truth_of,
    venue_process,
)
from tests.support.engine_under_test import IN_PROCESS, Dump, EngineUnderTest, LocalVenue, Run, play
from tests.support.venue_process import Truth

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SOURCES = Path(__file__).resolve().parents[2] / "src"
SHARDS = 4


def recovered(home: Path) -> tuple[Dump, Truth]:
    """Start an engine in a home, play what is left, and return its belief and the truth."""
    venue = LocalVenue(home / "venue.db")
    engine = EngineUnderTest(home, venue, horizon=IN_PROCESS, in_lockstep=True)
    engine.open()
    engine.play()
    engine.close()
    dump, truth = engine.dump(), truth_of(venue.simulated)
    engine.store.close()
    return dump, truth


def wrong_after(home: Path) -> list[str]:
    """What is wrong after a recovery, or after another start: it must change nothing (E63)."""
    dump, truth = recovered(home)
    found = disagreements(dump, truth)
    again, truth_again = recovered(home)
    found += disagreements(again, truth_again)
    if (again.state_hash, again.orders, again.fills) != (dump.state_hash, dump.orders, dump.fills):
        found.append("a second start changed something (E63)")
    if truth_again.records.orders != truth.records.orders:
        found.append("a second start reached the venue (E63)")
    return found


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """The whole scenario once, copied at each failpoint."""
    home, into = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("copies")
    with copying(home, into) as copies:
        dump = play(Run(home=str(home)))
    truth = truth_of(LocalVenue(home / "venue.db").simulated)
    assert disagreements(dump, truth) == []
    return copies


def test_every_failpoint_in_the_sources_is_passed_by_the_scenario(scenario: Copies) -> None:
    named = {
        name
        for path in SOURCES.rglob("*.py")
        for name in re.findall(r"\bhit\(\"([a-z_.]+)\"\)", path.read_text("utf-8"))
    }
    assert len(named) > 15
    # Asking is for recovery: without a crash no order is in doubt.
    assert named - set(scenario.hits) == {"query.committed", "query.answered"}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_e70_a_kill_at_any_failpoint_ends_with_the_venues_truth(
    shard: int, scenario: Copies, tmp_path: Path
) -> None:
    crashes = scenario.folders[shard::SHARDS]
    assert len(crashes) > 15

    wrong = {
        name: found
        for name, folder in crashes
        if (found := wrong_after(copy_of(folder, tmp_path / name)))
    }

    assert wrong == {}


# A sending and its doubt, an owed cancel, a fill and a change that nobody has heard of.
FIRST = ("submit.sending", "cancel.committed", "fill.received", "replace.answered")


@pytest.mark.parametrize("first", FIRST)
def test_k21_a_kill_at_any_failpoint_of_the_recovery_ends_at_the_same_state(
    first: str, scenario: Copies, tmp_path: Path
) -> None:
    home = copy_of(scenario.first[first], tmp_path / "home")
    (tmp_path / "copies").mkdir()
    with copying(home, tmp_path / "copies") as copies:
        venue = LocalVenue(home / "venue.db")
        engine = EngineUnderTest(home, venue, horizon=IN_PROCESS, in_lockstep=True)
        engine.open()
    undisturbed = end_of(engine)
    engine.close()
    assert any(hit.startswith("query.") for hit in copies.hits) or first == "submit.sending"

    wrong = {}
    for name, copy in copies.folders:
        again = EngineUnderTest(
            copy, LocalVenue(copy / "venue.db"), horizon=IN_PROCESS, in_lockstep=True
        )
        again.open()
        if end_of(again) != undisturbed:
            wrong[name] = ["another end state"]
        again.close()
        again.store.close()
        if found := disagreements(*recovered(copy)):
            wrong[name] = found
    assert wrong == {}


def end_of(engine: EngineUnderTest) -> list[tuple[object, ...]]:
    """What works, and what has filled; an exit that never left stands again under another id."""
    return sorted(
        (o.spec.instrument, o.spec.side, o.spec.type, o.quantity, o.filled, o.cancel_owed)
        for o in engine.engine.desk.execution.index
        if o.filled or not o.is_terminal
    )


def test_e70_random_kills_from_outside_end_with_the_venues_truth(tmp_path: Path) -> None:
    """Not in step, without failpoints: whatever the journal's thread was doing."""
    chance = random.Random(20240229)
    (tmp_path / "engine").mkdir()
    with venue_process(tmp_path / "venue.db") as (address, venue):
        run = Run(home=str(tmp_path / "engine"), venue=address, in_lockstep=False)
        for _ in range(12):
            engine = Stopped(run)
            engine.let_run(chance.uniform(0.05, 0.6))
            engine.kill()

        dump = run_to_the_end(run)

        assert disagreements(dump, venue.truth()) == []
