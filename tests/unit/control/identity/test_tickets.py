"""A ticket opens one socket, soon, from where it was asked for."""

from __future__ import annotations

from tests.support.sign_in_desk import START_NS, refused

from botcore.control.access import Actor, ActorKind
from botcore.control.identity.tickets import Tickets
from botcore.control.schema.values import nanoseconds
from botcore.kernel.clock import ManualClock

SECOND = 1_000_000_000
ALICE = Actor(kind=ActorKind.PERSON, name="person:alice", user="u1", session="s1")
PAGE = "https://bot.example"


def test_a_ticket_gives_who_asked_for_it_once() -> None:
    tickets = Tickets(ManualClock(START_NS))
    ticket, _ = tickets.give(ALICE, PAGE)

    assert tickets.take(ticket, PAGE) == ALICE
    assert refused(tickets.take, ticket, PAGE) == "TICKET_REFUSED"


def test_a_ticket_ends_after_thirty_seconds() -> None:
    clock = ManualClock(START_NS)
    tickets = Tickets(clock)
    early, until = tickets.give(ALICE, PAGE)
    late, _ = tickets.give(ALICE, PAGE)

    clock.advance(30 * SECOND - 1)
    assert tickets.take(early, PAGE) == ALICE
    clock.advance(1)

    assert refused(tickets.take, late, PAGE) == "TICKET_REFUSED"
    assert nanoseconds(until) == START_NS + 30 * SECOND


def test_a_jump_of_the_wall_clock_does_not_lengthen_its_life() -> None:
    clock = ManualClock(START_NS)
    tickets = Tickets(clock)
    ticket, _ = tickets.give(ALICE, PAGE)

    clock.jump(-3_600 * SECOND)
    clock.advance(31 * SECOND)

    assert refused(tickets.take, ticket, PAGE) == "TICKET_REFUSED"


def test_a_ticket_of_another_origin_is_refused_and_used_up() -> None:
    tickets = Tickets(ManualClock(START_NS))
    ticket, _ = tickets.give(ALICE, PAGE)

    assert refused(tickets.take, ticket, "https://evil.example") == "TICKET_REFUSED"
    assert refused(tickets.take, ticket, PAGE) == "TICKET_REFUSED"


def test_a_program_without_origin_is_not_taken_for_a_page() -> None:
    tickets = Tickets(ManualClock(START_NS))
    of_program, _ = tickets.give(ALICE, "")
    of_page, _ = tickets.give(ALICE, PAGE)

    assert refused(tickets.take, of_program, PAGE) == "TICKET_REFUSED"
    assert refused(tickets.take, of_page, "") == "TICKET_REFUSED"


def test_a_ticket_holds_256_random_bits() -> None:
    tickets = Tickets(ManualClock(START_NS))

    given = {tickets.give(ALICE, PAGE)[0] for _ in range(100)}

    assert len(given) == 100
    assert all(len(ticket.removeprefix("wst_")) == 43 for ticket in given)


def test_tickets_that_nobody_takes_are_bounded() -> None:
    clock = ManualClock(START_NS)
    tickets = Tickets(clock)
    first, _ = tickets.give(ALICE, PAGE)
    for _ in range(20_000):
        tickets.give(ALICE, PAGE)

    assert len(tickets._waiting) == 20_000
    assert refused(tickets.take, first, PAGE) == "TICKET_REFUSED"

    clock.advance(31 * SECOND)
    tickets.give(ALICE, PAGE)
    assert len(tickets._waiting) == 1
