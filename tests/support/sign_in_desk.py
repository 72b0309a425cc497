"""Sign-in over a store in memory, with virtual time and cheap hashes, and short words to use it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyotp
from tests.support.control_fakes import MemoryAudit, MemoryRepetitions
from tests.support.memory_identity_store import MemoryIdentityStore

from botcore.control.access import STRANGER, Actor, Role, local_actor
from botcore.control.dispatch import Control
from botcore.control.handlers.auth import AuthHandlers
from botcore.control.handlers.keys import KeyHandlers
from botcore.control.handlers.sessions import SessionHandlers
from botcore.control.handlers.users import UserHandlers
from botcore.control.identity import (
    Algorithm,
    Identity,
    IdentityConfig,
    Notice,
    NoticeKind,
    PasswordCost,
    opened,
)
from botcore.control.identity.sign_in import Grant
from botcore.control.operations import Request
from botcore.control.problems import Problem
from botcore.control.schema import auth, keys, sessions, users
from botcore.kernel.clock import ManualClock

A = TypeVar("A")
START_NS = 1_780_000_000 * 1_000_000_000
SECOND = 1_000_000_000
CHEAP = PasswordCost(memory_kib=8, passes=1)
GOOD = "ribbon quarry lantern oboe"
OTHER = "violet engine harbour thumb"
LOCAL_TOKEN = "the-token-of-the-home"
HERE, THERE = "198.51.100.7", "203.0.113.99"
LOCAL = local_actor("root")


class Desk:
    """One server's sign-in; `identity` is replaced by `restart`, the store stays."""

    def __init__(self, config: IdentityConfig | None = None) -> None:
        self.config = config or IdentityConfig(algorithm=Algorithm.ED25519)
        self.store = MemoryIdentityStore()
        self.clock = ManualClock(START_NS)
        self.notices: list[Notice] = []
        self.ended: list[str] = []
        self.shut_out: list[str] = []
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder)
        self.key_file = Path(folder) / "identity.key"
        self.audit = MemoryAudit()
        self.identity: Identity

    async def restart(self, config: IdentityConfig | None = None) -> Identity:
        self.config = config or self.config
        self.identity = await opened(
            store=self.store,
            key_file=self.key_file,
            config=self.config,
            cost=CHEAP,
            notify=self.notices.append,
            clock=self.clock,
            local_token=LOCAL_TOKEN,
            local_user="root",
        )
        self.identity.endings.on_revoked(self.ended.append)
        self.control = self._control()
        return self.identity

    def _control(self) -> Control:
        i = self.identity
        handlers = {
            **AuthHandlers(
                sign_in=i.sign_in,
                factors=i.factors,
                links=i.links,
                people=i.people,
                signing=i.signing,
                tickets=i.tickets,
                config=i.config,
            ).handlers(),
            **UserHandlers(
                people=i.people,
                sessions=i.sessions,
                keys=i.keys,
                factors=i.factors,
                links=i.links,
                sign_in=i.sign_in,
                notify=i.notify,
                clock=self.clock,
                shut_out=self._note_shut_out,
            ).handlers(),
            **SessionHandlers(sessions=i.sessions, people=i.people).handlers(),
            **KeyHandlers(keys=i.keys, people=i.people, notify=i.notify).handlers(),
        }
        return Control(
            (*auth.OPERATIONS, *users.OPERATIONS, *sessions.OPERATIONS, *keys.OPERATIONS),
            handlers,
            audit=self.audit,
            repetitions=MemoryRepetitions(self.audit),
            clock=self.clock,
        )

    async def _note_shut_out(self, user_id: str) -> None:
        self.shut_out.append(user_id)

    def pass_s(self, seconds: float) -> None:
        self.clock.advance(round(seconds * SECOND))

    # As the doors do it.

    async def send(self, actor: Actor, request: Request[A], confirmation: str = "") -> A:
        return await self.control.send(actor, request, correlation="c-1", confirmation=confirmation)

    async def ask(self, request: Request[A], *, address: str = HERE) -> A:
        """Send as a stranger."""
        return await self.send(msgspec.structs.replace(STRANGER, address=address), request)

    def bearer(self, token: str, address: str = HERE) -> Actor:
        return self.identity.authenticator.actor(f"Bearer {token}", address)

    # People.

    async def owner(self, username: str = "alice") -> Grant:
        """Make the owner with the first link; signed in from `HERE`."""
        from botcore.control.identity.sessions import Origin

        token, _, _ = await self.identity.sign_in.make_link("", made_by="local:root")
        return await self.identity.sign_in.register(token, username, GOOD, "", Origin(HERE))

    async def user(self, username: str, role: Role, password: str = GOOD) -> Grant:
        """Make another user by invitation."""
        from botcore.control.identity.sessions import Origin

        token, _ = await self.identity.links.invite(role, note="", made_by="local:root")
        return await self.identity.sign_in.register(token, username, password, "", Origin(HERE))

    async def actor(self, username: str, role: Role) -> Actor:
        """Make a user and return him as he asks."""
        return self.bearer((await self.user(username, role)).access_token)

    async def with_factor(self, grant: Grant) -> tuple[pyotp.TOTP, tuple[str, ...]]:
        """Set a second factor up; the step of its first code has passed afterwards."""
        seed, _ = await self.identity.factors.enrol(grant.user)
        totp = pyotp.TOTP(seed)
        actor = self.bearer(grant.access_token)
        codes = await self.identity.sign_in.confirm_factor(actor, self.code(totp))
        self.pass_s(30)
        return totp, codes

    def code(self, totp: pyotp.TOTP, *, steps: int = 0) -> str:
        return totp.at(self.clock.now_ns() // SECOND + 30 * steps)

    def kinds(self) -> list[NoticeKind]:
        return [notice.kind for notice in self.notices]


async def open_desk(config: IdentityConfig | None = None) -> Desk:
    desk = Desk(config)
    await desk.restart()
    return desk


async def others_run() -> None:
    """Give other tasks a turn."""
    await asyncio.sleep(0)


def run(work: Coroutine[Any, Any, A]) -> A:
    return asyncio.run(work)


async def refusal(work: Coroutine[Any, Any, Any]) -> str:
    """Return the code with which something is refused; fail if it is not."""
    try:
        await work
    except Problem as problem:
        return problem.code
    raise AssertionError("it was not refused")


def refused(call: Any, *args: Any) -> str:
    """As `refusal`, of a plain function."""
    try:
        call(*args)
    except Problem as problem:
        return problem.code
    raise AssertionError("it was not refused")
