"""A program that appends until it is killed, and says on stdout what is durable.

Each step is one fill with all that belongs to it (`STEP` records in one append); every few steps
there is a snapshot, whose state is the number of records it covers.
"""

import itertools
import sys

from tests.contract.storage.facts import entries, filled, placed

from botcore.storage import SqlJournal, Store

STEP = 4


def run(url: str) -> None:
    journal = SqlJournal(Store(url), batch_max=6)
    for number in itertools.count(journal.last_lsn):
        lsn = journal.append(entries([placed(number), *filled(number, number)], seq=number))
        if number % 3:
            continue  # some steps share a commit with the next
        journal.wait_durable(lsn)
        print(lsn, flush=True)
        if number % 5 == 0:
            journal.save_snapshot(lsn, b"%d" % lsn, "digest")


if __name__ == "__main__":
    run(sys.argv[1])
