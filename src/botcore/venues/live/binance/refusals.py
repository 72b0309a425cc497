"""What it means when Binance does not answer as asked: one sentence, a stable code and a fix."""

from typing import Final

from botcore.domain.errors import VenueError

_NOT_SERVED: Final = frozenset({403, 451})
_BANNED: Final = 418
_SLOW_DOWN: Final = frozenset({_BANNED, 429})
_SERVER_ERRORS_FROM: Final = 500


def not_served(status: int) -> VenueError:
    """Say that the venue refuses this place: by law (451), or at its fire wall (403)."""
    return VenueError(
        code="GEO_BLOCKED",
        cause=f"Binance does not serve this place ({status})",
        fix="use the simulated market (--feed simulated) or an imported tape (--feed tape)",
    )


def of_status(status: int, what: str, *, wait_s: float = 60.0) -> VenueError | None:
    """Return what an HTTP status says by itself, or None where the body has to say it.

    Args:
        status: of the answer.
        what: was asked for.
        wait_s: how long to leave the venue alone, where it says so.
    """
    if status in _NOT_SERVED:
        return not_served(status)
    if status in _SLOW_DOWN:
        return limited(status, wait_s)
    if status >= _SERVER_ERRORS_FROM:
        return unavailable(what, status)
    return None


def timed_out(what: str, seconds: float) -> VenueError:
    """Say that an answer did not come in time."""
    return VenueError(
        code="VENUE_TIMEOUT",
        cause=f"Binance did not answer within {seconds:g} s: {what}",
        fix="nothing: it is asked again; if it stays so, check the connection to the internet",
    )


def unreachable(what: str, why: str) -> VenueError:
    """Say that there is no connection."""
    return VenueError(
        code="VENUE_UNREACHABLE",
        cause=f"Binance cannot be reached: {what}: {why}",
        fix="nothing: it is tried again; if it stays so, check the connection to the internet",
    )


def unavailable(what: str, status: int) -> VenueError:
    """Say that the venue itself is in trouble (5xx)."""
    return VenueError(
        code="VENUE_UNAVAILABLE",
        cause=f"Binance answered {status}: {what}",
        fix="nothing: it is asked again; the venue's status page may say more",
    )


def limited(status: int, wait_s: float) -> VenueError:
    """Say that too much was asked for (429), or that it led to a ban (418)."""
    word = "has banned this address" if status == _BANNED else "asks to slow down"
    return VenueError(
        code="VENUE_RATE_LIMITED",
        cause=f"Binance {word} ({status}) for {wait_s:g} s",
        fix="nothing: it is left alone for so long; stop other programs that ask from here",
    )


def refused(what: str, code: int, message: str) -> VenueError:
    """Say that the venue refused what was asked, with its own words."""
    return VenueError(
        code="VENUE_REFUSED",
        cause=f"Binance refused {what}: {message} ({code})",
        fix="check the instrument's name and the timeframe",
    )


def unreadable(what: str, reason: str) -> VenueError:
    """Say that an answer is none: a page of HTML, half a body, another schema."""
    return VenueError(
        code="VENUE_ANSWER_UNREADABLE",
        cause=f"Binance's answer cannot be read: {what}: {reason}",
        fix="nothing: it is asked again; a proxy or a portal on the way may answer in its place",
    )
