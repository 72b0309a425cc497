"""What a worker and its parent say to one another: JSON lines over its pipes."""

from typing import Any, Final

import msgspec

LINE_MAX: Final = 16 * 1024 * 1024
"""Bytes of one line; a result that is longer is refused."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The first and only line to a worker.

    Attributes:
        overrides: settings, as the command line gives them.
        owner: id of the user who asked for it.
    """

    kind: str
    request: dict[str, Any]
    overrides: dict[str, Any]
    owner: str = ""


class Progressed(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is."""

    done: int
    total: int


class Said(msgspec.Struct, frozen=True, tag="said"):
    """A line for its log."""

    line: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """It is done; `result` is JSON values."""

    result: dict[str, Any]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It cannot be done: an error as people see it."""

    code: str
    cause: str
    fix: str


Message = Progressed | Said | Ended | Failed
DECODER: Final = msgspec.json.Decoder(Message)
ASKED: Final = msgspec.json.Decoder(Asked)
