"""Who may open what lies in a folder."""

from __future__ import annotations

import stat
from pathlib import Path


def others_may(folder: Path) -> list[str]:
    """Return every file and folder, `folder` too, that others than its owner may open in any way.

    What goes away while it is looked at is nobody's.
    """
    found = []
    for path in (folder, *folder.rglob("*")):
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
        except FileNotFoundError:
            continue
        if mode & 0o077 and not path.is_symlink():
            found.append(f"{path.relative_to(folder.parent)} {mode:04o}")
    return sorted(found)
