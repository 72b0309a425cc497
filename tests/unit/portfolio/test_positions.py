from decimal import Decimal

from tests.unit.portfolio.builders import BTCUSDT, EMA, MAIN, exact

from botcore.portfolio import Position
from botcore.portfolio.positions import trade

D = Decimal


def test_opens_and_adds_by_cost() -> None:
    assert trade(D(0), D(0), D(2), D(200)) == exact(2, 200, 0)
    assert trade(D(2), D(200), D(1), D(130)) == exact(3, 330, 0)
    assert trade(D(-2), D(-200), D(-1), D(-130)) == exact(-3, -330, 0)


def test_closes_all_and_earns_the_difference() -> None:
    assert trade(D(2), D(200), D(-2), D(-230)) == exact(0, 0, 30)
    assert trade(D(-2), D(-200), D(2), D(230)) == exact(0, 0, -30)


def test_e81_a_partial_close_leaves_the_average_and_the_remainder_of_the_cost() -> None:
    quantity, cost, earned = trade(D(3), D(100), D(-1), D(-40))

    assert (quantity, cost, earned) == exact(2, "66.66666667", "6.66666667")


def test_e80_a_flip_realises_what_closed_and_opens_the_rest_at_the_price() -> None:
    assert trade(D(10), D(1000), D(-15), D(-1800)) == exact(-5, -600, 200)
    assert trade(D(-10), D(-1000), D(15), D(1200)) == exact(5, 400, 200)


def test_an_amount_without_a_change_of_quantity_is_earned_or_lost_by_the_flat() -> None:
    assert trade(D(0), D(0), D(0), D("0.01")) == exact(0, 0, "-0.01")


def test_a_position_shows_its_average_only_while_something_is_held() -> None:
    position = Position(MAIN, EMA, BTCUSDT)
    assert position.average is None
    assert not position.is_open

    position.quantity, position.cost = D("-0.5"), D(-50)

    assert position.average == 100
    assert position.is_open
