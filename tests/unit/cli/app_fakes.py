"""What the command line calls, as fakes that remember what they were told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.sample_view import sample_view

from botcore.control.views import PlatformView


@dataclass
class FakeStatus:
    is_running: bool = True
    url: str = "http://localhost:8080"
    pid: int = 4_711
    home: Path = Path("/home/kim/.botcore")
    view: PlatformView | None = field(default_factory=sample_view)
    view_age_s: float = 0.2


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

    def _took(self, name: str, **arguments: Any) -> None:
        self.calls.append((name, arguments))
        if self.fails is not None:
            raise self.fails

    @property
    def last(self) -> tuple[str, dict[str, Any]]:
        return self.calls[-1]

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

    def open_page(self, **arguments: Any) -> str:
        self._took("open_page", **arguments)
        return self.state.url

    def run_engine(self, **arguments: Any) -> int:
        self._took("run_engine", **arguments)
        return self.exit_code

    def run_api(self, **arguments: Any) -> int:
        self._took("run_api", **arguments)
        return self.exit_code

    def act(self, **arguments: Any) -> str:
        self._took("act", **arguments)
        return "done"


@dataclass
class FakeReport:
    title: str = "ema-cross on BTCUSDT.SIM"
    warning: str = "SIMULATED MARKET – not real prices; this result says nothing about real markets"
    assumptions: tuple[tuple[str, str], ...] = (("fee", "0.1 %"), ("limit: daily loss", "[5 %]"))
    unpriced: tuple[str, ...] = ()
    fingerprint: str = "f" * 64
    inputs_digest: str = "1" * 64

    def rows(self) -> tuple[tuple[str, str], ...]:
        return (("bars", "100,000"), ("return", "+1.23%"))


class FakeBacktesting:
    def __init__(self) -> None:
        self.arguments: dict[str, Any] = {}
        self.report = FakeReport()

    def run(self, *, progress: Callable[[int, int], None], **arguments: Any) -> FakeReport:
        self.arguments = arguments
        progress(50, 100)
        return self.report


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
