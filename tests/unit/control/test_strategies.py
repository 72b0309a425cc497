import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.sample_view import sample_view

from botcore.control.access import GRANTS, Actor, ActorKind, Role, Scope
from botcore.control.handlers.strategies import StrategyHandlers
from botcore.control.handling import Context
from botcore.control.noting import Noted
from botcore.control.operations import Page
from botcore.control.problems import Conflict, Forbidden, NotFound, Refused, Unavailable
from botcore.control.schema import strategies as s
from botcore.control.strategies_port import SetUp, SetUpVersion, Taken
from botcore.control.views import PlatformView, StrategyView
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.questions import OpenNow
from botcore.strategies.rules import compiled

ALICE = Actor(
    kind=ActorKind.PERSON,
    name="person:alice",
    user="u1",
    role=Role.TRADER,
    scopes=GRANTS[Role.TRADER],
)
CONTEXT = Context(ALICE, "c1", "r1", Noted())


class MemorySetUps:
    def __init__(self, **setups: SetUp) -> None:
        self.kept: dict[str, list[SetUpVersion]] = {
            name: [SetUpVersion(id=name, version=0, author="settings", at=0, setup=each)]
            for name, each in setups.items()
        }

    async def newest(self) -> Mapping[str, SetUpVersion]:
        return {name: versions[-1] for name, versions in self.kept.items()}

    async def versions(self, strategy: str) -> Sequence[SetUpVersion]:
        return list(reversed(self.kept.get(strategy, [])))

    async def write(
        self,
        strategy: str,
        setup: SetUp,
        *,
        author: str,
        after: int,
        is_deleted: bool = False,
        undo_of: int | None = None,
    ) -> SetUpVersion:
        versions = self.kept.setdefault(strategy, [])
        if versions and versions[-1].version != after:
            raise Conflict(code="VERSION_CHANGED", cause="another came between", fix="look again")
        written = SetUpVersion(
            id=strategy,
            version=after + 1,
            author=author,
            at=10**18,
            setup=setup,
            is_deleted=is_deleted,
            undo_of=undo_of,
        )
        versions.append(written)
        return written


class Catalogue:
    def __init__(self) -> None:
        self.digest = "d1"

    def rules(self, name: str) -> s.Rules | None:
        return s.Rules(name=name, document={}, digest=self.digest) if name == "dip" else None

    def check(self, name: str, parameters: Mapping[str, float]) -> None:
        if name != "ema-cross":
            raise ConfigError(code="STRATEGY_UNKNOWN", cause=f"no {name}", fix="choose another")
        if set(parameters) - {"fast", "slow"}:
            raise ConfigError(code="PARAMETER_UNKNOWN", cause="no such", fix="choose another")


class FakeEngine:
    def __init__(self, *running: StrategyView) -> None:
        self.document: PlatformView | None = msgspec.structs.replace(
            sample_view(), strategies=running, positions=(), orders=()
        )
        self.told: list[str] = []
        self.open: dict[str, OpenNow] = {}
        self.answer: BotError | None = None

    def view(self) -> PlatformView | None:
        return self.document

    async def pause(self, strategy: str, *, by: str) -> None:
        self.told.append(f"pause {strategy} by {by}")

    async def resume(self, strategy: str, *, by: str) -> None:
        self.told.append(f"resume {strategy} by {by}")
        assert self.document is not None
        self.document = msgspec.structs.replace(
            self.document,
            strategies=tuple(
                msgspec.structs.replace(each, status="running") if each.id == strategy else each
                for each in self.document.strategies
            ),
        )

    async def open_of(self, strategy: str) -> OpenNow:
        if self.answer is not None:
            raise self.answer
        return self.open.get(strategy, OpenNow(orders=0, positions=0))

    async def refuse_untraded(self, symbols: Sequence[str]) -> None:
        if "MOONUSDT.SIM" in symbols:
            raise ConfigError(code="INSTRUMENT_UNKNOWN", cause="not traded", fix="choose another")

    async def take_up(self, strategy: str, setup: SetUp) -> Taken:
        self.told.append("take up")
        return Taken.IN_FORCE

    async def decisions(
        self, strategy: str, symbol: str, *, limit: int, before: int | None
    ) -> Sequence[s.Decision]:
        return ()

    def signals(self, *, strategy: str, symbol: str, limit: int, cursor: str) -> Page[s.Signal]:
        return Page(items=())


