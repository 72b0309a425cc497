"""``botcore clean``: delete the state of a home, after saying what goes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from botcore.cli import calls
from botcore.cli.options import Home, Yes, given

_NAMED: Final = 20
_UNITS: Final = ("bytes", "kB", "MB", "GB")
_THOUSAND: Final = 1_000


def clean(home: Home = None, yes: Yes = False) -> int:
    """Delete all state: orders, positions, history, logs. Names what goes, and asks."""

    def confirm(files: Sequence[tuple[Path, int]]) -> bool:
        for path, size in files[:_NAMED]:
            print(f"{_size(size):>10}  {path}")
        if len(files) > _NAMED:
            print(f"{'':>10}  and {len(files) - _NAMED} more")
        total = _size(sum(size for _, size in files))
        return yes or typer.confirm(f"Delete these {len(files)} files, {total}? No way back.")

    if calls.commands().clean(overrides=given(home=home), confirm=confirm):
        print("deleted")
        return 0
    print("nothing was deleted")
    return 0


def _size(size: float) -> str:
    unit = 0
    while size >= _THOUSAND and unit < len(_UNITS) - 1:
        size /= _THOUSAND
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
