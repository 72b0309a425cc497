"""The integer rules, with the numbers of the trap table; hand-computed unless a test says else."""

import ast
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest

from botcore.venues.simulated import rules
from botcore.venues.simulated.rules import BUY, SELL


def test_p1_a_share_of_a_huge_amount_never_forms_the_product() -> None:
    equity = 92_000_000_000 * 100_000_000  # 92 billion USDT in quanta, near the end of int64

    assert rules.share(equity, 950_000) == 8_740_000_000_000_000_000
    assert rules.share(1_000_001, 333_333) == floor(Fraction(1_000_001 * 333_333, 10**6))
    assert rules.share_up(1_000_001, 333_333) == ceil(Fraction(1_000_001 * 333_333, 10**6))


def test_p1_a_run_that_would_overflow_is_seen_before_it_starts() -> None:
    assert rules.fits(10_000_000, 100_000_000, 10, 1, 10**15)
    assert not rules.fits(10_000_000, 10_000_000_000, 1_000, 1, 10**15)
    assert not rules.fits(1, 1, 1, 10, 10**18)


def test_p4_a_fee_rounds_up_against_us() -> None:
    assert rules.fee(100_000, 1_000) == 100
    assert rules.fee(100_001, 1_000) == 101


def test_p4_e77_a_rebate_is_negative_and_rounds_down_to_us() -> None:
    assert rules.fee(100_000, -100) == -10
    assert rules.fee(109_999, -100) == -10
    assert rules.fee(9_999, -100) == 0


def test_p5_a_notional_finer_than_a_quantum_rounds_against_us() -> None:
    # ETHBTC: tick 1e-5, lot 1e-4, so one tick × one lot is a tenth of a quantum.
    assert rules.notional(3_001, 1, 1, 10, BUY) == 301
    assert rules.notional(3_001, 1, 1, 10, SELL) == 300
    assert rules.notional(3_000, 1, 1, 10, BUY) == rules.notional(3_000, 1, 1, 10, SELL) == 300


def test_p6_slippage_goes_to_the_next_tick_against_us() -> None:
    assert rules.slipped(3_000_000, BUY, 200) == 3_000_600
    assert rules.slipped(3_000_001, BUY, 200) == 3_000_602
    assert rules.slipped(3_000_001, SELL, 200) == 2_999_400
    assert rules.slipped(100, BUY, 200) == 101
    assert rules.slipped(1, SELL, 500_000) == 1
    assert rules.slipped(777, BUY, 0) == rules.slipped(777, SELL, 0) == 777


def test_p13_a_market_buy_reserves_its_cost_at_the_close_plus_the_band() -> None:
    # 1 COIN at 100.00 (tick 0.01, lot 0.001: 1000 quanta): 105 USDT and 0.1 % of it.
    assert rules.reserve(10_000, 1_000, 1_000, 1, 50_000, 1_000) == 10_500_000_000 + 10_500_000


def test_p13_a_buy_is_cut_to_what_cash_pays_for() -> None:
    lots = rules.cut_by_cash(1_000, 10_000, 1_000, 1, 1_000, 5_000_000_000)

    assert lots == 499  # 499 lots and their fee cost 49.9499 of the 50 USDT, 500 cost 50.05
    assert rules.cost(10_000, 499, 1_000, 1, 1_000) <= 5_000_000_000
    assert rules.cost(10_000, 500, 1_000, 1, 1_000) > 5_000_000_000


def test_p13_a_buy_that_cash_pays_for_is_not_cut() -> None:
    exact = rules.cost(10_000, 1_000, 1_000, 1, 1_000)

    assert rules.cut_by_cash(1_000, 10_000, 1_000, 1, 1_000, exact) == 1_000
    assert rules.cut_by_cash(1_000, 10_000, 1_000, 1, 1_000, exact - 1) == 999
    assert rules.cut_by_cash(1_000, 10_000, 1_000, 1, 1_000, 0) == 0


def test_p13_a_weight_of_equity_becomes_lots_rounded_down() -> None:
    # 10 % of 10,000 USDT at 300.07 is 3.3325… COIN.
    assert rules.size(10_000 * 10**8, 100_000, 30_007, 1_000, 1) == 3_332


def test_e15_the_cap_is_a_floored_share_of_the_bars_volume() -> None:
    assert rules.volume_cap(1_009, 100_000) == 100
    assert rules.volume_cap(0, 100_000) == 0


@pytest.mark.parametrize(
    ("open_", "expected"),
    [(90, 90), (95, 95), (102, 100)],
    ids=["e3_gap_through", "e4_gap_then_wick", "e5_no_gap"],
)
def test_a_sell_stop_at_100_trades_at_its_trigger_or_at_an_open_beyond(
    open_: int, expected: int
) -> None:
    assert rules.stop_price(SELL, 100, open_) == expected


def test_e6_a_buy_stop_gapped_over_trades_at_the_open() -> None:
    assert rules.stop_price(BUY, 105, 110) == 110
    assert rules.stop_price(BUY, 105, 100) == 105


def test_a_touch_fires_a_stop() -> None:
    assert rules.stop_is_hit(SELL, 100, 105, 100)
    assert not rules.stop_is_hit(SELL, 100, 105, 101)
    assert rules.stop_is_hit(BUY, 105, 105, 100)
    assert not rules.stop_is_hit(BUY, 106, 105, 100)


def test_at_one_price_a_stop_is_through_and_a_limit_is_not() -> None:
    assert rules.stop_is_through(BUY, 100, 100)
    assert rules.stop_is_through(SELL, 100, 100)
    assert not rules.limit_is_through(BUY, 100, 100)
    assert not rules.limit_is_through(SELL, 100, 100)
    assert rules.limit_is_through(BUY, 100, 99)
    assert rules.limit_is_through(SELL, 100, 101)


