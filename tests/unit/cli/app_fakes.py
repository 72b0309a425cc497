"""What the command line calls, as fakes that remember what they were told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.sample_view import sample_view

from botcore.app.runs import Recipe, RunRecord, StrategyRecipe
from botcore.backtest.parity import Parity, Section
from botcore.control.operations import Done, Operation, Request
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError
from botcore.domain.ids import SECOND_NS


@dataclass
class FakeStatus:
    is_running: bool = True
    url: str = "http://localhost:8080"
    pid: int = 4_711
    home: Path = Path("/home/kim/.botcore")
    view: PlatformView | None = field(default_factory=sample_view)
    view_age_s: float = 0.2


@dataclass
class FakeEntrance:
    url: str = "http://localhost:8080/sign-in#link=lnk_x"
    username: str = "alice"
    ends_at: int = 300 * SECOND_NS
    tunnel: str = ""


@dataclass
class FakeFeedChoice:
    overrides: Mapping[str, object]
    note: str = ""


class FakeCommands:
    """`botcore.app.commands`: what was called, with what, and what comes back or is raised."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fails: BaseException | None = None
        self.state = FakeStatus()
        self.ran: FakeStatus | None = self.state
        self.lines: Sequence[str] = ("first line", "second line")
        self.files: Sequence[tuple[Path, int]] = ((Path("/home/kim/.botcore/engine.db"), 2_048),)
        self.exit_code = 0
        self.feed_note = ""
        self.entrance = FakeEntrance()

    def _took(self, name: str, **arguments: Any) -> None:
        self.calls.append((name, arguments))
        if self.fails is not None:
            raise self.fails

    @property
    def last(self) -> tuple[str, dict[str, Any]]:
        return self.calls[-1]

    def choose_feed(self, *, overrides: Mapping[str, object]) -> FakeFeedChoice:
        return FakeFeedChoice(overrides, self.feed_note)

    def rewind(self, **arguments: Any) -> Path:
        self._took("rewind", **arguments)
        return Path("/home/kim/.botcore/markets/tape-12345678.1")

    def up(self, **arguments: Any) -> int:
        self._took("up", **arguments)
        return self.exit_code

    def start(self, **arguments: Any) -> FakeStatus:
        self._took("start", **arguments)
        return self.state

    def stop(self, **arguments: Any) -> FakeStatus | None:
        self._took("stop", **arguments)
        return self.ran

    def restart(self, **arguments: Any) -> FakeStatus:
        self._took("restart", **arguments)
        return self.state

    def status(self, **arguments: Any) -> FakeStatus:
        self._took("status", **arguments)
        return self.state

    def logs(self, **arguments: Any) -> Iterable[str]:
        self._took("logs", **arguments)
        return self.lines

    def clean(
        self, *, confirm: Callable[[Sequence[tuple[Path, int]]], bool], **arguments: Any
    ) -> bool:
        self._took("clean", **arguments)
        return confirm(self.files)

    def open_page(self, **arguments: Any) -> FakeEntrance:
        self._took("open_page", **arguments)
        return self.entrance

    def run_engine(self, **arguments: Any) -> int:
        self._took("run_engine", **arguments)
        return self.exit_code

    def run_api(self, **arguments: Any) -> int:
        self._took("run_api", **arguments)
        return self.exit_code


class FakeDoors:
    """`botcore.app.doors`: remembers what it is told, and answers what the test says."""

    def __init__(self) -> None:
        self.answer: object = Done(detail="as asked")
        self.fails: BotError | None = None
        self.effect = ""
        self.request: Request[Any] | None = None
        self.given: dict[str, Any] = {}
        self.confirmed: bool | None = None

    def tell(
        self,
        operation: Operation,
        request: Request[Any],
        *,
        confirm: Callable[[str], bool],
        **given: Any,
    ) -> object:
        self.request = request
        self.given = given
        if self.effect:
            self.confirmed = confirm(self.effect)
        if self.fails is not None:
            raise self.fails
        return self.answer


@dataclass
class FakeReport:
    """A stored report, as far as the terminal shows it."""

    title: str = "ema-cross on BTCUSDT.SIM"
    start: str = "2024-01-01T00:00:00Z"
    end: str = "2024-03-10T10:40:00Z"
    warnings: tuple[str, ...] = (
        "SIMULATED MARKET – not real prices; this result says nothing about real markets",
    )
    assumptions: tuple[tuple[str, str], ...] = (("fee", "0.1 %"), ("limit: daily loss", "[5 %]"))
    unpriced: tuple[str, ...] = ()
    fingerprint: str = "f" * 64
    inputs_digest: str = "1" * 64
    seconds: float = 1.5

    def rows(self) -> tuple[tuple[str, str], ...]:
        return (("bars", "100,000"), ("return", "+1.23%"))


