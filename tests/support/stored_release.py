"""A small store of a release: made once by that release, opened by every later one.

``python -m tests.support.stored_release FOLDER`` writes the journal with its projections and
snapshot, the paper venue's store, the tape, the market's state, and ``expected.json`` with what
must be found in them. It trades the shipped account in virtual time on one-minute bars.
"""

import json
import sys
from pathlib import Path

import botcore
from botcore.app.composition import PAPER, USDT, engine_config
from botcore.app.feed import bars_of, market_config, save_state
from botcore.app.home import Home
from botcore.app.market_tape import Tape
from botcore.app.recording import Recorder
from botcore.app.restoring import capture, encode_state
from botcore.app.settings import Settings, load_settings
from botcore.domain.commands import ApplyConfig, Checkpoint, Deposit, Reconciled, SessionStarted
from botcore.domain.ids import DAY_NS
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarSpec
from botcore.domain.numbers import use_money_context
from botcore.engine import Engine, Sequencer, Session
from botcore.storage import SqlJournal, Store
from botcore.venues.simulated import SimulatedVenue, SqliteVenueStore, VenueConfig
from botcore.venues.simulated.market import SimulatedMarket

ORIGIN_NS = 1_735_689_600_000_000_000  # 2025-01-01T00:00:00Z
BARS = 720


def settings_of(home: Path) -> Settings:
    """Return the settings under which the stored account trades."""
    return load_settings(home=home, bar_s=60.0, history_days=0.1)


def write(folder: Path) -> None:
    """Trade for twelve hours of virtual time and keep everything."""
    use_money_context()
    home = Home(folder)
    settings = settings_of(folder)
    config, classes = engine_config(settings)
    engine = Engine(config, classes)
    store = Store(home.journal_url)
    journal = SqlJournal(store)
    tape = Tape(home.tape, max_bytes=1 << 24)
    recorder = Recorder(journal=journal, tape=tape, account=PAPER, on_fact=lambda _lsn, _fact: None)
    venue = SimulatedVenue(
        instruments=InstrumentBook(config.instruments),
        config=VenueConfig(),
        store=SqliteVenueStore(home.venue),
    )
    session = Session(engine=engine, venue=venue, sequencer=Sequencer(), commit=recorder.commit)
    market = SimulatedMarket(market_config(settings), 7, origin_ns=ORIGIN_NS)
    spec = BarSpec(market.config.bar_ns)
    venue.deposit(PAPER, USDT, settings.cash)
    session.input(ApplyConfig(PAPER, config.document()), ORIGIN_NS)
    session.input(SessionStarted(PAPER, 1), ORIGIN_NS)
    session.input(Deposit(PAPER, USDT, f"{settings.cash:f}", "opening"), ORIGIN_NS)
    for bars in bars_of(
        market.history(round(settings.history_days * DAY_NS) // spec.step_ns), spec
    ):
        session.input(bars, bars.ts_close)
    session.input(Reconciled(PAPER, 0), market.ts_open(market.next_bar))
    last = 0
    for _ in range(BARS):
        for bars in bars_of(market.history(1), spec):
            session.bars(bars)
            last = bars.ts_close
    session.input(Checkpoint(PAPER), last)
    state, digest = encode_state(capture(engine, last))
    journal.save_snapshot(journal.last_lsn, state, digest)
    save_state(home, market, last)
    expected = {
        "version": botcore.__version__,
        "records": journal.last_lsn,
        "state_hash": engine.state_hash(),
        "equity": f"{engine.desk.valuation.equity_exact(PAPER):f}",
        "positions": {
            f"{p.strategy}/{p.instrument}": f"{p.quantity:f}"
            for p in engine.desk.portfolio.positions(PAPER)
            if p.quantity
        },
    }
    tape.close()
    journal.close()
    store.close()
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