class Desk:
    def __init__(self, *running: StrategyView, **setups: SetUp) -> None:
        self.setups = MemorySetUps(**setups)
        self.engine = FakeEngine(*running)
        self.catalogue = Catalogue()
        self.handlers = StrategyHandlers(
            setups=self.setups,
            catalogue=self.catalogue,  # type: ignore[arg-type]  # these tests only check names
            engine=self.engine,
        ).handlers()

    def do(self, request: Any, actor: Actor = ALICE) -> Any:
        self.noted = Noted()
        context = CONTEXT._replace(actor=actor, noted=self.noted)
        return asyncio.run(self.handlers[type(request)].carry_out(context, request))

    def effect(self, request: Any, actor: Actor = ALICE) -> Any:
        effect = self.handlers[type(request)].effect
        assert effect is not None
        return asyncio.run(effect(CONTEXT._replace(actor=actor), request))

    def ground(self, request: Any) -> Any:
        rests_on = self.handlers[type(request)].rests_on
        assert rests_on is not None
        return asyncio.run(rests_on(CONTEXT, request))


def running(name: str, status: str = "running") -> StrategyView:
    return StrategyView(name, "EMA cross", status, "", "1.50", ())


def cross(*, is_active: bool = True, **parameters: float) -> SetUp:
    return SetUp(strategy="ema-cross", parameters=parameters, is_active=is_active)


def test_starting_answers_what_the_strategy_does_once_it_was_resumed() -> None:
    desk = Desk(running("fast", "paused"), fast=cross(is_active=False))

    changed = desk.do(s.StartStrategy(id="fast"))

    assert desk.engine.told[-1] == "resume fast by person:alice"
    assert changed.strategy.status == "running"


def test_a_strategy_is_set_up_as_version_one_and_taken_up_by_the_engine() -> None:
    desk = Desk()

    changed = desk.do(s.CreateStrategy(id="mine", strategy="ema-cross", start=True))

    assert (changed.strategy.version, changed.strategy.is_active) == (1, True)
    assert changed.strategy.badge == "paper"
    assert desk.engine.told == ["take up"]


def test_a_strategy_with_an_unknown_parameter_is_refused_and_nothing_is_kept() -> None:
    desk = Desk()

    with pytest.raises(ConfigError):
        desk.do(s.CreateStrategy(id="mine", strategy="ema-cross", parameters={"nope": 1.0}))

    assert desk.setups.kept == {}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"id": "mine", "symbols": ("MOONUSDT.SIM",)}, "INSTRUMENT_UNKNOWN"),
        ({"id": "manual"}, "STRATEGY_NAME_RESERVED"),
    ],
)
def test_what_the_engine_could_not_be_composed_with_is_refused_and_not_kept(
    fields: dict[str, Any], code: str
) -> None:
    desk = Desk()

    with pytest.raises(BotError, match=code):
        desk.do(s.CreateStrategy(strategy="ema-cross", **fields))

    assert (desk.setups.kept, desk.engine.told) == ({}, [])


def test_an_update_to_what_is_not_traded_is_refused_and_not_kept() -> None:
    desk = Desk(a=cross())

    with pytest.raises(ConfigError, match="INSTRUMENT_UNKNOWN"):
        desk.do(s.UpdateStrategy(id="a", symbols=("MOONUSDT.SIM",)))

    assert len(desk.setups.kept["a"]) == 1


def test_an_id_is_taken_once() -> None:
    desk = Desk(a=cross())

    with pytest.raises(Conflict):
        desk.do(s.CreateStrategy(id="a", strategy="ema-cross"))


def test_an_update_changes_what_it_names_and_leaves_the_rest() -> None:
    desk = Desk(a=cross(fast=9.0, slow=21.0))

    changed = desk.do(s.UpdateStrategy(id="a", parameters={"fast": 5.0}))

    assert changed.strategy.parameters == {"fast": 5.0, "slow": 21.0}
    assert changed.strategy.equity_frac == 0.10


def test_an_update_of_a_version_that_is_not_the_newest_is_refused() -> None:
    desk = Desk(a=cross(fast=9.0))
    desk.do(s.UpdateStrategy(id="a", parameters={"fast": 5.0}, version=0))

    with pytest.raises(Conflict) as refused:
        desk.do(s.UpdateStrategy(id="a", parameters={"fast": 6.0}, version=0))

    assert refused.value.code == "VERSION_CHANGED"


def test_the_rules_that_the_documentation_shows_can_be_compiled() -> None:
    (operation,) = (each for each in s.OPERATIONS if each.request is s.WriteRules)
    shown = [each.document for each in operation.examples if isinstance(each, s.WriteRules)]

    assert [compiled(each).name for each in shown] == ["cheap"]


def test_undo_goes_back_one_version_and_says_what_it_undid() -> None:
    desk = Desk(a=cross(fast=9.0))
    desk.do(s.UpdateStrategy(id="a", parameters={"fast": 5.0}))

    changed = desk.do(s.UndoStrategy(id="a"))

    assert changed.strategy.parameters == {"fast": 9.0}
    versions = desk.do(s.ListVersions(id="a")).items
    assert [(v.version, v.change, v.undo_of) for v in versions] == [
        (2, "fast 5 → 9", 0),
        (1, "fast 9 → 5", None),
        (0, "as the settings say", None),
    ]


