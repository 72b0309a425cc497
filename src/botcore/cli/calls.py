"""What the verbs call in `botcore.app`, and nothing else: the exact names and arguments.

The modules are imported when a verb calls, not before; their functions have these signatures.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:  # each would load more than `botcore --help` takes
    from botcore.app.backtesting import Finished
    from botcore.app.data import Checked, Detected, Exported, SeriesImport
    from botcore.app.fetching import Fetched
    from botcore.app.replaying import Replayed
    from botcore.app.runs import RunRecord
    from botcore.app.strategy_verbs import StrategyDetails, StrategyEntry
    from botcore.backtest.checks import CheckReport
    from botcore.backtest.parity import Parity
    from botcore.control.operations import Operation, Request
    from botcore.control.ports import Platform
    from botcore.control.views import PlatformView
    from botcore.marketdata.series import SeriesInfo

Overrides = Mapping[str, object]
"""Settings given on the command line, by the settings' own names; what was not given is absent."""
Show = Callable[["Platform", threading.Event, str, Callable[[], "Entrance | None"]], None]
"""Draws the platform until the event is set; the text is the page's address, and the last one
returns the one-time link with which one signs in there, as long as it is good."""
Confirm = Callable[[Sequence[tuple[Path, int]]], bool]
"""Shows files with their sizes in bytes, and says whether they may be deleted."""
Progress = Callable[[int, int], None]
"""Told bars done and bars in all, now and then."""


class Entrance(Protocol):
    """A one-time sign-in link."""

    @property
    def url(self) -> str:
        """Its address: signs in whoever opens it first."""
        ...

    @property
    def username(self) -> str:
        """As whom it signs in; empty makes the owner."""
        ...

    @property
    def ends_at(self) -> int:
        """When it ends, nanoseconds since 1970."""
        ...

    @property
    def tunnel(self) -> str:
        """The command that brings the page to another machine; empty where none is needed."""
        ...


class Status(Protocol):
    """What runs in a home."""

    @property
    def is_running(self) -> bool:
        """Whether the platform runs."""
        ...

    @property
    def url(self) -> str:
        """The page's address; empty when it does not run."""
        ...

    @property
    def pid(self) -> int:
        """Of the supervising process; 0 when it does not run."""
        ...

    @property
    def home(self) -> Path:
        """Where its state lies."""
        ...

    @property
    def view(self) -> "PlatformView | None":
        """Its newest document, or None when the engine did not answer."""
        ...

    @property
    def view_age_s(self) -> float:
        """Age of the document, seconds; infinity without one."""
        ...


class FeedChoice(Protocol):
    """Where prices will come from."""

    @property
    def overrides(self) -> Overrides:
        """Settings that say so."""
        ...

    @property
    def note(self) -> str:
        """Why, in a sentence; empty where it was said before."""
        ...


class Commands(Protocol):
    """`botcore.app.commands`. All raise `BotError` where they fail."""

    def choose_feed(self, *, overrides: Overrides) -> FeedChoice:
        """Settle where prices come from."""
        ...

    def rewind(self, *, overrides: Overrides) -> Path:
        """Put the account of a tape aside; return where it is kept."""
        ...

    def up(
        self,
        *,
        overrides: Overrides,
        show: Show,
        open_browser: bool,
        offer_link: bool,
        memory_optimized: bool,
        reload: bool,
    ) -> int:
        """Run the platform in the foreground until it is stopped; return an exit code.

        It calls `show` once, writes nothing to the terminal itself, and takes SIGINT as a stop.
        """
        ...

    def start(self, *, overrides: Overrides, memory_optimized: bool) -> Status:
        """Run the platform in the background; return when it is ready."""
        ...

    def stop(self, *, overrides: Overrides) -> Status | None:
        """Stop the platform and wait; return what ran, or None if nothing did."""
        ...

    def restart(self, *, overrides: Overrides, memory_optimized: bool) -> Status:
        """Stop if it runs, then start in the background."""
        ...

    def status(self, *, overrides: Overrides) -> Status:
        """Return what runs."""
        ...

    def logs(
        self, *, overrides: Overrides, service: str | None, lines: int, follow: bool
    ) -> Iterable[str]:
        """Yield the last log lines of a service or of all, without line ends; then new ones."""
        ...

    def clean(self, *, overrides: Overrides, confirm: Confirm) -> bool:
        """Delete the home's contents if `confirm` allows it; refuse while the platform runs."""
        ...

    def open_page(self, *, overrides: Overrides, open_browser: bool) -> Entrance:
        """Make a one-time sign-in link, and open it where there is a display."""
        ...

    def run_engine(self, *, overrides: Overrides, quarantined: Sequence[str]) -> int:
        """Be the engine's process; return an exit code."""
        ...

    def run_api(self, *, overrides: Overrides) -> int:
        """Be the API's process; return an exit code."""
        ...


class Backtesting(Protocol):
    """`botcore.app.backtesting`. All raise `BotError` where they fail."""

    def run(
        self,
        *,
        overrides: Overrides,
        strategies: Sequence[str],
        instruments: Sequence[str],
        step_ns: int,
        start: int | None,
        end: int | None,
        bars: int,
        seed: int,
        parameters: Mapping[str, float],
        cash: str,
        equity_frac: float,
        fee_bps: float,
        slippage_bps: float,
        allow_gaps: bool,
        progress: Progress,
        has_protections: bool = False,
    ) -> "Finished":
        """Run strategies and keep what they did; no instrument is all of the simulated market's."""
        ...

    def records(self, *, overrides: Overrides) -> list["RunRecord"]:
        """Return every run, oldest first."""
        ...

    def shown(self, *, overrides: Overrides, runs: Sequence[str]) -> "list[Finished]":
        """Return finished runs with the reports that were kept of them."""
        ...

    def parity(self, *, overrides: Overrides, first: str, second: str) -> "Parity":
        """Return the difference of two runs."""
        ...


