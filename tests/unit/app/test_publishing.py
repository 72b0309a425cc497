"""What watchers hear of the platform's health."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from botcore.app.channel import Publisher
from botcore.app.publishing import FactPublisher
from botcore.domain.ids import SECOND_NS, AccountId
from botcore.domain.records import decode_fact
from botcore.storage import SqlJournal

MAIN = AccountId("main")


class Heard:
    """A bus on which one listens, and a journal in which nothing is."""

    durable_lsn = 0

    def __init__(self) -> None:
        self.facts: list[Any] = []

    def published(self, _consumer: str) -> int:
        return 0

    def publish_fact(self, _name: str, lsn: int, payload: bytes) -> None:
        assert lsn == 0
        self.facts.append(decode_fact(payload))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def tell(heard: Heard) -> Callable[[str, str, int], None]:
    facts = FactPublisher(cast(SqlJournal, heard), cast(Publisher, heard), MAIN)
    return lambda component, status, second: facts.health(
        component, status, "", ts=second * SECOND_NS
    )


def test_health_is_told_when_it_changes(
    heard: Heard, tell: Callable[[str, str, int], None]
) -> None:
    tell("feed", "ok", 0)
    tell("feed", "ok", 1)
    tell("storage", "ok", 1)
    tell("feed", "down", 2)
    tell("feed", "ok", 3)

    told = [(fact.component, fact.status) for fact in heard.facts]
    assert told == [("feed", "ok"), ("storage", "ok"), ("feed", "down"), ("feed", "ok")]


def test_health_is_told_again_for_who_came_late(
    heard: Heard, tell: Callable[[str, str, int], None]
) -> None:
    for second in range(25):
        tell("feed", "ok", second)

    assert [fact.ts // SECOND_NS for fact in heard.facts] == [0, 10, 20]
