"""Who sits at this machine: what the start needs of it loads nothing else."""

import contextlib
import getpass
import os


def local_user() -> str:
    """Return the account of this machine that runs the command."""
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return str(os.getuid())