def test_undo_to_a_version_that_never_was_is_refused() -> None:
    desk = Desk(a=cross())

    with pytest.raises(Refused):
        desk.do(s.UndoStrategy(id="a", version=7))


def test_stopping_tells_the_engine_before_anything_is_remembered() -> None:
    desk = Desk(running("a"), a=cross())

    changed = desk.do(s.StopStrategy(id="a"))

    assert desk.engine.told == ["pause a by person:alice"]
    assert changed.strategy.is_active is False
    assert desk.setups.kept["a"][-1].setup.is_active is False


def test_starting_a_stopped_one_takes_it_up_and_asks_it_again() -> None:
    desk = Desk(running("a", "paused"), a=cross(is_active=False))

    desk.do(s.StartStrategy(id="a"))

    assert desk.engine.told == ["take up", "resume a by person:alice"]


def test_starting_what_runs_changes_nothing() -> None:
    desk = Desk(running("a"), a=cross())

    desk.do(s.StartStrategy(id="a"))

    assert desk.engine.told == []
    assert len(desk.setups.kept["a"]) == 1


def test_what_runs_or_holds_something_is_not_removed() -> None:
    desk = Desk(running("a"), a=cross())
    with pytest.raises(Conflict) as refused:
        desk.do(s.DeleteStrategy(id="a"))
    assert refused.value.code == "STRATEGY_RUNNING"

    for held in (OpenNow(orders=700, positions=0), OpenNow(orders=0, positions=1)):
        desk = Desk(a=cross(is_active=False))
        desk.engine.open["a"] = held
        with pytest.raises(Conflict, match="STRATEGY_HOLDS") as refused:
            desk.do(s.DeleteStrategy(id="a"))
        assert f"{held.positions} positions and {held.orders} orders" in refused.value.cause


def test_nothing_is_removed_while_nobody_knows_what_it_holds() -> None:
    desk = Desk(a=cross(is_active=False))
    desk.engine.document = None
    desk.engine.answer = Unavailable(code="ENGINE_NOT_RUNNING", cause="no engine", fix="start it")

    with pytest.raises(Unavailable):
        desk.do(s.DeleteStrategy(id="a"))

    assert len(desk.setups.kept["a"]) == 1


def test_what_was_removed_is_unknown_but_can_be_gone_back_to() -> None:
    desk = Desk(a=cross(is_active=False))
    desk.do(s.DeleteStrategy(id="a"))

    with pytest.raises(NotFound):
        desk.do(s.ReadStrategy(id="a"))
    assert desk.do(s.UndoStrategy(id="a")).strategy.id == "a"


def test_only_what_can_trade_raises_exposure() -> None:
    desk = Desk(stopped=cross(is_active=False), active=cross())
    change = {"fast": 5.0}

    assert desk.effect(s.UpdateStrategy(id="active", parameters=change)).is_raising
    assert not desk.effect(s.UpdateStrategy(id="stopped", parameters=change)).is_raising
    assert not desk.effect(s.CreateStrategy(id="b", strategy="ema-cross")).is_raising
    starting = desk.effect(s.StartStrategy(id="stopped"))
    assert (starting.words, starting.is_raising) == (
        "Let stopped (ema-cross) trade 10.0% of equity",
        True,
    )


def test_without_an_engine_a_change_is_stored_for_its_next_start() -> None:
    desk = Desk(a=cross())
    desk.engine.document = None

    async def not_running(strategy: str, setup: SetUp) -> Taken:
        return Taken.NOT_IN_FORCE

    desk.engine.take_up = not_running  # type: ignore[method-assign]  # an engine that is down
    changed = desk.do(s.UpdateStrategy(id="a", parameters={"fast": 5.0}))

    assert (changed.is_in_force, changed.strategy.status) == (False, "starting")


BOUND = Actor(
    kind=ActorKind.KEY,
    name="key:ab12cd34",
    user="u1",
    role=Role.TRADER,
    scopes=frozenset({Scope.MANAGE_BOTS}),
    session="ab12cd34",
    symbols=frozenset({"BTCUSDT"}),
)


