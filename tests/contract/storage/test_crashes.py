"""SIGKILL from outside, to a process that holds real files and connections."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.contract.storage.appender import STEP

from botcore.storage import SqlJournal, Store, read_journal, verify
from botcore.storage.tables import orders, positions, postings, trades

ROOT = Path(__file__).resolve().parents[3]


def _append_until_killed(url: str, after_lines: int) -> int:
    """Run the appender, kill it after so many reports, and return the last durable number."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.storage.appender", url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    with program.stdout as said:
        reported = [said.readline() for _ in range(after_lines)]
        program.send_signal(signal.SIGKILL)
        reported += said.readlines()
    assert program.wait() == -signal.SIGKILL
    # The last line may be torn; a whole one ends with a line feed.
    return max(int(line) for line in reported if line.endswith("\n"))


@pytest.mark.slow
def test_k03_k13_a_kill_inside_commits_loses_nothing_durable_and_halves_nothing(
    store_url: str,
) -> None:
    for round_, lines in enumerate((1, 2, 3, 5, 8, 13)):
        durable = _append_until_killed(store_url, lines)

        with Store(store_url) as store:
            records = list(read_journal(store))
            assert [record.lsn for record in records] == list(range(1, len(records) + 1)), round_
            assert len(records) >= durable
            assert len(records) % STEP == 0  # one append is in the journal whole or not at all
            assert verify(store) == []
            with store.reading() as connection:
                steps = len(records) // STEP
                for table, rows in ((orders, 1), (trades, 1), (postings, 3)):
                    counted = connection.execute(sa.select(sa.func.count()).select_from(table))
                    assert counted.scalar() == steps * rows
                assert connection.execute(sa.select(positions.c.lsn)).scalar() == len(records)


@pytest.mark.slow
def test_k22_a_kill_among_snapshots_leaves_an_old_one_or_the_new_one(store_url: str) -> None:
    seen = 0
    for lines in (4, 7, 9):
        _append_until_killed(store_url, lines)

        with Store(store_url) as store, SqlJournal(store) as journal:
            snapshot = journal.latest_snapshot()
            assert snapshot is not None
            assert snapshot.lsn <= journal.last_lsn
            assert snapshot.state == b"%d" % snapshot.lsn
            assert snapshot.lsn >= seen
            seen = snapshot.lsn
            # The snapshot and what came after it are the whole, with nothing between.
            later = [record.lsn for record in journal.read(after=snapshot.lsn)]
            assert later == list(range(snapshot.lsn + 1, journal.last_lsn + 1))
