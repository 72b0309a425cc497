"""A recorded session replays to the same facts, byte for byte, also in another process (E99)."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.recorded_session import (
    Recorded,
    a_backtest_fingerprint,
    a_recorded_session,
    digest_of,
    replayed,
)

from botcore.domain.records import decode_input, encode
from botcore.engine import Engine
from botcore.engine.state import state_hash

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    """One session with fills, brackets, denials, a pause, a halt and a flatten."""
    return a_recorded_session()


def test_the_session_holds_what_a_replay_has_to_repeat(recorded: Recorded) -> None:
    kinds = {type(fact).__name__ for entry in recorded.entries for fact in entry.step.facts}

    assert kinds >= {
        "ConfigApplied",
        "LedgerPosted",
        "ModeChanged",
        "OrderDenied",
        "OrderFilled",
        "OrderPlaced",
        "OrderUpdated",
        "PerformanceUpdate",
        "PositionChanged",
        "RiskAlert",
        "SignalGenerated",
        "StrategyPaused",
        "StrategyQuarantined",
    }
    assert len([e for e in recorded.entries if type(e.event).__name__ == "VenueReport"]) > 100


def test_i13_the_recorded_inputs_alone_give_the_same_facts_and_effects(recorded: Recorded) -> None:
    engine = Engine(recorded.config, recorded.classes)

    for number, entry in enumerate(recorded.entries):
        step = engine.step(entry.key, entry.event)
        assert encode(step) == encode(entry.step), f"input {number}: {entry.event}"

    assert state_hash(engine.money_state()) == recorded.state_hash


def test_inputs_replay_from_the_bytes_they_were_recorded_as(recorded: Recorded) -> None:
    again = replayed(recorded, lambda event: decode_input(encode(event)))

    assert digest_of(again) == digest_of(recorded)


def test_e99_keys_rise_by_stamp_and_number_and_no_two_are_one(recorded: Recorded) -> None:
    keys = [entry.key for entry in recorded.entries]

    assert [key.seq for key in keys] == list(range(1, len(keys) + 1))
    assert all(one.ts <= other.ts for one, other in pairwise(keys))
    assert len(set(map(tuple, ((k.ts, k.rank, k.source, k.seq) for k in keys)))) == len(keys)


def test_a_replay_may_stop_anywhere_and_go_on_from_its_state(recorded: Recorded) -> None:
    """What strategies remember goes with the strategies' own state, so they are asked to."""
    half = len(recorded.entries) // 2
    first = Engine(recorded.config, recorded.classes)
    for entry in recorded.entries[:half]:
        first.step(entry.key, entry.event)
    second = Engine(recorded.config, recorded.classes)
    second.restore_money(first.money_state())

    assert second.money_state() == first.money_state()
    assert state_hash(second.money_state()) == state_hash(first.money_state())


def test_e99_i13_processes_with_other_hash_seeds_give_the_same_bytes(recorded: Recorded) -> None:
    """The order of sets and of hashed names must not reach a fact."""
    seen = {
        subprocess.run(
            [sys.executable, "-m", "tests.support.recorded_session"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "4242")
    }

    assert seen == {f"{digest_of(recorded)} {a_backtest_fingerprint()}"}
