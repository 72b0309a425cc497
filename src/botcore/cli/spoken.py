"""What is said at every door, in the words of this one: a route becomes the verb that reaches it.

Causes and fixes are written once, for REST, the page and the shell; some name a route
(``GET /api/v1/risk/state``) or the other of the two programs. Whoever types is shown what to type.
"""

import os
import re
from typing import Final

PROGRAM: Final = "BOTCORE_PROGRAM"
"""Environment: what was typed to come here; `./bot` says so."""
# fmt: off
VERBS: Final = frozenset({
    "account", "access", "alerts", "api", "audit", "backtest", "backtests", "cancel-all", "clean",
    "data", "dev", "doctor", "engine", "fills", "flatten", "health", "jobs", "key", "kill",
    "ledger", "log", "logs", "market", "notifications", "open", "orders", "parity", "pause",
    "positions", "replay", "restart", "resume", "rewind", "risk", "session", "settings", "signals",
    "start", "status", "stop", "strategies", "strategy", "trades", "up", "user", "version",
    "worker",
})
# fmt: on
"""First words of what can be typed; a test holds them complete."""
_TYPED: Final = re.compile(r"(?<![\w./-])(?:\./bot|botcore)(?= (?P<verb>[a-z][a-z-]*))")
_ROUTE: Final = re.compile(
    r"`?\b(?P<method>GET|POST|PUT|PATCH|DELETE) /api/v1/(?P<path>[\w/{}.-]*[\w}])(?:\?\S*\w)?`?"
)
_PART: Final = re.compile(r"\{\w+\}")


def program() -> str:
    """Return what is typed before a verb: ``./bot`` in a checkout, else ``botcore``."""
    return os.environ.get(PROGRAM) or "botcore"


def in_words_of_the_shell(text: str) -> str:
    """Return a sentence with verbs in place of routes, and with the program that was typed.

    A route that no verb reaches stays as it is.
    """
    text = text.replace("an Idempotency-Key", "an --idempotency-key")
    text = text.replace("new Idempotency-Key", "new --idempotency-key")
    return _TYPED.sub(_program_of, _ROUTE.sub(_verb_of, text))


def _program_of(match: re.Match[str]) -> str:
    return program() if match["verb"] in VERBS else match[0]


def _verb_of(match: re.Match[str]) -> str:
    from botcore.control.schema import operations  # all of it: only where a route is named

    path = _PART.sub("{}", match["path"])
    for operation in operations():
        of_it = (operation.path, *(alias.removeprefix("/api/v1") for alias in operation.aliases))
        if operation.method != match["method"] or not operation.command:
            continue
        if path in (_PART.sub("{}", each).strip("/") for each in of_it):
            area, *words = operation.command
            values = (name.upper() for name in operation.positional)
            return f"`{' '.join((program(), area, '-'.join(words), *values))}`"
    return match[0]
