"""What keeps a control room going."""

from pathlib import Path

import pytest
from tests.support.sample_view import sample_view

from botcore.app.home import Home
from botcore.app.running_market import FollowedMarket
from botcore.app.tending import _seed
from botcore.backtest.demo import demo_instruments
from botcore.control.views import PlatformView
from botcore.domain.errors import StorageError
from botcore.domain.ids import MINUTE_NS
from botcore.storage.tape import TapeReader


class Platform:
    def view(self) -> PlatformView:
        return sample_view()

    def view_age_s(self) -> float:
        return 0.0


def test_a_tape_that_cannot_be_read_costs_the_past_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (instrument, *_) = demo_instruments()
    market = FollowedMarket(platform=Platform())
    market.use([instrument], MINUTE_NS)
    home.tape.mkdir(parents=True, exist_ok=True)
    (home.tape / "tape-1.seg").mkdir()  # a folder where a segment should be
    with pytest.raises(StorageError):
        list(TapeReader(home.tape).read())

    _seed(market, home)

    assert market.bars(instrument.id) == []
