"""Where few open orders end and many begin, moved: what thousands rest on shows with a handful."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from botcore.execution import index
from botcore.venues.simulated import instrument_orders

NEVER = 1 << 62


@contextmanager
def many_above(count: int) -> Iterator[None]:
    """Hold more than `count` open orders on an instrument for many: 0 sums and files them all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "FEW", count)
        patch.setattr(instrument_orders, "FEW", count)
        yield
