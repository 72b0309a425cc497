"""What the control process keeps: users, the audit, jobs, alerts, and what is wanted.

Takes in rows and acts on them from asyncio or threads; gives them back by page. One writer commits
what waits together. SQLite embedded, PostgreSQL outside.
"""

from botcore.storage.control.access import Access, AccessLog
from botcore.storage.control.alerts import AlertRule, AlertStore
from botcore.storage.control.audit import AuditLog
from botcore.storage.control.audit_chain import EntryLike, Verdict
from botcore.storage.control.checking import ControlState, look_at_control
from botcore.storage.control.desired import DesiredStore, Version
from botcore.storage.control.jobs import Job, JobPage, JobStore
from botcore.storage.control.notes import NoteStore, ReportNote, SettingChange, SettingStore
from botcore.storage.control.notifications import (
    Notification,
    NotificationPage,
    NotificationStore,
    Told,
)
from botcore.storage.control.repetitions import Repetitions
from botcore.storage.control.searching import Search, Searching
from botcore.storage.control.store import ControlStore

__all__ = [
    "Access",
    "AccessLog",
    "AlertRule",
    "AlertStore",
    "AuditLog",
    "ControlState",
    "ControlStore",
    "DesiredStore",
    "EntryLike",
    "Job",
    "JobPage",
    "JobStore",
    "NoteStore",
    "Notification",
    "NotificationPage",
    "NotificationStore",
    "Repetitions",
    "ReportNote",
    "Search",
    "Searching",
    "SettingChange",
    "SettingStore",
    "Told",
    "Verdict",
    "Version",
    "look_at_control",
]
