"""Which platform a command is for."""

from typing import NamedTuple


class Target(NamedTuple):
    """Which platform the options before the verb name.

    Attributes:
        server: an address; empty for this machine.
        key_file: holds the API key for it; BOTCORE_KEY otherwise.
    """

    server: str = ""
    key_file: str = ""
