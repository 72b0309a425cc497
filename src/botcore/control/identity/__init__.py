"""Sign-in: takes what somebody shows, says who it is and what he may, and for how long that holds.

`opened` puts it together over a store (`IdentityStore`); `Authenticator` answers each request from
memory; the handlers of `control.handlers.{auth,users,sessions,keys}` are the way in.
"""

from botcore.control.identity.authenticator import Authenticator, is_loopback
from botcore.control.identity.composing import Identity, opened
from botcore.control.identity.config import Algorithm, IdentityConfig, ThrottleConfig
from botcore.control.identity.endings import Endings
from botcore.control.identity.envelope import Envelope, Place, key_encryption_key
from botcore.control.identity.notices import Notice, NoticeKind, Notify
from botcore.control.identity.passwords import PasswordCost, cost_for, machine_memory
from botcore.control.identity.ports import IdentityStore
from botcore.control.identity.tickets import Tickets

__all__ = [
    "Algorithm",
    "Authenticator",
    "Endings",
    "Envelope",
    "Identity",
    "IdentityConfig",
    "IdentityStore",
    "Notice",
    "NoticeKind",
    "Notify",
    "PasswordCost",
    "Place",
    "ThrottleConfig",
    "Tickets",
    "cost_for",
    "is_loopback",
    "key_encryption_key",
    "machine_memory",
    "opened",
]