@pytest.mark.parametrize(
    "request_",
    [
        s.CreateStrategy(id="mine", strategy="ema-cross", symbols=("ETHUSDT",), start=True),
        s.CreateStrategy(id="mine", strategy="ema-cross", start=True),
        s.UpdateStrategy(id="all", equity_frac=1.0),
        s.UpdateStrategy(id="btc", symbols=("BTCUSDT", "ETHUSDT")),
        s.StartStrategy(id="all"),
        s.DeleteStrategy(id="all"),
    ],
)
def test_a_key_with_symbols_sets_no_strategy_up_beyond_them(request_: Any) -> None:
    btc = SetUp(strategy="ema-cross", symbols=("BTCUSDT",), is_active=False)
    desk = Desk(all=cross(is_active=False), btc=btc)
    before = {name: len(versions) for name, versions in desk.setups.kept.items()}

    with pytest.raises(Forbidden, match="this key may act on BTCUSDT only"):
        desk.do(request_, BOUND)

    assert {name: len(versions) for name, versions in desk.setups.kept.items()} == before
    assert desk.engine.told == []


def test_a_key_with_symbols_sets_up_what_lies_within_them() -> None:
    desk = Desk()

    made = desk.do(s.CreateStrategy(id="mine", strategy="ema-cross", symbols=("BTCUSDT",)), BOUND)

    assert made.strategy.symbols == ("BTCUSDT",)


def test_a_key_with_a_highest_notional_lets_no_strategy_trade_for_it() -> None:
    small = msgspec.structs.replace(BOUND, symbols=frozenset(), max_notional=Decimal(50))
    desk = Desk(ema=cross(is_active=False))

    with pytest.raises(Forbidden, match=r"no highest notional, and this key has one: 50\.00"):
        desk.effect(s.StartStrategy(id="ema"), small)
    with pytest.raises(Forbidden, match="KEY_SCOPE"):
        desk.do(s.StartStrategy(id="ema"), small)

    assert desk.engine.told == []


def test_strategies_trade_real_money_only_for_who_may_trade_it() -> None:
    desk = Desk(ema=cross(is_active=False))
    assert desk.engine.document is not None
    live = msgspec.structs.replace(desk.engine.document.accounts[0], kind="live")
    desk.engine.document = msgspec.structs.replace(desk.engine.document, accounts=(live,))
    bots = msgspec.structs.replace(BOUND, symbols=frozenset())

    with pytest.raises(Forbidden, match="trade:live"):
        desk.do(s.StartStrategy(id="ema"), bots)
    desk.do(s.StartStrategy(id="ema"))

    assert desk.engine.told == ["take up"]


def test_rules_by_which_something_trades_are_changed_only_with_a_confirmation() -> None:
    trading = SetUp(strategy="dip", is_active=True)
    desk = Desk(a=trading, b=SetUp(strategy="other", is_active=True))
    document = {"name": "dip"}

    changed = desk.effect(s.WriteRules(name="dip", document=document, replace=True))
    unused = desk.effect(s.WriteRules(name="new", document=document))

    assert (changed.words, changed.is_raising) == (
        "Change the rules dip, by which a trades",
        True,
    )
    assert not unused.is_raising


@pytest.mark.parametrize(
    "asked",
    [s.StartStrategy(id="a"), s.UndoStrategy(id="a"), s.UpdateStrategy(id="a", equity_frac=0.5)],
)
def test_a_confirmation_is_good_while_the_set_up_and_its_rules_are_the_ones_that_were_shown(
    asked: Any,
) -> None:
    desk = Desk(a=SetUp(strategy="dip", is_active=False))
    shown = desk.ground(asked)

    again = desk.ground(asked)
    desk.catalogue.digest = "d2"
    other_rules = desk.ground(asked)
    asyncio.run(
        desk.setups.write(
            "a", SetUp(strategy="dip", equity_frac=1.0, is_active=False), author="bob", after=0
        )
    )
    another = desk.ground(asked)

    assert again == shown
    assert len({shown, other_rules, another}) == 3


def test_the_audit_is_told_what_a_set_up_was_and_what_it_is() -> None:
    desk = Desk(a=cross(is_active=False, fast=5.0))

    desk.do(s.UpdateStrategy(id="a", equity_frac=0.2, parameters={"fast": 8.0}))
    assert desk.noted.words == "a.equity_frac: 0.1 → 0.2; a.parameters.fast: 5 → 8"
    desk.do(s.UndoStrategy(id="a"))
    assert desk.noted.words == "a.equity_frac: 0.2 → 0.1; a.parameters.fast: 8 → 5"
    desk.do(s.StartStrategy(id="a"))
    assert desk.noted.words == "a.is_active: no → yes"
    desk.do(s.StopStrategy(id="a"))
    assert desk.noted.words == "a.is_active: yes → no"
    desk.do(s.DeleteStrategy(id="a"))
    assert "a.strategy: ema-cross → none" in desk.noted.words
    desk.do(s.CreateStrategy(id="b", strategy="ema-cross", start=False))
    assert "b.strategy: none → ema-cross" in desk.noted.words
