"""What tests of the running platform share: one of them a module, which trades while it is up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.api_platform import ApiPlatform
from tests.support.open_room import UNLIMITED


@pytest.fixture(scope="module")
def api_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiPlatform]:
    """A platform for whoever leaves it as it was; its rates are beyond what tests ask."""
    rates = {f"rates__{name}": str(value) for name, value in UNLIMITED.items()}
    process = ApiPlatform(
        tmp_path_factory.mktemp("shared") / "home",
        bar_s="1",
        history_days="0.02",
        limits__orders_per_s="1000",
        **rates,
    )
    process.up()
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.stop()
