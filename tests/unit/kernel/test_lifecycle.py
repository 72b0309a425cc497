import pytest

from botcore.domain.errors import InvariantBroken
from botcore.kernel import Lifecycle, LifeState


class _Part:
    def __init__(self, name: str, log: list[str], *, fails_at: str = "") -> None:
        self.name = name
        self._log = log
        self._fails_at = fails_at

    def start(self) -> None:
        self._do("start")

    def stop(self) -> None:
        self._do("stop")

    def _do(self, what: str) -> None:
        self._log.append(f"{what} {self.name}")
        if what == self._fails_at:
            raise RuntimeError(f"{self.name} cannot {what}")


def test_components_start_in_order_and_stop_in_the_opposite_one() -> None:
    log: list[str] = []

    states: list[LifeState] = []

    with Lifecycle([_Part("store", log), _Part("engine", log)]) as life:
        states.append(life.state)
    states.append(life.state)

    assert log == ["start store", "start engine", "stop engine", "stop store"]
    assert states == [LifeState.RUNNING, LifeState.STOPPED]


def test_a_failed_start_stops_what_had_started_and_tells_why() -> None:
    log: list[str] = []
    life = Lifecycle([_Part("store", log), _Part("engine", log, fails_at="start")])

    with pytest.raises(RuntimeError, match="engine cannot start"):
        life.start()

    assert log == ["start store", "start engine", "stop store"]
    assert life.state is LifeState.STOPPED


def test_a_component_that_fails_to_stop_does_not_keep_the_others_from_stopping() -> None:
    log: list[str] = []
    life = Lifecycle([_Part("store", log), _Part("engine", log, fails_at="stop")])
    life.start()

    with pytest.raises(RuntimeError, match="engine cannot stop"):
        life.stop()
    life.stop()

    assert log[2:] == ["stop engine", "stop store"]


def test_a_life_is_started_once() -> None:
    life = Lifecycle([])
    life.start()

    with pytest.raises(InvariantBroken, match="RUNNING"):
        life.start()
