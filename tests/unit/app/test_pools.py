"""What health says of pools."""

from pathlib import Path

from tests.support.sample_view import sample_view

from botcore.app.pools import pools
from botcore.control.views import QueueView
from botcore.storage import Store


class _Control:
    in_words = "well"


def test_the_pools_say_how_long_the_engine_s_own_lines_are(tmp_path: Path) -> None:
    view = sample_view(queues=(QueueView("journal", 3, 65_536),))

    with Store(f"sqlite:///{tmp_path / 'engine.db'}") as store:
        found = pools(_Control(), store, view)

    assert found == {
        "control store": "well",
        "engine store, read here": "0 of 15 connections in use",
        "engine, journal": "3 of 65536 wait",
    }


def test_without_an_engine_its_lines_are_not_there(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'engine.db'}") as store:
        assert set(pools(_Control(), store, None)) == {"control store", "engine store, read here"}
