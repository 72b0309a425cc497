"""Sides, states, modes and keys: the words that everything else is written in."""

from itertools import pairwise, permutations

from botcore.domain.keys import Key, Rank
from botcore.domain.modes import Mode
from botcore.domain.orders import TERMINAL, OrderState, Side


def test_a_side_knows_its_opposite_and_its_sign() -> None:
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


def test_seven_states_are_terminal() -> None:
    assert {state for state in OrderState if state.is_terminal} == TERMINAL
    assert {state.value for state in OrderState if not state.is_terminal} == {
        "HELD",
        "INTENT",
        "SENDING",
        "IN_DOUBT",
        "ACCEPTED",
        "PARTIAL",
    }


def test_i20_the_ladder_of_modes_goes_from_normal_to_halt() -> None:
    ladder = [Mode.NORMAL, Mode.REDUCE_ONLY, Mode.CANCEL_ONLY, Mode.FLATTEN, Mode.HALT]

    assert all(a.severity < b.severity for a, b in pairwise(ladder))
    assert [mode for mode in Mode if mode.may_open] == [Mode.NORMAL]
    assert {mode for mode in Mode if not mode.may_place} == {Mode.CANCEL_ONLY, Mode.HALT}


def test_e99_keys_order_by_time_then_rank_then_source_then_count() -> None:
    keys = [
        Key(1, Rank.BAR, 9, 9),
        Key(1, Rank.VENUE_REPORT, 0, 3),
        Key(1, Rank.COMMAND, 0, 1),
        Key(1, Rank.COMMAND, 0, 2),
        Key(1, Rank.COMMAND, 1, 0),
        Key(2, Rank.BAR, 0, 0),
    ]

    for shuffled in permutations(keys):
        assert sorted(shuffled) == keys


def test_e99_what_ends_at_an_instant_comes_before_what_begins_there() -> None:
    assert Rank.BAR < Rank.INSTRUMENT < Rank.FUNDING < Rank.BAR_OPEN < Rank.TRADE < Rank.COMMAND
