"""A small control store, written once by each version that changes its shape.

``python -m tests.support.stored_control FILE`` writes it as SQL: a user, a session, an audit of
three entries, a job. Later versions must open it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path

from botcore.app.control_store import ControlStores, open_control
from botcore.control.access import Role
from botcore.control.identity.ports import RefreshToken, Session, User
from botcore.control.jobs_port import JobRecord
from botcore.control.ports import AuditEntry
from botcore.control.schema.jobs import JobState
from botcore.kernel.clock import ManualClock

NOW = 1_767_225_600_000_000_000


async def fill(control: ControlStores) -> None:
    """Put something into every part that a later version must find again."""
    await control.identity.add_user(
        User(id="u1", username="alice", role=Role.OWNER, created_at=NOW, password_hash="$argon2id$")
    )
    session = Session(
        id="s1",
        user_id="u1",
        created_at=NOW,
        ends_at=NOW + 10**18,
        idle_ends_at=NOW + 10**18,
        seen_at=NOW,
        auth_time=NOW // 10**9,
        methods=("pwd",),
    )
    token = RefreshToken(digest=b"t" * 32, session_id="s1", created_at=NOW, expires_at=NOW + 1)
    await control.identity.add_session(session, token)
    for number in range(3):
        await control.audit.append(
            AuditEntry(
                actor="person:alice",
                user="u1",
                session="s1",
                address="127.0.0.1",
                action="orders.place",
                request={"quantity": "0.01"},
                result="done",
                correlation=f"c{number}",
            )
        )
    await control.jobs.put(
        JobRecord(
            id="job00001",
            kind="backtest",
            title="a backtest",
            owner="u1",
            state=JobState.QUEUED,
            request={"strategy": "rsi"},
            created_at=NOW,
        )
    )


def write(target: Path) -> None:
    """Make a store and dump it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "control.db"
        control = open_control(f"sqlite:///{path}", clock=ManualClock(NOW))
        asyncio.run(fill(control))
        control.close()
        connection = sqlite3.connect(path)
        target.write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
