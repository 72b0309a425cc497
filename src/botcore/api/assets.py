"""The page's own files, read once from the package: nothing is loaded from anywhere else."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final

import msgspec

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(msgspec.Struct, frozen=True):
    """One file: its bytes, its media type, and the mark its address carries for caches."""

    content: bytes
    media_type: str
    mark: str


def load_assets() -> Mapping[str, Asset]:
    """Return every file under ``static`` by name."""
    return {
        entry.name: _asset(entry.name, entry.read_bytes())
        for entry in files("botcore.api").joinpath("static").iterdir()
        if PurePosixPath(entry.name).suffix in _TYPES
    }


def _asset(name: str, content: bytes) -> Asset:
    mark = hashlib.sha256(content).hexdigest()[:12]
    return Asset(content, _TYPES[PurePosixPath(name).suffix], mark)
