"""Restoring: with snapshot, without, with a damaged one, from an old copy; ids never come back."""

import shutil
from pathlib import Path

import msgspec
import pytest
from tests.support.crashes import Copies, copy_of, copying, disagreements, truth_of
from tests.support.engine_under_test import IN_PROCESS, EngineUnderTest, LocalVenue, Run, play
from tests.support.scripted_trading import PAPER, STRATEGIES, engine_config, tape

from botcore.app.recovering import next_epoch
from botcore.app.restoring import Restored, restore
from botcore.domain.events import OrderPlaced
from botcore.domain.ids import SECOND_NS, ClientOrderId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState
from botcore.domain.records import RecordKind, decode_fact
from botcore.engine import Engine
from botcore.storage import SqlJournal, Store, read_journal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HALF = 6
"""Bars after which an entry has filled, its exits work, and another order rests."""


def opened(home: Path) -> EngineUnderTest:
    """An engine in a home, recovered and ready to trade."""
    venue = LocalVenue(home / "venue.db")
    engine = EngineUnderTest(home, venue, horizon=IN_PROCESS, in_lockstep=True)
    engine.open()
    return engine


def ended(engine: EngineUnderTest) -> EngineUnderTest:
    """The same engine, stopped in order."""
    engine.close()
    engine.store.close()
    return engine


@pytest.fixture
def half_way(tmp_path: Path) -> Path:
    """A home in which a session traded half of the tape and was stopped."""
    home = tmp_path / "half-way"
    home.mkdir()
    engine = opened(home)
    engine.play(until=HALF)
    ended(engine)
    return home


def restored_in(home: Path, *, use_snapshot: bool = True) -> tuple[str, Restored]:
    """The state hash that a fresh engine restores in a home, and how."""
    fresh = Engine(engine_config(), STRATEGIES)
    with Store(f"sqlite:///{home / 'engine.db'}") as store, SqlJournal(store) as journal:
        how = restore(fresh, journal, use_snapshot=use_snapshot)
    fresh.desk.portfolio.verify()
    return fresh.state_hash(), how


def placed_in(home: Path) -> list[ClientOrderId]:
    """The ids of all orders that the journal of a home holds."""
    with Store(f"sqlite:///{home / 'engine.db'}") as store:
        facts = [decode_fact(r.payload) for r in read_journal(store) if r.kind is RecordKind.FACT]
    return [fact.order.client_order_id for fact in facts if isinstance(fact, OrderPlaced)]


def epoch_of(order: ClientOrderId) -> int:
    """The epoch that an id carries."""
    return int(order.split("-")[2], 36)


# I12.


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    home, into = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("copies")
    with copying(home, into) as copies:
        play(Run(home=str(home)))
    return copies


def test_i12_e70_every_crash_restores_to_one_hash_with_and_without_a_snapshot(
    crashes: Copies, tmp_path: Path
) -> None:
    with_snapshot = 0
    for name, folder in crashes.folders:
        home = copy_of(folder, tmp_path / name)

        folded, whole = restored_in(home, use_snapshot=False)
        restored, shorter = restored_in(home)

        assert restored == folded, name
        with_snapshot += shorter.facts < whole.facts
        shutil.rmtree(home)
    assert with_snapshot > 10


def test_k22_a_kill_during_a_snapshot_leaves_the_old_one_or_the_new_one(
    crashes: Copies, tmp_path: Path
) -> None:
    home = copy_of(crashes.first["journal.acted"], tmp_path / "home")

    folded, _ = restored_in(home, use_snapshot=False)
    restored, how = restored_in(home)

    assert restored == folded
    assert how.refused == ""


# Damaged snapshots.


def _change_snapshot(home: Path, state: bytes, *, keeps_checksum: bool) -> None:
    """Put other bytes into the newest snapshot: as damage does, or as another version would."""
    with Store(f"sqlite:///{home / 'engine.db'}") as store, SqlJournal(store) as journal:
        newest = journal.latest_snapshot()
        assert newest is not None
        if keeps_checksum:
            journal.save_snapshot(newest.lsn, state, newest.digest)
        else:
            with store.writing() as connection:
                connection.exec_driver_sql(
                    "UPDATE snapshots SET state = ? WHERE lsn = ?", (state, newest.lsn)
                )


def _snapshot(home: Path) -> bytes:
    with Store(f"sqlite:///{home / 'engine.db'}") as store, SqlJournal(store) as journal:
        newest = journal.latest_snapshot()
        assert newest is not None
        return newest.state


