import threading

import pytest

from botcore.kernel import Mailbox, Overflow


def _mailbox(overflow: Overflow, capacity: int = 3) -> Mailbox[str]:
    return Mailbox(capacity=capacity, overflow=overflow, key=lambda item: item[0])


def test_items_are_taken_in_order_in_batches() -> None:
    mailbox = _mailbox(Overflow.BLOCK)
    for item in ("a1", "b1", "c1"):
        mailbox.put(item)

    assert mailbox.take(2) == ["a1", "b1"]
    assert mailbox.take(2) == ["c1"]


def test_prior_items_come_first_and_in_order() -> None:
    mailbox = _mailbox(Overflow.DROP_OLDEST)
    mailbox.put("a1")
    mailbox.put_prior("stop")
    mailbox.put_prior("cancel")

    assert mailbox.take(10) == ["stop", "cancel", "a1"]


def test_taking_from_an_empty_mailbox_ends_with_the_timeout() -> None:
    assert _mailbox(Overflow.BLOCK).take(1, timeout_s=0.001) == []


def test_a_full_blocking_mailbox_refuses_after_the_wait() -> None:
    mailbox = _mailbox(Overflow.BLOCK, capacity=1)
    mailbox.put("a1")

    accepted = mailbox.put("a2", timeout_s=0.001)

    assert not accepted
    assert mailbox.take(10) == ["a1"]
    assert (mailbox.counters.blocked, mailbox.counters.refused) == (1, 1)


def test_a_blocked_sender_goes_on_once_there_is_room() -> None:
    mailbox = _mailbox(Overflow.BLOCK, capacity=1)
    mailbox.put("a1")
    sender = threading.Thread(target=mailbox.put, args=("a2",))
    sender.start()

    taken = [*mailbox.take(1), *mailbox.take(1)]
    sender.join()

    assert taken == ["a1", "a2"]


def test_a_full_conflating_mailbox_keeps_the_newest_of_each_key_at_its_own_place() -> None:
    mailbox = _mailbox(Overflow.CONFLATE)
    for item in ("a1", "b1", "c1", "a2"):
        mailbox.put(item)

    assert mailbox.take(10) == ["b1", "c1", "a2"]
    assert mailbox.counters.conflated == 1


def test_a_conflating_mailbox_loses_nothing_while_there_is_room() -> None:
    mailbox = _mailbox(Overflow.CONFLATE)
    mailbox.put("a1")
    mailbox.put("a2")

    assert mailbox.take(10) == ["a1", "a2"]


def test_a_full_conflating_mailbox_drops_the_oldest_for_a_key_that_does_not_wait() -> None:
    mailbox = _mailbox(Overflow.CONFLATE)
    for item in ("a1", "b1", "c1", "d1", "a2"):
        mailbox.put(item)

    # "a1" left for "d1", so "a2" finds nothing of its key and drops "b1".
    assert mailbox.take(10) == ["c1", "d1", "a2"]
    assert (mailbox.counters.dropped, mailbox.counters.conflated) == (2, 0)


def test_a_full_mailbox_that_drops_keeps_the_newest() -> None:
    mailbox = _mailbox(Overflow.DROP_OLDEST)
    for item in ("a1", "a2", "a3", "a4"):
        mailbox.put(item)

    assert mailbox.take(10) == ["a2", "a3", "a4"]
    assert mailbox.counters.dropped == 1


@pytest.mark.parametrize("overflow", Overflow)
def test_v23_a_burst_of_market_data_never_drops_a_private_event(overflow: Overflow) -> None:
    mailbox = _mailbox(overflow)
    mailbox.put_prior("fill")
    for number in range(100):
        mailbox.put(f"{number % 10}-{number}", timeout_s=0)

    taken = mailbox.take(10)

    assert taken[0] == "fill"
    assert len(taken) == 4


def test_a_full_prior_lane_makes_its_sender_wait_and_drops_nothing() -> None:
    mailbox = _mailbox(Overflow.DROP_OLDEST, capacity=1)
    mailbox.put_prior("first")

    assert not mailbox.put_prior("second", timeout_s=0.001)
    assert mailbox.take(10) == ["first"]


def test_a_closed_mailbox_accepts_nothing_and_gives_what_it_holds() -> None:
    mailbox = _mailbox(Overflow.DROP_OLDEST, capacity=1)
    mailbox.put("a1")
    mailbox.close()

    assert not mailbox.put("a2")
    assert not mailbox.put_prior("stop")
    assert mailbox.is_closed
    assert mailbox.take(10) == ["a1"]
    assert mailbox.take(10) == []


def test_closing_wakes_whoever_waits() -> None:
    full, empty = _mailbox(Overflow.BLOCK, capacity=1), _mailbox(Overflow.BLOCK)
    full.put("a1")
    waiting = [
        threading.Thread(target=full.put, args=("a2",)),
        threading.Thread(target=empty.take, args=(1,)),
    ]
    for thread in waiting:
        thread.start()

    full.close()
    empty.close()
    for thread in waiting:
        thread.join(timeout=30)

    assert not any(thread.is_alive() for thread in waiting)


def test_the_counters_add_up() -> None:
    mailbox = _mailbox(Overflow.DROP_OLDEST, capacity=2)
    for number in range(5):
        mailbox.put(str(number))
    mailbox.take(1)

    counters = mailbox.counters

    assert counters.offered == 5
    assert counters.offered == counters.taken + counters.dropped + len(mailbox)
    assert counters.high_water == 2


def test_a_mailbox_without_room_or_a_conflating_one_without_key_is_refused() -> None:
    with pytest.raises(ValueError, match="0 items"):
        Mailbox[str](capacity=0, overflow=Overflow.BLOCK)
    with pytest.raises(ValueError, match="key"):
        Mailbox[str](capacity=1, overflow=Overflow.CONFLATE)
