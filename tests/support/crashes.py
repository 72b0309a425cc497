"""Crashing engines and comparing what they believe afterwards with the venue's truth."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
import pytest
from tests.support.engine_under_test import Dump, Run, main
from tests.support.scripted_trading import PAPER
from tests.support.venue_process import Address, Truth, VenueControl, serve

from botcore.domain.orders import OrderState
from botcore.kernel import failpoint
from botcore.venues.simulated import SimulatedVenue
from botcore.venues.simulated.records import decode

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.support.engine_under_test", "tests.support.venue_process"])
_PATIENCE_S = 60.0
_UNSETTLED = (OrderState.INTENT, OrderState.SENDING, OrderState.IN_DOUBT)
_NEVER_THERE = (OrderState.NOT_SENT, OrderState.NOT_ACCEPTED)


# Processes.


@contextmanager
def venue_process(path: Path) -> Iterator[tuple[Address, VenueControl]]:
    """Run a venue over the store at `path`; give its trading address and its truth."""
    told, tell = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=serve, args=(path, tell), daemon=True)
    process.start()
    tell.close()
    trading, control = told.recv()
    venue = VenueControl(control)
    try:
        yield trading, venue
    finally:
        venue.stop()
        process.join(_PATIENCE_S)
        assert process.exitcode == 0


def start(run: Run) -> BaseProcess:
    """Start an engine's process."""
    process = CONTEXT.Process(target=main, args=(run,), daemon=True)
    process.start()
    return process


def run_to_the_end(run: Run) -> Dump:
    """Run an engine's process to the end of its tape, and return what it believes then."""
    path = Path(run.home) / "dump.json"
    path.unlink(missing_ok=True)
    process = start(run)
    process.join(_PATIENCE_S)
    assert process.exitcode == 0, f"the engine ended with {process.exitcode}"
    return msgspec.json.decode(path.read_bytes(), type=Dump)


class Stopped:
    """An engine's process that stops at failpoints, each told by its name and number."""

    def __init__(self, run: Run, *places: tuple[str, int]) -> None:
        spec = ",".join(f"{name}:{number}:stop" for name, number in places)
        self._process = start(msgspec.structs.replace(run, failpoint=spec))
        assert self._process.pid is not None
        self._pid = self._process.pid

    def wait(self) -> None:
        """Wait until it has stopped."""
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends:
            state = _state_of(self._pid)
            if state.startswith("T"):
                return
            if not state or state.startswith("Z"):
                break
            time.sleep(0.01)
        raise AssertionError("the engine never came to its failpoint")

    def go_on(self) -> None:
        """Let it run on."""
        os.kill(self._pid, signal.SIGCONT)

    def let_run(self, seconds: float) -> None:
        """Let it run for a while, or to its end."""
        self._process.join(seconds)

    def end(self) -> None:
        """Wait for its own end."""
        self._process.join(_PATIENCE_S)
        assert self._process.exitcode == 0

    def kill(self) -> None:
        """Kill it, wherever it stands."""
        if self._process.is_alive():
            os.kill(self._pid, signal.SIGKILL)
            self._process.join(_PATIENCE_S)


@contextmanager
def killed_at(run: Run, name: str, number: int = 1) -> Iterator[None]:
    """Have an engine's process stop at a failpoint; SIGKILL it from outside when the block ends."""
    engine = Stopped(run, (name, number))
    try:
        engine.wait()
        yield
    finally:
        engine.kill()


