"""Facts in another process: each once, in order, and what is missing is said."""

import threading
from collections.abc import Callable, Iterator

import pytest
from tests.support.builders import MAIN

from botcore.app.channel import Publisher
from botcore.app.fact_feed import FactFeed, Lost
from botcore.app.told import Told
from botcore.domain.events import Fact, RiskAlert
from botcore.domain.ids import Nanos
from botcore.domain.records import encode
from botcore.kernel import SystemClock

ANY = "tcp://127.0.0.1:*"


def a_fact(number: int) -> RiskAlert:
    return RiskAlert(MAIN, Nanos(number), "NUMBERED", str(number))


def _nobody(_told: Told) -> None:
    """Take no call."""


class Hearing:
    """A publisher, and what a feed of it heard."""

    def __init__(self, *, after: int | None = None, raises_at: int = -1) -> None:
        self.publisher = Publisher(events=ANY, commands=ANY, token="t", on_call=_nobody)
        self.heard: list[int] = []
        self.lost: list[Lost] = []
        self._raises_at = raises_at
        self._came = threading.Condition()
        self.feed = FactFeed(
            events=self.publisher.events,
            token="t",
            on_fact=self._fact,
            on_lost=self.lost.append,
            after=after,
        )
        self.feed.start()
        events = self.publisher._events
        while not (events.has_subscribers("fact/") and events.has_subscribers("head")):
            SystemClock().sleep_blocking(0.005)

    def say(self, *lsns: int) -> None:
        for lsn in lsns:
            self.publisher.publish_fact("RiskAlert", lsn, encode(a_fact(lsn)))

    def until(self, true: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if true():
                return
            SystemClock().sleep_blocking(0.005)
        raise AssertionError((self.heard, self.lost))

    def head(self, lsn: int) -> None:
        self.publisher.publish_head(lsn)
        self.until(lambda: self.feed.newest_lsn == lsn)

    def close(self) -> None:
        self.feed.close()
        self.publisher._events.close()
        self.publisher._server.start()
        self.publisher._server.stop()

    def _fact(self, lsn: int, fact: Fact) -> None:
        if lsn == self._raises_at:
            raise ValueError("the consumer fell over")
        assert isinstance(fact, RiskAlert)
        assert fact.detail == str(lsn)
        self.heard.append(lsn)


@pytest.fixture
def hear() -> Iterator[Callable[..., Hearing]]:
    made: list[Hearing] = []

    def start(**more: int) -> Hearing:
        made.append(Hearing(**more))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_facts_come_in_order_and_the_newest_lsn_is_known(hear: Callable[..., Hearing]) -> None:
    hearing = hear()
    hearing.publisher.go_on_after(10)

    hearing.say(12, 15, 0, 20)
    hearing.head(23)

    assert hearing.heard == [12, 15, 0, 20]
    assert hearing.lost == []


def test_a_fact_that_is_published_again_is_heard_once(hear: Callable[..., Hearing]) -> None:
    hearing = hear()
    hearing.say(1, 2)
    hearing.head(3)

    hearing.publisher._after = 1  # a publisher that begins again where it had noted to be
    hearing.say(2, 4)
    hearing.head(4)

    assert hearing.heard == [1, 2, 4]
    assert hearing.lost == []


def test_a_message_that_is_lost_is_noticed_by_the_next(hear: Callable[..., Hearing]) -> None:
    hearing = hear()
    hearing.say(1)
    hearing.until(lambda: hearing.heard == [1])

    hearing.publisher._after = 5  # what was published up to there did not come
    hearing.say(7)
    hearing.until(lambda: hearing.heard == [1, 7])

    (lost,) = hearing.lost
    assert (lost.after, lost.lsn) == (1, 7)


def test_a_loss_is_noticed_where_no_further_fact_comes(hear: Callable[..., Hearing]) -> None:
    hearing = hear(after=1)

    hearing.publisher._after = 5
    hearing.head(6)

    assert [(lost.after, lost.lsn) for lost in hearing.lost] == [(1, 6)]


def test_who_begins_behind_what_it_knows_is_told_what_it_missed(
    hear: Callable[..., Hearing],
) -> None:
    hearing = hear(after=4)
    hearing.publisher.go_on_after(9)

    hearing.say(10)
    hearing.until(lambda: hearing.heard == [10])

    assert [(lost.after, lost.lsn) for lost in hearing.lost] == [(4, 10)]


def test_a_store_that_went_back_is_a_loss(hear: Callable[..., Hearing]) -> None:
    hearing = hear(after=100)

    hearing.head(40)

    (lost,) = hearing.lost
    assert lost.after is None
    assert "went back" in lost.why


def test_a_consumer_that_falls_over_has_lost_something(hear: Callable[..., Hearing]) -> None:
    hearing = hear(raises_at=2)

    hearing.say(1, 2, 3)
    hearing.until(lambda: hearing.heard == [1, 3])

    assert len(hearing.lost) == 1
    assert "fell over" in hearing.lost[0].why
