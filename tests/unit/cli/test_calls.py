"""The platform has the functions that the command line calls, with the arguments it gives."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from botcore.app import backtesting, commands, doctor, replaying
from botcore.cli import calls

# Checked by mypy: each module is what the command line takes it for.
COMMANDS: calls.Commands = commands
BACKTESTING: calls.Backtesting = backtesting
REPLAYING: calls.Replaying = replaying
DOCTOR: calls.Doctor = doctor


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        (commands, calls.Commands),
        (backtesting, calls.Backtesting),
        (replaying, calls.Replaying),
        (doctor, calls.Doctor),
    ],
    ids=["commands", "backtesting", "replaying", "doctor"],
)
def test_each_function_takes_what_the_command_line_gives(module: ModuleType, wanted: type) -> None:
    functions = inspect.getmembers(wanted, inspect.isfunction)
    called = [(name, each) for name, each in functions if not name.startswith("_")]

    assert called
    for name, each in called:
        given = [key for key in inspect.signature(each).parameters if key != "self"]
        inspect.signature(getattr(module, name)).bind(**dict.fromkeys(given))


def test_they_are_found_where_the_command_line_looks() -> None:
    assert calls.commands() is COMMANDS
    assert calls.backtesting() is BACKTESTING
    assert calls.replaying() is REPLAYING
    assert calls.doctor() is DOCTOR