def test_d18_a_snapshot_with_a_flipped_bit_is_passed_over(half_way: Path) -> None:
    expected, _ = restored_in(half_way)
    state = bytearray(_snapshot(half_way))
    state[len(state) // 2] ^= 1
    _change_snapshot(half_way, bytes(state), keeps_checksum=False)

    found, _ = restored_in(half_way)

    assert found == expected


@pytest.mark.parametrize("room", ["execution", "portfolio", "risk", "none"])
def test_d18_a_snapshot_that_cannot_be_read_is_passed_over_for_the_journal(
    room: str, half_way: Path
) -> None:
    expected, before = restored_in(half_way)
    assert before.refused == ""
    if room == "none":
        state = b"\xc1 no msgpack"
    else:  # whole, and of a shape that this room does not know
        content = msgspec.msgpack.decode(_snapshot(half_way))
        content["money"][room] = {"of another": "version"}
        state = msgspec.msgpack.encode(content)
    _change_snapshot(half_way, state, keeps_checksum=True)

    found, how = restored_in(half_way)

    assert found == expected
    assert "cannot be read" in how.refused
    assert how.facts > before.facts


# Restarts.


def test_e63_a_restart_with_positions_and_orders_is_the_state_before_and_sends_nothing(
    half_way: Path,
) -> None:
    before, _ = restored_in(half_way)
    venue_before = LocalVenue(half_way / "venue.db").simulated.snapshot()

    first = ended(opened(half_way))
    orders = len(placed_in(half_way))
    second = ended(opened(half_way))

    assert first.engine.state_hash() == second.engine.state_hash()
    assert LocalVenue(half_way / "venue.db").simulated.snapshot() == venue_before
    assert len(placed_in(half_way)) == orders
    working = [o for o in first.engine.desk.execution.index if not o.is_terminal]
    assert working
    assert any(p.quantity for p in first.engine.desk.portfolio.positions(PAPER))
    after, _ = restored_in(half_way)
    assert after == before


def test_r10_nothing_is_placed_before_everything_is_reconciled(half_way: Path) -> None:
    engine = opened(half_way)
    before = len(placed_in(half_way))
    engine.recovery.begin(engine.engine.desk.execution.epoch)

    for event in tape()[1:3]:  # bars on which the strategies would enter
        engine.session.input(event, event.ts_close)
    assert not engine.engine.deciders.is_ready
    assert len(placed_in(half_way)) == before

    engine.recovery.finish()
    assert engine.engine.deciders.is_ready
    ended(engine)


# Ids and epochs.


def test_r11_every_id_carries_the_epoch_of_its_session(half_way: Path) -> None:
    early = placed_in(half_way)
    engine = opened(half_way)
    epoch = engine.engine.desk.execution.epoch
    engine.play()
    ended(engine)

    late = placed_in(half_way)[len(early) :]

    assert len({epoch_of(order) for order in early}) == 1
    assert {epoch_of(order) for order in late} == {epoch}
    assert epoch > epoch_of(early[0])


def test_r2_an_old_copy_of_the_store_never_uses_an_id_or_an_epoch_again(
    half_way: Path, tmp_path: Path
) -> None:
    backup = copy_of(half_way, tmp_path / "backup")
    known = set(placed_in(backup))
    engine = opened(half_way)
    engine.play()
    last_epoch = engine.engine.desk.execution.epoch
    ended(engine)
    used = set(placed_in(half_way)) - known
    assert used

    # Last night's backup of the engine; the venue knows what happened since.
    shutil.copy(half_way / "venue.db", backup / "venue.db")
    again = opened(backup)
    assert again.engine.desk.execution.epoch > last_epoch
    again.play()
    ended(again)

    new = set(placed_in(backup)) - known
    assert new
    assert not new & used
    truth = truth_of(LocalVenue(backup / "venue.db").simulated)
    assert set(truth.acceptances.values()) == {1}
    assert not any(order.state is OrderState.REJECTED for order in truth.records.orders)


def test_r2_an_epoch_is_above_the_last_one_and_above_every_earlier_clock() -> None:
    wall = 1_800_000_000 * SECOND_NS

    assert next_epoch(0, wall) > next_epoch(0, wall - SECOND_NS // 500)
    assert next_epoch(0, wall) > next_epoch(next_epoch(0, wall - SECOND_NS), wall - SECOND_NS // 2)
    assert next_epoch(10**18, wall) == 10**18 + 1  # a clock that was put back


def test_the_account_trades_on_after_a_restart_half_way(half_way: Path) -> None:
    engine = opened(half_way)
    engine.play()
    ended(engine)

    assert engine.engine.desk.risk.account(PAPER).mode is Mode.NORMAL
    venue = LocalVenue(half_way / "venue.db").simulated
    assert disagreements(engine.dump(), truth_of(venue)) == []
