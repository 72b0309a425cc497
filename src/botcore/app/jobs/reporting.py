"""For whom a job works, and how it says how far it is, and what happens."""

from collections.abc import Callable
from typing import NamedTuple


class Reporting(NamedTuple):
    """Units done and in all; lines for the job's log; and the id of its owner."""

    progress: Callable[[int, int], None]
    say: Callable[[str], None]
    owner: str = ""
