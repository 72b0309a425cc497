"""The stores of every release are opened, verified and traded on by this version."""

import json
import shutil
from pathlib import Path

import pytest
from tests.support.stored_release import settings_of

from botcore.app.composition import PAPER, engine_config
from botcore.app.feed import load_state
from botcore.app.home import Home
from botcore.app.market_tape import Tape
from botcore.app.restoring import restore
from botcore.domain.numbers import use_money_context
from botcore.engine import Engine
from botcore.storage import SqlJournal, Store, verify
from botcore.venues.simulated import SqliteVenueStore

STORES = sorted((Path(__file__).parents[1] / "data" / "stores").glob("*/"))


def restored(home: Home, *, use_snapshot: bool) -> Engine:
    use_money_context()
    config, classes = engine_config(settings_of(home.path))
    engine = Engine(config, classes)
    with Store(home.journal_url) as store, SqlJournal(store) as journal:
        restore(engine, journal, use_snapshot=use_snapshot)
    return engine


@pytest.mark.parametrize("stored", STORES, ids=lambda path: path.name)
def test_a_stored_release_opens_whole_and_leads_to_the_same_state(
    stored: Path, tmp_path: Path
) -> None:
    home = Home(shutil.copytree(stored, tmp_path / "home"))
    expected = json.loads((home.path / "expected.json").read_text())

    with Store(home.journal_url) as store:
        store.upgrade()
        findings = verify(store)
    by_snapshot = restored(home, use_snapshot=True)
    by_facts = restored(home, use_snapshot=False)

    assert findings == []
    assert by_snapshot.state_hash() == by_facts.state_hash() == expected["state_hash"]
    by_facts.desk.portfolio.verify()
    assert {
        f"{p.strategy}/{p.instrument}": f"{p.quantity:f}"
        for p in by_facts.desk.portfolio.positions(PAPER)
        if p.quantity
    } == expected["positions"]
    assert SqliteVenueStore(home.venue).load() is not None
    assert load_state(home) is not None
    tape = Tape(home.tape, max_bytes=1 << 24)
    assert sum(1 for _ in tape.read()) > 100
    tape.close()


def test_there_is_a_store_of_every_release() -> None:
    assert "0.1.0" in [path.name for path in STORES]
