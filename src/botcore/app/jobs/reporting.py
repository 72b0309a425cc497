"""How a job says how far it is, and what happens."""

from collections.abc import Callable
from typing import NamedTuple


class Reporting(NamedTuple):
    """Units done and in all; and lines for the job's log."""

    progress: Callable[[int, int], None]
    say: Callable[[str], None]
