"""How much a target weight is, by hand, and in the venue's own lots."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.errors import ConfigError
from botcore.risk import PPM, Sizing, SizingKind
from botcore.venues.simulated import rules

FIXED, FRACTION = SizingKind.FIXED, SizingKind.FRACTION
VOLATILITY, ATR = SizingKind.VOLATILITY_TARGET, SizingKind.ATR_RISK


def quantity(
    sizing: Sizing,
    weight: float = 1.0,
    *,
    equity: str = "10000",
    price: str = "200",
    lot: str = "0.001",
    spread: float = 0.0,
) -> Decimal:
    return sizing.target_quantity(
        weight, equity=Decimal(equity), price=Decimal(price), lot=Decimal(lot), spread=spread
    )


@pytest.mark.parametrize(
    ("sizing", "weight", "spread", "expected"),
    [
        # a fixed 2.5 at half the weight
        (Sizing(kind=FIXED, quantity=Decimal("2.5")), 0.5, 0.0, "1.25"),
        (Sizing(kind=FIXED, quantity=Decimal("2.5")), -1.0, 0.0, "-2.5"),
        # 10 % of 10,000 at 200
        (Sizing(kind=FRACTION, equity_frac=0.1), 1.0, 0.0, "5"),
        (Sizing(kind=FRACTION, equity_frac=0.1), -0.5, 0.0, "-2.5"),
        # 20 % wished over the instrument's 80 %: a quarter of equity
        (Sizing(kind=VOLATILITY, equity_frac=1.0, volatility=0.2), 1.0, 0.8, "12.5"),
        # … but at most equity_frac
        (Sizing(kind=VOLATILITY, equity_frac=0.1, volatility=0.2), 1.0, 0.8, "5"),
        # 1 % of 10,000 lost over 2 ATR of 5 each: 100 / 10 = 10 units
        (Sizing(kind=ATR, equity_frac=1.0, risk_frac=0.01, atr_multiple=2.0), 1.0, 5.0, "10"),
        (Sizing(kind=ATR, equity_frac=0.1, risk_frac=0.01, atr_multiple=2.0), 1.0, 5.0, "5"),
        # no view on risk, no position
        (Sizing(kind=VOLATILITY), 1.0, 0.0, "0"),
        (Sizing(kind=VOLATILITY), 1.0, math.nan, "0"),
        (Sizing(kind=ATR), 1.0, math.inf, "0"),
        (Sizing(kind=ATR), 1.0, -5.0, "0"),
    ],
)
def test_a_weight_is_the_quantity_worked_out_by_hand(
    sizing: Sizing, weight: float, spread: float, expected: str
) -> None:
    assert quantity(sizing, weight, spread=spread) == Decimal(expected)


def test_a_quantity_goes_towards_zero_to_the_lot() -> None:
    sizing = Sizing(equity_frac=0.1)

    assert quantity(sizing, price="3", lot="0.1") == Decimal("333.3")
    assert quantity(sizing, -1.0, price="3", lot="0.1") == Decimal("-333.3")
    assert quantity(sizing, price="3", lot="500") == 0


@pytest.mark.parametrize(
    ("weight", "ppm"), [(0.3333333, 333_333), (1.0, 1_000_000), (5e-7, 0), (1.5e-6, 2), (2.5e-6, 2)]
)
def test_p3_a_share_is_whole_parts_per_million_ties_to_even(weight: float, ppm: int) -> None:
    assert Sizing(equity_frac=1.0).share_ppm(weight, price=1.0, spread=0.0) == ppm


@given(
    equity=st.decimals("0", "1e9", places=8),
    price=st.integers(1, 10**9),
    weight=st.floats(0.0, 1.0),
    frac=st.floats(0.0, 2.0),
)
def test_p2_the_gate_sizes_in_the_same_lots_as_the_venues_rule(
    equity: Decimal, price: int, weight: float, frac: float
) -> None:
    tick, lot = Decimal("0.01"), Decimal("0.00001")
    sizing = Sizing(equity_frac=frac)

    ours = quantity(sizing, weight, equity=str(equity), price=str(price * tick), lot=str(lot))

    ppm = sizing.share_ppm(weight, price=1.0, spread=0.0)
    # One tick times one lot is 1e-7 quote: ten quanta.
    theirs = rules.size(int(equity * 10**8), ppm, price, 10, 1)
    assert ours == theirs * lot


@given(
    kind=st.sampled_from(SizingKind),
    weight=st.floats(-1.0, 1.0),
    equity=st.floats(1.0, 1e8),
    price=st.floats(0.01, 1e6),
    spread=st.floats(0.0, 1e4),
)
def test_the_quick_float_agrees_with_the_exact_quantity(
    kind: SizingKind, weight: float, equity: float, price: float, spread: float
) -> None:
    sizing = Sizing(kind=kind, quantity=Decimal("2.5"), equity_frac=0.5)

    exact = quantity(
        sizing,
        weight,
        equity=f"{equity:.8f}",
        price=repr(price),
        lot="0.00000001",
        spread=spread,
    )
    quick = sizing.target_float(weight, equity, price, spread)

    a_millionth = (equity / price + 2.5) / PPM
    assert abs(float(exact) - quick) <= a_millionth + 2e-8


@pytest.mark.parametrize(
    "numbers",
    [
        {"equity_frac": -0.1},
        {"equity_frac": math.nan},
        {"equity_frac": 10.1},
        {"volatility": math.inf},
        {"risk_frac": 1.5},
        {"atr_multiple": 0.0},
        {"band_frac": -1.0},
        {"quantity": Decimal(-1)},
    ],
    ids=str,
)
def test_a_size_that_is_no_size_is_refused_by_name(numbers: dict[str, Any]) -> None:
    (name,) = numbers

    with pytest.raises(ConfigError, match=name) as caught:
        Sizing(**numbers)

    assert caught.value.code == "SIZING_REFUSED"


def test_only_two_kinds_need_to_know_how_far_the_instrument_moves() -> None:
    needing = {kind for kind in SizingKind if Sizing(kind=kind).needs_range}

    assert needing == {VOLATILITY, ATR}


@pytest.mark.parametrize("kind", list(SizingKind))
def test_every_kind_says_what_it_does(kind: SizingKind) -> None:
    said = {Sizing(kind=other).describe() for other in SizingKind}

    assert Sizing(kind=kind).describe()
    assert len(said) == len(SizingKind)
