"""What people want run: above the settings, and never in the way of a start."""

import json
from pathlib import Path

import pytest

from botcore.app.composing import Composed, compose
from botcore.app.composition import strategies_of
from botcore.app.desired import (
    COMPOSED,
    DESIRED,
    NOTHING,
    Desired,
    DesiredStrategy,
    read_desired,
    write_desired,
)
from botcore.app.home import Home
from botcore.app.settings import Settings, load_settings
from botcore.app.simulated_prices import SimulatedPrices
from botcore.domain.errors import ConfigError
from botcore.domain.numbers import use_money_context

BTC = "BTCUSDT.SIM"


class Machine:
    """A home and its settings, with two strategies in them."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.settings: Settings = load_settings(
            home=folder,
            strategies={"rsi": {"strategy": "rsi"}, "cross": {"strategy": "ema-cross"}},
            limits={"order_frac": 0.12},
        )
        self.market = SimulatedPrices(self.settings, self.home)

    def wants(self, **more: object) -> None:
        write_desired(self.home, Desired(**more))  # type: ignore[arg-type]  # any values

    def composed(self) -> Composed:
        return compose(self.settings, self.market, self.home)

    def running(self) -> dict[str, dict[str, float]]:
        return {each.id: dict(each.parameters) for each in self.composed().config.strategies}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    use_money_context()
    return Machine(tmp_path)


def test_without_a_document_the_settings_are_run(machine: Machine) -> None:
    composed = machine.composed()

    assert [each.id for each in composed.config.strategies] == ["rsi", "cross"]
    assert (composed.desired, composed.refused, composed.stopped) == (NOTHING, "", ())


def test_what_is_desired_stands_above_the_settings(machine: Machine) -> None:
    machine.wants(
        revision=3,
        strategies={
            "rsi": DesiredStrategy(strategy="rsi", parameters={"period": 20}, equity_frac=0.3),
            "cross": DesiredStrategy(strategy="ema-cross", is_active=False),
            "mine": DesiredStrategy(strategy="macd", instruments=(BTC,)),
        },
        limits={"order_frac": 0.2, "instrument_frac": 0.3},
    )

    composed = machine.composed()

    rsi, mine = composed.config.strategies
    (account,) = composed.config.accounts
    assert rsi.parameters == {"period": 20}
    assert rsi.sizing.equity_frac == pytest.approx(0.1), "a third on each of three"
    assert (mine.id, mine.instruments) == ("mine", (BTC,))
    assert mine.sizing.equity_frac == pytest.approx(0.1)
    assert [(each.id, each.status) for each in composed.stopped] == [("cross", "stopped")]
    assert (account.limits.order_frac, account.limits.instrument_frac) == (0.2, 0.3)
    assert account.limits.drawdown_frac == machine.settings.limits.drawdown_frac
    assert composed.refused == ""
    assert composed.desired.revision == 3


def test_everything_can_be_stopped(machine: Machine) -> None:
    machine.wants(
        strategies={
            name: DesiredStrategy(strategy=each.strategy, is_active=False)
            for name, each in strategies_of(machine.settings).items()
        }
    )

    composed = machine.composed()

    assert composed.config.strategies == ()
    assert composed.refused == ""


def one(**fields: object) -> dict[str, object]:
    return {"strategies": {"mine": {"strategy": "macd", **fields}}}


BAD = [
    ("{", "DESIRED_MALFORMED"),
    ('{"strategies": 3}', "DESIRED_MALFORMED"),
    ('{"strategy": {}}', "DESIRED_MALFORMED"),
    (json.dumps(one(strategy="macdd")), "STRATEGY_UNKNOWN"),
    (json.dumps(one(parameters={"fats": 3})), "PARAMETER"),
    (json.dumps(one(parameters={"fast": -3})), "PARAMETER"),
    (json.dumps(one(instruments=["MOONUSDT.SIM"])), "INSTRUMENT_UNKNOWN"),
    (json.dumps(one(instruments=[])), "NO_INSTRUMENT"),
    (json.dumps(one(equity_frac=1.5)), "DESIRED_MALFORMED"),
    (json.dumps({"strategies": {"manual": {"strategy": "macd"}}}), "STRATEGY_NAME_RESERVED"),
    (json.dumps({"strategies": {"M!": {"strategy": "macd"}}}), "NAME_MALFORMED"),
    (json.dumps({"limits": {"order_frac": 0}}), "LIMIT_REFUSED"),
    (json.dumps({"limits": {"orders": 1}}), "LIMIT_UNKNOWN"),
]


@pytest.mark.parametrize(
    ("document", "why"), BAD, ids=[f"{why}-{n}" for n, (_, why) in enumerate(BAD)]
)
def test_what_cannot_be_composed_leaves_what_ran_last(
    machine: Machine, document: str, why: str
) -> None:
    machine.wants(strategies={"rsi": DesiredStrategy(strategy="rsi", parameters={"period": 20})})
    before = machine.running()
    (machine.home.state / DESIRED).write_text(document)

    composed = machine.composed()

    assert why in composed.refused
    assert {e.id: dict(e.parameters) for e in composed.config.strategies} == before
    assert before["rsi"] == {"period": 20}


def test_what_never_could_be_composed_leaves_the_settings(machine: Machine) -> None:
    (machine.home.state / DESIRED).write_text("{")
    (machine.home.state / COMPOSED).write_text("{")

    composed = machine.composed()

    assert "DESIRED_MALFORMED" in composed.refused
    assert [each.id for each in composed.config.strategies] == ["rsi", "cross"]


def test_a_strategy_of_ones_own_that_raises_does_not_stop_the_start(machine: Machine) -> None:
    machine.home.strategies.mkdir()
    (machine.home.strategies / "mine.py").write_text("raise RuntimeError('no')\n")
    machine.wants(strategies={"mine": DesiredStrategy(strategy="mine")})

    composed = machine.composed()

    assert composed.refused
    assert [each.id for each in composed.config.strategies] == ["rsi", "cross"]


def test_settings_that_cannot_be_composed_are_refused(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, strategies={"mine": {"strategy": "macdd"}})
    home = Home(tmp_path)

    with pytest.raises(ConfigError, match="STRATEGY_UNKNOWN"):
        compose(settings, SimulatedPrices(settings, home), home)


def test_the_document_is_written_whole_and_read_back(machine: Machine) -> None:
    desired = Desired(
        revision=7,
        strategies={"a": DesiredStrategy(strategy="rsi", instruments=(BTC,), is_active=False)},
        limits={"orders_per_s": 3},
    )

    write_desired(machine.home, desired)

    assert read_desired(machine.home) == desired
    assert not list(machine.home.state.glob("*.tmp"))


@pytest.mark.parametrize("earlier", [{}, {"limits": {"order_frac": 0.14}}])
def test_limits_that_a_person_changed_stand_where_a_strategy_cannot_be_composed(
    machine: Machine, earlier: dict[str, object]
) -> None:
    machine.wants(revision=1, **earlier)
    machine.composed()
    machine.wants(
        revision=2,
        limits={"order_frac": 0.02},
        strategies={"mine": DesiredStrategy(strategy="gone")},
    )

    composed = machine.composed()

    (account,) = composed.config.accounts
    assert account.limits.order_frac == 0.02
    assert "STRATEGY_UNKNOWN" in composed.refused
    assert [each.id for each in composed.config.strategies] == ["rsi", "cross"]


def test_limits_that_cannot_be_used_leave_those_of_the_last_start(machine: Machine) -> None:
    machine.wants(limits={"order_frac": 0.02})
    machine.composed()
    machine.wants(limits={"order_frac": 0})

    composed = machine.composed()

    (account,) = composed.config.accounts
    assert account.limits.order_frac == 0.02
    assert "LIMIT_REFUSED" in composed.refused
