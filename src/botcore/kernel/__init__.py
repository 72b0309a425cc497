"""How time and facts move: clocks, rates, mailboxes, the bus, lives, watchdog and supervisor.

Takes in nothing but time and other people's code; gives out the primitives all rooms above stand
on. ``botcore.kernel.random`` is imported by its own name, because it loads NumPy.
"""

from botcore.kernel.backoff import Backoff
from botcore.kernel.bus import FactBus, FactPublisher, InProcessBus, Message, Subscription
from botcore.kernel.child import ChildEventKind, ChildSpec, RestartPolicy
from botcore.kernel.clock import Clock, ManualClock, PausableClock, SystemClock
from botcore.kernel.guard import Crashed, guarded
from botcore.kernel.heart import SUPERVISOR_FD, Heart
from botcore.kernel.lifecycle import Component, Lifecycle, LifeState
from botcore.kernel.mailbox import Mailbox, MailboxCounters, Overflow
from botcore.kernel.supervisor import ChildEvent, Ending, Supervisor, Verdict
from botcore.kernel.throttle import SlidingWindow, TokenBucket
from botcore.kernel.watchdog import Section, SlowSection, Watchdog

__all__ = [
    "SUPERVISOR_FD",
    "Backoff",
    "ChildEvent",
    "ChildEventKind",
    "ChildSpec",
    "Clock",
    "Component",
    "Crashed",
    "Ending",
    "FactBus",
    "FactPublisher",
    "Heart",
    "InProcessBus",
    "LifeState",
    "Lifecycle",
    "Mailbox",
    "MailboxCounters",
    "ManualClock",
    "Message",
    "Overflow",
    "PausableClock",
    "RestartPolicy",
    "Section",
    "SlidingWindow",
    "SlowSection",
    "Subscription",
    "Supervisor",
    "SystemClock",
    "TokenBucket",
    "Verdict",
    "Watchdog",
    "guarded",
]
