"""An engine's end of the channel in a home: it writes down what it is told, and says it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botcore.app.channel import Publisher
from botcore.app.home import Home, RunInfo
from botcore.app.told import Told
from botcore.domain.commands import KillSwitch, SetMode
from botcore.domain.ids import AccountId
from botcore.domain.modes import Mode
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import RiskState

ANY = "tcp://127.0.0.1:*"


class HeardEngine:
    """Runs in a home beside a control that a test says where to look for.

    Args:
        path: of the home.
    """

    def __init__(self, path: Path) -> None:
        self.home = Home(path)
        self.mode = Mode.NORMAL
        self.heard: list[Any] = []
        self.risk: tuple[Any, ...] = ()
        self._publisher = Publisher(
            events=ANY, commands=ANY, token=self.home.token(), on_call=self._take
        )
        self._publisher.start()

    def answers_at(self, url: str, *, port: int, pid: int = 0) -> None:
        """Write down where its control is to be found."""
        self.home.write_run_info(
            RunInfo(
                pid=pid,
                url=url,
                started_wall_ns=0,
                events=self._publisher.events,
                commands=self._publisher.commands,
                port=port,
            )
        )

    def close(self) -> None:
        """End it."""
        self._publisher.close()

    def _take(self, told: Told) -> None:
        self.heard.append(told.what)
        if isinstance(told.what, RiskState):
            told.answer(self.risk)
            return
        if isinstance(told.what, KillSwitch):
            self.mode = Mode.HALT
        if isinstance(told.what, SetMode):
            self.mode = told.what.mode
        told.answer(
            Outcome(
                sentence=f"done; the account is in {self.mode}",
                account=AccountId("paper"),
                mode=self.mode,
            )
        )