def test_e7_a_limit_gapped_in_our_favour_fills_at_itself_unless_told() -> None:
    assert rules.limit_price(BUY, 100, 95, False) == 100
    assert rules.limit_price(BUY, 100, 95, True) == 95
    assert rules.limit_price(SELL, 100, 107, True) == 107


def test_e8_a_touched_limit_does_not_fill() -> None:
    assert not rules.limit_is_crossed(BUY, 100, 110, 100)
    assert rules.limit_is_crossed(BUY, 100, 110, 99)
    assert not rules.limit_is_crossed(SELL, 110, 110, 100)
    assert rules.limit_is_crossed(SELL, 110, 111, 100)


def test_e9_a_limit_is_never_filled_beyond_its_price() -> None:
    for first in range(90, 111):
        assert rules.limit_price(BUY, 100, first, True) <= 100
        assert rules.limit_price(SELL, 100, first, True) >= 100


def test_e1_the_pessimistic_path_meets_a_longs_stop_before_its_target() -> None:
    stop = rules.leg(SELL, True, False), rules.place(95, SELL, True)
    target = rules.leg(SELL, False, False), rules.place(105, SELL, False)

    assert stop < target
    assert rules.leg(SELL, True, True) > rules.leg(SELL, False, True)
    assert rules.is_ambiguous(True, True)
    assert not rules.is_ambiguous(True, False)
    assert not rules.is_ambiguous(False, True)


def test_p11_orders_on_one_leg_come_in_the_order_of_the_path() -> None:
    down = sorted([97, 99, 95], key=lambda price: rules.place(price, BUY, False))
    up = sorted([103, 101, 105], key=lambda price: rules.place(price, BUY, True))

    assert down == [99, 97, 95]
    assert up == [101, 103, 105]
    assert rules.leg(BUY, False, False) < rules.leg(BUY, True, False)


class TestE14:
    """A long's trailing stop at S0 = 95 with distance 5, bar by bar."""

    def test_e14_1_an_open_at_or_below_the_old_stop_fills_at_the_open(self) -> None:
        assert rules.trail(SELL, 95, 5, 94, 110, 90) == (rules.AT_OPEN, 94, 95)

    def test_e14_2_the_old_stop_comes_before_the_moved_one(self) -> None:
        assert rules.trail(SELL, 95, 5, 100, 110, 94) == (rules.AT_OLD_STOP, 95, 95)

    def test_e14_3_the_moved_stop_inside_the_bar_is_ambiguous(self) -> None:
        assert rules.trail(SELL, 95, 5, 100, 110, 98) == (rules.AT_NEW_STOP, 105, 105)

    def test_e14_4_an_untouched_stop_is_carried_and_never_falls(self) -> None:
        assert rules.trail(SELL, 95, 5, 100, 102, 98) == (rules.STAYS, 0, 97)
        assert rules.trail(SELL, 95, 5, 98, 99, 97) == (rules.STAYS, 0, 95)

    def test_e14_a_buy_stop_trails_from_above(self) -> None:
        assert rules.trail(BUY, 105, 5, 100, 102, 98) == (rules.STAYS, 0, 103)
        assert rules.trail(BUY, 105, 5, 100, 104, 95) == (rules.AT_NEW_STOP, 100, 100)
        assert rules.trail(BUY, 105, 5, 100, 106, 90) == (rules.AT_OLD_STOP, 105, 105)
        assert rules.trail(BUY, 105, 5, 107, 108, 90) == (rules.AT_OPEN, 107, 105)


def test_e2b_a_target_fills_on_the_entry_bar_only_if_the_close_is_beyond() -> None:
    assert not rules.target_is_reached_after_entry(SELL, 105, 105)
    assert rules.target_is_reached_after_entry(SELL, 105, 106)
    assert rules.target_is_reached_after_entry(BUY, 95, 94)


def test_e2_only_a_limit_entry_or_the_close_proves_that_the_stop_came_after() -> None:
    assert rules.stop_after_entry_is_certain(SELL, 99, 100, False)
    assert not rules.stop_after_entry_is_certain(SELL, 99, 100, True)
    assert rules.stop_after_entry_is_certain(SELL, 99, 99, True)


def test_e53_an_end_inside_the_bar_is_against_us() -> None:
    assert rules.lives_inside(False, 60, 0, 60)
    assert not rules.lives_inside(False, 59, 0, 60)
    assert rules.lives_inside(True, 59, 0, 60)
    assert not rules.lives_inside(True, 0, 0, 60)


def test_e75_a_fee_in_a_third_currency_rounds_up() -> None:
    # 0.1 USDT at 600 USDT a BNB is 0.000166666… BNB.
    assert rules.exchanged_up(10_000_000, 600, 1) == 16_667


def test_p2_the_rules_stay_in_the_subset_that_numba_compiles() -> None:
    tree = ast.parse(Path(rules.__file__).read_text(encoding="utf-8"))

    forbidden = (
        ast.Import,
        ast.ImportFrom,
        ast.ClassDef,
        ast.Dict,
        ast.Raise,
        ast.Try,
        ast.Lambda,
        ast.ListComp,
        ast.JoinedStr,
        ast.Yield,
        ast.With,
    )
    found = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, forbidden)]
    assert found == []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            kinds = {ast.unparse(arg.annotation) for arg in node.args.args if arg.annotation}
            assert kinds <= {"int", "bool"}, node.name
            assert node.args.kwonlyargs == [], node.name
            assert node.args.defaults == [], node.name