RECIPE = Recipe(
    strategies=(StrategyRecipe("ema-cross", {}, 0.1),),
    market="demo",
    instruments=("BTCUSDT.SIM",),
    step_ns=60_000_000_000,
)


def a_record(number: int, **more: Any) -> RunRecord:
    given: dict[str, Any] = {"kind": "backtest", "recipe": RECIPE, "made_ns": 0, "version": "0.1"}
    return RunRecord(number=number, **(given | more))


@dataclass
class FakeRun:
    record: RunRecord
    folder: Path = Path("/home/kim/.botcore/runs/0001-ema-cross")


@dataclass
class FakeFinished:
    run: FakeRun
    report: FakeReport


class FakeBacktesting:
    def __init__(self) -> None:
        self.arguments: dict[str, Any] = {}
        self.report = FakeReport()
        self.kept = [
            a_record(1, title="ema-cross on BTCUSDT.SIM", fingerprint="f" * 64),
            a_record(2, kind="replay", of=1),
        ]
        self.difference = Parity((Section("orders", 3, 3, 0, ()),), is_same_tape=True)

    def run(self, *, progress: Callable[[int, int], None], **arguments: Any) -> FakeFinished:
        self.arguments = arguments
        progress(50, 100)
        return FakeFinished(FakeRun(self.kept[0]), self.report)

    def records(self, **arguments: Any) -> list[RunRecord]:
        self.arguments = arguments
        return self.kept

    def shown(self, **arguments: Any) -> list[FakeFinished]:
        self.arguments = arguments
        return [FakeFinished(FakeRun(self.kept[0]), self.report)]

    def parity(self, **arguments: Any) -> Parity:
        self.arguments = arguments
        return self.difference


@dataclass
class FakeReplayed:
    run: FakeRun
    resumed: bool = False
    records: int = 1_234
    seconds: float = 2.0


class FakeReplaying:
    def __init__(self) -> None:
        self.arguments: dict[str, Any] = {}
        self.resumed = False

    def replay(self, *, progress: Callable[[int, int], None], **arguments: Any) -> FakeReplayed:
        self.arguments = arguments
        progress(1, 2)
        record = a_record(2, kind="replay", of=1, fingerprint="f" * 64)
        return FakeReplayed(FakeRun(record), self.resumed)


@dataclass
class FakeFinding:
    name: str
    is_ok: bool
    detail: str
    fix: str = ""


class FakeDoctor:
    def __init__(self) -> None:
        self.findings = [FakeFinding("store", True, "12 records, all of one chain")]
        self.overrides: Mapping[str, object] = {}

    def run(self, *, overrides: Mapping[str, object]) -> Iterable[FakeFinding]:
        self.overrides = overrides
        return self.findings


def stand_in(patch: pytest.MonkeyPatch, module: str, fake: object) -> None:
    """Let the command line find `fake` where it looks for ``botcore.app.<module>``."""
    patch.setitem(sys.modules, f"botcore.app.{module}", fake)


def typed(operation: Operation, request: Request[Any]) -> list[str]:
    """Return what a person types for a request: what has its default is left out."""
    words = [operation.command[0], "-".join(operation.command[1:])]
    places: dict[str, str] = {}
    options: list[str] = []
    shown = msgspec.to_builtins(request)
    for part in msgspec.structs.fields(request):
        value = shown[part.name]
        if not part.required and value in (part.default, None, [], ()):
            continue
        name = "--" + part.name.rstrip("_").replace("_", "-")
        if part.name in operation.positional:
            places[part.name] = str(value)
        elif isinstance(value, bool):
            options.append(name if value else name.replace("--", "--no-", 1))
        elif isinstance(value, list | tuple) and not any(isinstance(each, dict) for each in value):
            options += [word for each in value for word in (name, str(each))]
        elif isinstance(value, dict) and _is_pairs(part.type):
            options += [word for key, each in value.items() for word in (name, f"{key}={each}")]
        elif isinstance(value, dict | list | tuple):
            options += [name, json.dumps(value)]
        else:
            options += [name, str(value)]
    return [*words, *(places[name] for name in operation.positional if name in places), *options]


def _is_pairs(annotation: Any) -> bool:
    """Whether it is a mapping of plain values, which is typed as ``name=value``."""
    info = msgspec.inspect.type_info(annotation)
    kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return any(
        isinstance(each, msgspec.inspect.DictType)
        and isinstance(
            each.value_type,
            msgspec.inspect.StrType | msgspec.inspect.FloatType | msgspec.inspect.IntType,
        )
        for each in kinds
    )
