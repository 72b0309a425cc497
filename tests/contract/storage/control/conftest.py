"""The control process's store, each test in one of its own, once on each database."""

from collections.abc import Iterator

import pytest

from botcore.app.control_store import ControlStores, open_control
from botcore.kernel.clock import ManualClock

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_NS)


@pytest.fixture
def control(store_url: str, clock: ManualClock) -> Iterator[ControlStores]:
    opened = open_control(store_url, clock=clock)
    yield opened
    opened.close()
