"""What is said of a failure beyond this machine: no paths, no stores' addresses, no driver's words.

The log has the whole of it under the same code.
"""

import re
from typing import Final

_DRIVER: Final = re.compile(r" \(([a-z]+ing\b[^():]{0,80}): .*\)", re.DOTALL)
"""What was tried, in parentheses, and what the database or the disk said of it: its words may name
host, user and file. The last parenthesis ends it: there may be others inside."""
_STORE: Final = re.compile(
    r"\b(?!(?:https?|wss?)://)[a-z][a-z0-9+.-]*://[^\s'\"`)>\]]*", re.IGNORECASE
)
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/@]+@")
_PATH: Final = re.compile(
    r"(?<![\w.:/~{}>*-])~?/(?!(?:api|ws|static|sign-in|ai)(?:/|\b))(?:[^\s/'\"`:;,()\[\]<>|]+/)+"
)
"""The folders of a path, up to its last name; what is ours over HTTP is no path."""


def discreet(text: str) -> str:
    """Return a cause or a fix as it may be told to who sits elsewhere.

    Of a path its last name stays, of a URL of a store that it is one, of what a driver said what
    was tried; the same text comes back where there is nothing to leave out.
    """
    if "/" not in text and "(" not in text:
        return text
    text = _DRIVER.sub(r" (\1)", text)
    text = _STORE.sub("(an address of this server's)", text)
    text = _CREDENTIALS.sub("", text)
    return _PATH.sub("", text)
