"""The way in for who sits at the machine: one-time sign-in links, made, opened and followed.

A link stands in for a password until it is used or has ended, so that it is shown on a terminal or
handed to a browser, and written into no file.
"""

import ipaddress
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from botcore.app.local_user import local_user
from botcore.control.access import Role
from botcore.control.operations import Request
from botcore.control.ports import Platform
from botcore.control.schema.auth import MakeLink, SignInLink
from botcore.control.schema.users import ListUsers, ListUserSessions
from botcore.domain.errors import BotError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

Ask = Callable[[Request[Any]], Any]
"""Tells control a request as who sits at this machine, and returns its answer."""
_LOOK_S: Final = 0.1
_FOLLOW_S: Final = 5.0
_UNREACHABLE: Final = "SERVER_UNREACHABLE"
_BY_LINK: Final = "link"


class Entrance(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time link, and how a browser gets to it.

    Attributes:
        url: signs in whoever opens it first.
        username: as whom; empty makes the owner.
        ends_at: when it ends, nanoseconds since 1970.
        tunnel: the command that brings the page to another machine; empty where a browser can be
            opened here, or where the page is reached without.
    """

    url: str
    username: str
    ends_at: int
    tunnel: str = ""


class EntranceKeeper:
    """Makes a link as soon as the page answers, and says whether it is still good.

    Args:
        ask: reaches control.
        opens: hand it to the browser, where there is a display.
        clock: it ends by it.
    """

    def __init__(self, ask: Ask, *, opens: bool, clock: Clock) -> None:
        self._ask = ask
        self._opens = opens
        self._clock = clock
        self._entrance: Entrance | None = None

    def entrance(self) -> Entrance | None:
        """Return the link while it is good; None before, and once it was used or has ended."""
        found = self._entrance
        return None if found is None or found.ends_at <= self._clock.now_ns() else found

    def run(self, platform: Platform, stopping: threading.Event) -> None:
        """Make one and follow it until it is over or the platform stops."""
        while platform.view() is None:
            if stopping.wait(_LOOK_S):
                return
        made_at = self._clock.now_ns()
        made = self._made(stopping)
        if made is None:
            return
        self._entrance = made
        if self._opens and has_display(os.environ):
            webbrowser.open(made.url)
        while self.entrance() is not None and not stopping.wait(_FOLLOW_S):
            if self._is_used(made, made_at):
                break
        self._entrance = None

    def _made(self, stopping: threading.Event) -> Entrance | None:
        """Return a new one; None where control refuses: `./bot open` says why."""
        while True:
            try:
                return make_entrance(self._ask, os.environ)
            except BotError as error:
                if error.code != _UNREACHABLE or stopping.wait(_LOOK_S):
                    return None

    def _is_used(self, made: Entrance, made_at: int) -> bool:
        try:
            if not made.username:
                return bool(self._ask(ListUsers(role=Role.OWNER, limit=1)).items)
            sessions = self._ask(ListUserSessions(user=made.username)).items
        except BotError:
            return False  # it is not known: it is shown until it ends
        return any(
            _BY_LINK in session.methods and session.created_at.timestamp() >= made_at / SECOND_NS
            for session in sessions
        )


def make_entrance(ask: Ask, environ: Mapping[str, str]) -> Entrance:
    """Make a link.

    Args:
        ask: reaches control.
        environ: says whether there is a display, and where one sits.

    Raises:
        BotError: control cannot be reached, or refuses.
    """
    link: SignInLink = ask(MakeLink())
    return Entrance(
        url=link.url,
        username=link.username,
        ends_at=round(link.expires_at.timestamp() * SECOND_NS),
        tunnel="" if has_display(environ) else tunnel_to(link.url, environ),
    )


def has_display(environ: Mapping[str, str], system: str = sys.platform) -> bool:
    """Whether a browser opened here is seen by who asks for it.

    Args:
        environ: a browser named in ``BROWSER`` is believed; over SSH nobody sits here.
        system: ``sys.platform``.
    """
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    if system in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def tunnel_to(url: str, environ: Mapping[str, str]) -> str:
    """Return the SSH command that brings a page of this machine to another.

    Args:
        url: of the page; one that is open to the network needs no tunnel.
        environ: of an SSH session: the address under which this machine was reached.
    """
    found = urlsplit(url)
    if found.port is None or found.hostname is None or not _is_loopback(found.hostname):
        return ""
    reached = environ.get("SSH_CONNECTION", "").split()
    host = reached[2] if len(reached) > 2 else socket.gethostname()  # noqa: PLR2004 – its third word
    return f"ssh -L {found.port}:127.0.0.1:{found.port} {local_user()}@{host}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
