"""A one-time sign-in link in words: in the head of the drawn platform, and of ``botcore open``."""

from typing import Final

from botcore.cli.calls import Entrance
from botcore.control import wording
from botcore.domain.ids import SECOND_NS

FRESH: Final = "`./bot open` makes a one-time link"


def what_it_does(entrance: Entrance, now_ns: int) -> str:
    """Return what the link does, and for how long yet."""
    whom = f"signs in as {entrance.username}" if entrance.username else "makes the owner"
    left = wording.duration(max(0, round((entrance.ends_at - now_ns) / SECOND_NS)))
    return f"{whom}, once, within {left}"


def how_from_elsewhere(entrance: Entrance) -> str:
    """Return what to do where no browser can be opened here; empty where one can."""
    if not entrance.tunnel:
        return ""
    return f"from your own machine: {entrance.tunnel}  then open the link there"
