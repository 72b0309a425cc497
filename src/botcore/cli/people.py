"""Who gives a command: the account of this machine, written into the audit as a person."""

import getpass
from typing import Final

PERSON: Final = "person:"


def person() -> str:
    """Return ``person:`` and the user's name on this machine."""
    try:
        return PERSON + getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return PERSON + "unnamed"
