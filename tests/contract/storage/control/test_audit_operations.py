"""The audit through control: what an administrator asks, answered from a real store."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from botcore.app.control_store import ControlStores
from botcore.control.access import GRANTS, Actor, ActorKind, Role
from botcore.control.dispatch import Control
from botcore.control.handlers.audit import AuditHandlers
from botcore.control.operations import Request
from botcore.control.ports import AuditEntry
from botcore.control.problems import Forbidden, Malformed
from botcore.control.schema.audit import OPERATIONS, ListAccess, ListAudit, Sort, VerifyAudit
from botcore.kernel.clock import ManualClock


def person(role: Role) -> Actor:
    return Actor(
        kind=ActorKind.PERSON, name=f"person:{role}", user=role, role=role, scopes=GRANTS[role]
    )


@pytest.fixture
def asked(control: ControlStores, clock: ManualClock) -> Control:
    return Control(
        OPERATIONS,
        AuditHandlers(records=control.records).handlers(),
        audit=control.audit,
        repetitions=control.repetitions,
        clock=clock,
    )


def send(asked: Control, role: Role, request: Request[Any]) -> Any:
    return asyncio.run(asked.send(person(role), request, correlation=f"by {role}"))


def test_a_refusal_is_written_down_and_an_administrator_sees_it(asked: Control) -> None:
    for role in (Role.VIEWER, Role.ANALYST, Role.TRADER):
        for request in (ListAudit(), ListAccess(), VerifyAudit()):
            with pytest.raises(Forbidden):
                send(asked, role, request)

    page = send(asked, Role.ADMIN, ListAudit(actor="person:trader", sort=Sort.OLDEST))

    assert [(each.action, each.result, each.code) for each in page.items] == [
        ("audit.list", "refused", "NOT_ALLOWED"),
        ("access.list", "refused", "NOT_ALLOWED"),
        ("audit.verify", "refused", "NOT_ALLOWED"),
    ]
    assert page.items[0].time == datetime(2026, 1, 1, tzinfo=UTC)
    verdict = send(asked, Role.OWNER, VerifyAudit())
    assert (verdict.entries, verdict.is_whole) == (9, True)
    assert len(bytes.fromhex(verdict.hash)) == 32


@pytest.mark.parametrize(
    "request_",
    [
        ListAudit(cursor="nonsense"),
        ListAccess(cursor="nonsense"),
        ListAudit(start=datetime(2026, 1, 1)),  # noqa: DTZ001  # a time without a zone is the point
        ListAccess(start=datetime(2026, 1, 2, tzinfo=UTC), end=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_cannot_be_read_is_refused(asked: Control, request_: Request[Any]) -> None:
    with pytest.raises(Malformed):
        send(asked, Role.ADMIN, request_)


def test_what_was_changed_is_found_by_a_part_of_its_words(
    asked: Control, control: ControlStores
) -> None:
    async def write() -> None:
        for detail in ("limits.order_frac: 0.1 → 0.05", "role of tina: trader → viewer", "100%"):
            await control.audit.append(
                AuditEntry(
                    actor="person:ann",
                    user="ann",
                    session="",
                    address="",
                    action="risk.set-limits",
                    request={},
                    result="done",
                    detail=detail,
                )
            )

    asyncio.run(write())

    def found(text: str) -> list[str]:
        page = send(asked, Role.ADMIN, ListAudit(text=text))
        return [each.detail for each in page.items]

    assert found("order_frac") == ["limits.order_frac: 0.1 → 0.05"]
    assert found("tina: trader → viewer") == ["role of tina: trader → viewer"]
    assert found("Tina") == []
    assert found("%") == ["100%"]
    assert send(asked, Role.ADMIN, VerifyAudit()).is_whole