def _state_of(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self").exists():
        return stat.read_text().rpartition(")")[2].strip() if stat.exists() else ""
    said = subprocess.run(
        ["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return said.stdout.strip()


# Copies of a home as a kill would leave it.


class Copies:
    """Stands in for what is armed: copies a folder at each hit, as a kill there would leave it.

    Two hits that leave the same files are one crash.

    Args:
        home: with SQLite's write-ahead logs, which hold what is committed.
        into: where the copies go, one folder each.

    Attributes:
        hits: the failpoints passed, in order.
        folders: every crash that differs, by the first failpoint that leaves it.
        first: name of a failpoint → what its first hit leaves.
    """

    def __init__(self, home: Path, into: Path) -> None:
        self._home = home
        self._into = into
        self._known: dict[str, Path] = {}
        self.hits: list[str] = []
        self.folders: list[tuple[str, Path]] = []
        self.first: dict[str, Path] = {}

    def hit(self, name: str) -> None:
        """Copy the folder, unless it looks as at an earlier hit."""
        self.hits.append(name)
        files = {
            path.relative_to(self._home): path.read_bytes()
            for path in sorted(self._home.rglob("*"))
            if path.is_file() and not path.name.endswith("-shm")
        }
        digest = sha256(
            msgspec.json.encode({str(k): sha256(v).hexdigest() for k, v in files.items()})
        )
        folder = self._known.get(digest.hexdigest())
        if folder is not None:
            self.first.setdefault(name, folder)
            return
        folder = self._known[digest.hexdigest()] = self._into / f"{len(self.hits):04d}-{name}"
        self.first.setdefault(name, folder)
        for relative, content in files.items():
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        self.folders.append((folder.name, folder))


@contextmanager
def copying(home: Path, into: Path) -> Iterator[Copies]:
    """Copy `home` at each failpoint that is passed in the block."""
    copies = Copies(home, into)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failpoint, "_armed", copies)
        yield copies


def copy_of(folder: Path, into: Path) -> Path:
    """A copy to work in."""
    shutil.copytree(folder, into)
    return into


# Comparing.


def truth_of(venue: SimulatedVenue) -> Truth:
    """The truth of a venue in this process."""
    return Truth(decode(venue.snapshot()), venue.balances(PAPER), venue.acceptances())


def disagreements(dump: Dump, truth: Truth) -> list[str]:
    """Where what an engine believes differs from what is true; empty if nowhere."""
    return [
        *_orders(dump, truth),
        *_decisions(truth),
        *_money(dump, truth),
        *_inside(dump),
    ]


def _orders(dump: Dump, truth: Truth) -> Iterator[str]:
    known = {order.spec.client_order_id: order for order in truth.records.orders}
    for name, count in truth.acceptances.items():
        if count != 1:
            yield f"{name} was accepted {count} times (I6)"
    for name, ours in dump.orders.items():
        theirs = known.get(name)
        if ours.state in _UNSETTLED:
            yield f"{name} is still {ours.state}"
        elif theirs is None:
            lived_with_us = ours.state is OrderState.CANCELED and not ours.filled
            if ours.state not in (*_NEVER_THERE, OrderState.HELD) and not lived_with_us:
                yield f"{name} is {ours.state}, and the venue has never seen it"
        elif ours.state is not theirs.state:
            yield f"{name} is {ours.state}, at the venue {theirs.state}"
        elif not ours.state.is_terminal:
            mine = (ours.quantity, ours.limit_price, ours.trigger_price)
            real = (theirs.quantity, theirs.limit_price, theirs.trigger_price)
            if mine != real:
                yield f"{name} carries {mine}, at the venue {real}"
            if ours.cancel_owed:
                yield f"{name} works, and its cancel is owed (K15)"
        if theirs is not None and ours.filled != theirs.filled:
            yield f"{name} filled {ours.filled}, at the venue {theirs.filled}"
        exits = [o for o in dump.orders.values() if o.parent == name]
        if (
            ours.filled
            and exits
            and all(o.state in (*_NEVER_THERE, OrderState.HELD) for o in exits)
        ):
            yield f"{name} filled, and nothing protects it (E48)"
    for name in known.keys() - dump.orders.keys():
        yield f"{name} lives at the venue, and nobody knows it (I7)"


def _decisions(truth: Truth) -> Iterator[str]:
    """Each decision of the script is carried out once, whatever was played twice."""
    carried_out = Counter(
        (spec.strategy, spec.side, spec.type, spec.limit_price, spec.trigger_price)
        for order in truth.records.orders
        if order.state is not OrderState.REJECTED
        for spec in (order.spec,)
    )
    for decision, count in carried_out.items():
        if count > 1:
            yield f"{decision} was carried out {count} times"


def _money(dump: Dump, truth: Truth) -> Iterator[str]:
    real = sorted(
        (row.report.fill.trade_id, row.report.client_order_id, row.report.fill.fee)
        for row in truth.records.fills
        if row.report.fill is not None
    )
    mine = [(fill.trade_id, fill.client_order_id, fill.fee) for fill in dump.fills]
    if mine != real:
        yield f"fills {mine}, at the venue {real} (I10)"
    booked = sorted(f"{fill.client_order_id}/{fill.trade_id}" for fill in dump.fills)
    if [reference for reference in dump.posted if "/" in reference] != booked:
        yield f"posted {dump.posted} for {booked} (R9)"
    for currency, cash in dump.cash.items():
        balance = truth.balances.get(currency)
        held = 0 if balance is None else balance.free + balance.locked
        if cash.scaleb(8) != held:
            yield f"{cash} {currency}, at the venue {held} quanta (I3)"


def _inside(dump: Dump) -> Iterator[str]:
    if all(order.state.is_terminal for order in dump.orders.values()):
        for currency, locked in dump.locked.items():
            if locked:
                yield f"{locked} {currency} stay reserved (K02)"
    for name in ("hash_folded", "hash_restored"):
        if getattr(dump, name) != dump.state_hash:
            yield f"{name} is not the state's (I12)"
    yield from dump.findings
    if sorted(set(dump.published)) != sorted(dump.facts):
        lost = dump.facts.keys() - set(dump.published)
        yield f"facts never published: {sorted(lost)} (K10)"
