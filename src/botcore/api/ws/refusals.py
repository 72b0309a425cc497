"""Why a socket is not let in, or not let stay: what its client is told."""

from typing import Final

from botcore.control.problems import Forbidden, Malformed, Problem, TooMany, Unauthenticated
from botcore.control.schema.streams import SUBPROTOCOL, TICKET_PROTOCOL

_SHOWN: Final = 80


def ticket_in_address() -> Problem:
    """Say that the address of the socket has a query."""
    return Malformed(
        code="TICKET_IN_ADDRESS",
        cause="the address of the socket has a query; tokens there end up in logs and histories",
        fix=f'send {{"ticket": "…"}} as the first frame, or offer the subprotocols {SUBPROTOCOL}'
        f" and {TICKET_PROTOCOL}<ticket>",
    )


def foreign_origin(origins: list[bytes]) -> Problem:
    """Say that another site wants to open it."""
    given = b" and ".join(origins[:2])[:_SHOWN].decode("latin-1")
    return Forbidden(
        code="ORIGIN_NOT_ALLOWED",
        cause=f"the origin {given!r} may not open a socket here",
        fix="open it from this server's own page, or add the origin to allowed_origins in the"
        " settings and restart",
    )


def full() -> Problem:
    """Say that the server serves no more sockets."""
    return TooMany(
        code="SOCKETS_FULL",
        cause="the server has as many sockets as it serves, or it stops",
        fix="connect again in a while",
        details={"retry_after_s": 5},
    )


def too_many_wait(most: int) -> Problem:
    """Say that more than `most` sockets of one address wait for a ticket."""
    return TooMany(
        code="SOCKETS_FULL",
        cause=f"{most} sockets of this address wait for a ticket, and no more may",
        fix='send {"ticket": "…"} as the first frame of each socket, at once',
        details={"retry_after_s": 5},
    )


def too_many(most: int) -> Problem:
    """Say that more than `most` sockets of one user would be open."""
    return TooMany(
        code="TOO_MANY_SOCKETS",
        cause=f"{most} sockets of this user are open, and no more are allowed",
        fix="close one; one socket carries all channels",
    )


def silent(seconds: float) -> Problem:
    """Say that no ticket came within so many seconds."""
    return Unauthenticated(
        code="NOT_SIGNED_IN",
        cause=f"no ticket came within {seconds:g} s",
        fix='POST /api/v1/ws-ticket, and send {"ticket": "…"} as the first frame',
    )


def no_ticket() -> Problem:
    """Say that the first frame holds no ticket."""
    return Unauthenticated(
        code="NOT_SIGNED_IN",
        cause="the first frame holds no ticket",
        fix='POST /api/v1/ws-ticket, and send {"ticket": "…"} as the first frame',
    )


def session_ended() -> Problem:
    """Say that the session or key is good no more."""
    return Unauthenticated(
        code="SESSION_ENDED",
        cause="the session or key is good no more",
        fix="sign in again",
    )