class Replaying(Protocol):
    """`botcore.app.replaying`."""

    def replay(
        self,
        *,
        overrides: Overrides,
        run: str,
        speed: float | None,
        fresh: bool,
        progress: Progress,
    ) -> "Replayed":
        """Play a backtest's tape again on paper's way, or go on with that."""
        ...


class Data(Protocol):
    """`botcore.app.data`. All raise `BotError` where they fail."""

    def detect(self, *, path: Path, options: Mapping[str, str]) -> "Detected":
        """Look at files before they are imported; the options are those given, by name."""
        ...

    def bring_in(
        self,
        *,
        overrides: Overrides,
        detected: "Detected",
        replace: bool,
        max_bad: float,
        progress: Progress,
    ) -> "Sequence[SeriesImport]":
        """Import what was detected; `max_bad` is a share, 0 to 1."""
        ...

    def series(self, *, overrides: Overrides) -> "Sequence[SeriesInfo]":
        """Return what is stored."""
        ...

    def check(
        self,
        *,
        overrides: Overrides,
        instrument: str | None,
        timeframe: str | None,
        rebuild: bool,
        progress: Progress,
    ) -> "Sequence[Checked]":
        """Read all candles anew; None for all instruments or timeframes."""
        ...

    def export(
        self,
        *,
        overrides: Overrides,
        instrument: str,
        timeframe: str,
        output: Path | None,
        kind: str,
        start: str | None,
        end: str | None,
    ) -> "Exported":
        """Write candles into a file; None for one in the current folder, and for no bound."""
        ...


class Fetching(Protocol):
    """`botcore.app.fetching`."""

    def fetch(
        self,
        *,
        overrides: Overrides,
        instrument: str,
        timeframe: str,
        start: str,
        end: str | None,
        progress: Progress,
    ) -> "Fetched":
        """Fetch candles and import them; None ends at now."""
        ...


class Strategies(Protocol):
    """`botcore.app.strategy_verbs`. All raise `BotError` where they fail."""

    def entries(self, *, overrides: Overrides) -> "Sequence[StrategyEntry]":
        """Return every strategy that can be named, and what cannot be loaded."""
        ...

    def details(self, *, overrides: Overrides, name: str) -> "StrategyDetails":
        """Return what a strategy declares."""
        ...

    def schema(self, *, overrides: Overrides, name: str | None) -> Mapping[str, object]:
        """Return the JSON Schema of its parameters; None is that of rule documents."""
        ...

    def create(self, *, overrides: Overrides, name: str, kind: str) -> Path:
        """Write a template into the home, and return its file."""
        ...

    def check(
        self,
        *,
        overrides: Overrides,
        name: str,
        instruments: Sequence[str],
        step_ns: int,
        start: int | None,
        end: int | None,
        bars: int,
        seed: int,
        parameters: Mapping[str, float],
    ) -> "CheckReport":
        """Run the detectors; no instrument is all of the simulated market's."""
        ...


class Finding(Protocol):
    """One thing the doctor looked at."""

    @property
    def name(self) -> str:
        """What."""
        ...

    @property
    def is_ok(self) -> bool:
        """Whether it is as it should be."""
        ...

    @property
    def detail(self) -> str:
        """What was found."""
        ...

    @property
    def fix(self) -> str:
        """What to do about it; empty where all is well."""
        ...


class Doctor(Protocol):
    """`botcore.app.doctor`."""

    def run(self, *, overrides: Overrides) -> Iterable[Finding]:
        """Look at everything, and yield what was found as it is found."""
        ...

    def rebuild(self, *, overrides: Overrides) -> int:
        """Make every table from the journal again; return how many records were folded."""
        ...


class Doors(Protocol):
    """`botcore.app.doors`."""

    def tell(
        self,
        operation: "Operation",
        request: "Request[Any]",
        *,
        overrides: Overrides,
        server: str,
        key_file: str,
        confirm: Callable[[str], bool],
        idempotency_key: str,
        all_pages: bool,
        say: Callable[[str], None],
    ) -> object:
        """Tell control a request, wherever it is, and return its answer.

        `say` is given a line for people where the engine was told past control.
        """
        ...


def said_aside(line: str) -> None:
    """Tell people a line that is not the answer: on standard error."""
    print(f"botcore: {line}", file=sys.stderr)


def commands() -> Commands:
    """Return the module that starts, stops, asks and acts."""
    return cast("Commands", import_module("botcore.app.commands"))


def backtesting() -> Backtesting:
    """Return the module that runs backtests."""
    return cast("Backtesting", import_module("botcore.app.backtesting"))


def replaying() -> Replaying:
    """Return the module that plays backtests again."""
    return cast("Replaying", import_module("botcore.app.replaying"))


def data() -> Data:
    """Return the module that imports, lists, checks and exports candles."""
    return cast("Data", import_module("botcore.app.data"))


def fetching() -> Fetching:
    """Return the module that fetches candles."""
    return cast("Fetching", import_module("botcore.app.fetching"))


def strategies() -> Strategies:
    """Return the module that lists, shows, makes and checks strategies."""
    return cast("Strategies", import_module("botcore.app.strategy_verbs"))


def doors() -> Doors:
    """Return the module that finds control: on a server, in what runs here, or in process."""
    return cast("Doors", import_module("botcore.app.doors"))


def doctor() -> Doctor:
    """Return the module that looks for faults."""
    return cast("Doctor", import_module("botcore.app.doctor"))
