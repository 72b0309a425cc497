"""The home: one folder with all state of a machine, and what stands where in it."""

import json
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from botcore.app.zmq_bus import token_of
from botcore.domain.errors import StorageError

_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class RunInfo(msgspec.Struct, frozen=True):
    """What runs in a home: written when it is up, removed when it has stopped."""

    pid: int
    url: str
    started_wall_ns: int
    events: str
    commands: str
    port: int = 0


class Home:
    """Paths of a home, and its small files.

    Each market has an account of its own: what was traded on simulated prices and what was on
    recorded or live ones never share a ledger.

    Args:
        path: the folder; made (mode 0700) where it is missing.
        market: whose account; empty is the simulated market's.

    Raises:
        StorageError: it cannot be made or written.
    """

    def __init__(self, path: Path, market: str = "") -> None:
        self.path = path.expanduser().resolve()
        self.state = self.path / "markets" / market if market else self.path
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.state.parent, self.state):
                folder.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.tape, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
                if folder.stat().st_mode & 0o077:  # of an earlier version, or made by hand
                    folder.chmod(0o700)
            probe = self.path / f".writable-{os.getpid()}"
            probe.write_text("")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                code="HOME_UNWRITABLE",
                cause=f"the home {self.path} cannot be written: {error.strerror}",
                fix="free disk space, correct its permissions, or set BOTCORE_HOME elsewhere",
            ) from error

    @property
    def engine(self) -> Path:
        """The engine's journal and projections."""
        return self.state / "engine.db"

    @property
    def journal_url(self) -> str:
        """Database URL of the engine's journal and projections."""
        return f"sqlite:///{self.engine}"

    @property
    def venue(self) -> Path:
        """The paper venue's own truth."""
        return self.state / "paper-venue.db"

    @property
    def tape(self) -> Path:
        """Recorded market data."""
        return self.state / "tape"

    @property
    def lake(self) -> Path:
        """Candles that were imported or fetched."""
        return self.path / "data"

    @property
    def archives(self) -> Path:
        """Files of exchanges' archives, checked and kept for the next fetch."""
        return self.path / "archives"

    @property
    def logs(self) -> Path:
        """Log files, one a process."""
        return self.path / "logs"

    @property
    def runs(self) -> Path:
        """Backtests and replays, one folder each."""
        return self.path / "runs"

    @property
    def strategies(self) -> Path:
        """The person's own strategies."""
        return self.path / "strategies"

    @property
    def market(self) -> Path:
        """Where the market stands."""
        return self.state / "market.json"

    def run_info(self) -> RunInfo | None:
        """Return what runs here, or None."""
        try:
            return msgspec.json.decode((self.path / "run.json").read_bytes(), type=RunInfo)
        except (OSError, msgspec.MsgspecError):
            return None

    def write_run_info(self, info: RunInfo) -> None:
        """Say what runs here."""
        self.replace("run.json", msgspec.json.encode(info))

    def clear_run_info(self) -> None:
        """Say that nothing runs here."""
        (self.path / "run.json").unlink(missing_ok=True)

    def token(self) -> str:
        """Return the secret that commands from this machine carry (mode 0600), making it once.

        Raises:
            ConfigError: others can read it.
        """
        return token_of(self.path / "token")

    def replace(self, name: str, content: bytes, *, folder: Path | None = None) -> None:
        """Write a small file whole or not at all: a temporary one, synced, renamed over it.

        Args:
            name: of the file.
            content: its bytes.
            folder: where; the home itself if None.

        Raises:
            StorageError: it cannot be written; the old one stands.
        """
        into = self.path if folder is None else folder
        temporary = into / f".{name}.tmp"
        try:
            with os.fdopen(os.open(temporary, _WRITE, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(into / name)
        except OSError as error:
            raise StorageError(
                code="HOME_UNWRITABLE",
                cause=f"{name} in {self.path} cannot be written: {error.strerror}",
                fix="free disk space or correct the permissions; the old file stands",
            ) from error

    def read_json(self, name: str, *, folder: Path | None = None) -> dict[str, Any] | None:
        """Return a small file's content, or None where it is missing or damaged."""
        try:
            found = json.loads(((folder or self.path) / name).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def contents(self) -> list[tuple[Path, int]]:
        """Return every file with its size in bytes, sorted."""
        files = [path for path in self.path.rglob("*") if path.is_file()]
        return sorted((path, path.stat().st_size) for path in files)
