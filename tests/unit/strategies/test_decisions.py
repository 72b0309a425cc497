"""What the library decides, and that its sentences say what it did."""

import itertools
import math
import re
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies.tapes import BarValues, flat, obeyed, random_walk

from botcore.strategies import SIGNAL_LIBRARY, SignalRunner, render_reason
from botcore.strategies.layout import CODE, FREE, HELD
from botcore.strategies.library.ensemble import MEMBERS

NAMES = list(SIGNAL_LIBRARY)
NARROW: dict[str, dict[str, object]] = {
    "rsi": {"period": 5, "oversold": 35, "overbought": 65, "no_trade_bps": 12},
    "macd": {"fast": 4, "slow": 9, "signal": 3, "no_trade_bps": 2},
    "bollinger": {"period": 8, "width": 1.2, "no_trade_bps": 12},
    "volume-breakout": {"period": 5, "volume_factor": 1.2, "no_trade_bps": 15},
    "ema-cross": {"fast": 3, "slow": 8, "no_trade_bps": 8},
    "donchian-trend": {"entry": 6, "exit": 3, "no_trade_bps": 15},
    "ensemble": {"rsi_oversold": 40, "rsi_overbought": 60, "rsi_no_trade_bps": 5},
}
"""Parameters that change their mind often, so that a short tape meets every situation."""

NO_VIEW_ENDINGS = ("more bars", "no view yet", "has a view yet")


def acts(weight: float, held: float) -> tuple[str, ...]:
    """Return how a sentence must end that explains this weight at this position."""
    if math.isnan(weight):
        return NO_VIEW_ENDINGS
    if weight > 0.0:
        return (": stay long",) if held > 0.0 else (": enter",)
    return (": exit",) if held != 0.0 else (": stay flat", ": no entry")


def asked(
    name: str, bars: list[BarValues], positions: list[float]
) -> list[tuple[float, float, int, tuple[float, ...]]]:
    """Return weight, position, code and operands of each bar; operands not written are NaN."""
    runner = SignalRunner(SIGNAL_LIBRARY[name], NARROW[name])
    seen = []
    for bar, held in zip(bars, positions, strict=True):
        runner.memory[1:5] = [math.nan] * 4
        weight = runner.on_bar(bar, held)
        seen.append((weight, held, int(runner.memory[CODE]), tuple(runner.memory[1:5])))
    return seen


@cache
def provoked(name: str) -> list[tuple[float, float, int, tuple[float, ...]]]:
    """Ask one strategy about a tape that begins flat, with a position that wanders by itself."""
    bars = [*flat(60), *random_walk(20, 6_000)]
    positions = np.random.default_rng(21).choice([0.0, 1.0], len(bars)).tolist()
    return asked(name, bars, positions)


@pytest.mark.parametrize(
    ("name", "code"),
    [(name, code) for name in NAMES for code in range(len(SIGNAL_LIBRARY[name].reasons))],
)
def test_every_reason_has_a_situation_that_provokes_it_and_a_sentence_that_fits(
    name: str, code: int
) -> None:
    met = [each for each in provoked(name) if each[2] == code]

    assert met
    for weight, held, _, operands in met:
        sentence = render_reason(SIGNAL_LIBRARY[name], code, operands)
        assert sentence.endswith(acts(weight, held)), sentence
        assert "nan" not in sentence
        assert "inf" not in re.sub("inside", "", sentence)
        for place, form in re.findall(r"\{(\d):([^}]*)\}", SIGNAL_LIBRARY[name].reasons[code]):
            assert form.startswith("+") or operands[int(place)] >= 0.0, sentence


def test_no_code_is_used_that_has_no_sentence() -> None:
    for name in NAMES:
        assert {each[2] for each in provoked(name)} == set(range(len(SIGNAL_LIBRARY[name].reasons)))


FREE_SLOTS = {
    "volume-breakout": [0.0, 101.0, 99.0],
    "donchian-trend": [0.0, 101.0, 97.0, 100.8, 99.0],
}


@pytest.mark.parametrize(
    ("name", "features", "held", "sentence"),
    [
        ("rsi", [41.2, 100.0], 0.0, "RSI 41.2 is above 30: no entry"),
        (
            "rsi",
            [25.0, 102.0],
            0.0,
            "RSI 25.0 is at most 30 and price -196.1 bps from its average: enter",
        ),
        (
            "rsi",
            [25.0, 100.1],
            0.0,
            "RSI 25.0 is at most 30, price only -10.0 of -45 bps from average: no entry",
        ),
        ("rsi", [50.0, 100.0], 1.0, "RSI is 50.0, its last signal was to exit: exit"),
        (
            "macd",
            [0.0, 0.123, -0.123],
            0.0,
            "MACD is 12.3 bps of the price below its signal: stay flat",
        ),
        (
            "bollinger",
            [102.0, 101.0, 100.5],
            0.0,
            "price is under the lower band and 99.0 bps below its average: enter",
        ),
        (
            "bollinger",
            [102.0, 100.0, 99.0],
            0.0,
            "price is 100.0 bps above the lower band: no entry",
        ),
        (
            "volume-breakout",
            [101.0, 100.0, 99.0, 1.0],
            0.0,
            "price is 99.0 bps under the high of 20 bars: no entry",
        ),
        (
            "donchian-trend",
            [102.0, 101.0, 100.0, 102.0, 101.0, 100.0],
            1.0,
            "price is -99.0 bps from the high of 20 bars, its last break was down: exit",
        ),
        (
            "ema-cross",
            [99.877, 100.0],
            0.0,
            "EMA 10 was last below EMA 30, now -12.3 bps, inside ±30: stay flat",
        ),
        ("ema-cross", [99.60, 100.0], 0.0, "EMA 10 is 40.0 bps below EMA 30: stay flat"),
        ("ema-cross", [100.40, 100.0], 1.0, "EMA 10 is 40.0 bps above EMA 30: stay long"),
    ],
)
def test_a_sentence_says_what_was_seen(
    name: str, features: list[float], held: float, sentence: str
) -> None:
    strategy = SIGNAL_LIBRARY[name]
    memory = [0.0] * FREE + FREE_SLOTS.get(name, [0.0] * len(strategy.free_memory))
    memory[HELD] = held

    strategy.decide(
        [*features, 100.0, 100.0, 100.0, 100.0, 1.0], memory, strategy.parameters.row({})
    )

    assert render_reason(strategy, memory[CODE], memory[1:5]) == sentence


def test_a_reason_without_a_sentence_is_read_as_such() -> None:
    rsi = SIGNAL_LIBRARY["rsi"]

    assert render_reason(rsi, 99.0, [0.0] * 4) == "no sentence for reason 99 of rsi"
    assert render_reason(rsi, -1.0, [0.0] * 4) == "no sentence for reason -1 of rsi"
    assert render_reason(rsi, math.nan, [0.0] * 4) == "no sentence for reason nan of rsi"
    assert render_reason(rsi, 1.0, [0.0]) == "reason 1 of rsi lacks operands"


MOVES = st.lists(
    st.tuples(st.floats(-0.5, 0.5), st.floats(0.0, 0.2), st.floats(0.0, 0.2), st.floats(0.0, 1e9)),
    min_size=45,
    max_size=90,
)


@pytest.mark.parametrize("name", NAMES)
@given(moves=MOVES, start=st.floats(1e-6, 1e6), positions=st.randoms(use_true_random=False))
def test_any_prices_give_a_weight_of_one_or_none_and_a_fitting_sentence(
    name: str, moves: list[tuple[float, float, float, float]], start: float, positions: object
) -> None:
    bars = []
    close = start
    for change, above, below, volume in moves:
        open_ = close
        close = open_ * (1.0 + change)
        high = max(open_, close) * (1.0 + above)
        low = min(open_, close) * (1.0 - below)
        bars.append((open_, high, low, close, volume))
    held = [float(positions.choice([0, 1])) for _ in bars]  # type: ignore[attr-defined]  # a Random

    for weight, position, code, operands in asked(name, bars, held):
        assert math.isnan(weight) or weight in (0.0, 1.0)
        sentence = render_reason(SIGNAL_LIBRARY[name], code, operands)
        assert sentence.endswith(acts(weight, position))
        assert "nan" not in sentence


@pytest.mark.parametrize("name", NAMES)
def test_decide_changes_its_memory_only_and_twice_gives_the_same(name: str) -> None:
    strategy = SIGNAL_LIBRARY[name]
    runner = SignalRunner(strategy, NARROW[name])
    params = strategy.parameters.row(NARROW[name])
    for bar in random_walk(22, 300):
        memory = list(runner.memory)
        runner.on_bar(bar, 0.0)
        if runner.memory[CODE] == 0.0:
            continue
        memory[HELD] = 0.0
        again = list(memory)
        row, kept = runner.row, list(params)

        first = strategy.decide(row, memory, params)
        second = strategy.decide(list(row), again, list(params))

        assert np.array_equal(first, second, equal_nan=True)
        assert memory == again
        assert memory[FREE:] == runner.memory[FREE:]
        assert row == runner.row
        assert params == kept


@pytest.mark.parametrize("name", NAMES)
def test_e102_a_decision_does_not_change_when_later_bars_are_appended(name: str) -> None:
    bars = random_walk(23, 900)
    other = random_walk(24, 400)

    whole = list(obeyed(SignalRunner(SIGNAL_LIBRARY[name], NARROW[name]), bars))
    cut = list(obeyed(SignalRunner(SIGNAL_LIBRARY[name], NARROW[name]), [*bars[:500], *other]))

    assert np.array_equal(whole[:500], cut[:500], equal_nan=True)
    assert not np.array_equal(whole[500:], cut[500:900], equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("params", [{}, None], ids=["shipped", "narrow"])
def test_e102_a_decision_does_not_change_when_old_history_is_cut_off(
    name: str, params: Mapping[str, object] | None
) -> None:
    params = NARROW[name] if params is None else params
    bars = random_walk(25, 8_000)
    start = 3_000
    settled = start + SignalRunner(SIGNAL_LIBRARY[name], params).settled(1e-12)

    runner = SignalRunner(SIGNAL_LIBRARY[name], params)
    whole, views = [], []
    for weight in obeyed(runner, bars):
        whole.append(weight)
        views.append(runner.memory[FREE : FREE + (5 if name == "ensemble" else 1)])
    cut = list(obeyed(SignalRunner(SIGNAL_LIBRARY[name], params), bars[start:]))

    # A view is that of its last decisive bar: once each has changed after the cut, both agree.
    changed = np.diff(np.array(views[settled:]), axis=0) != 0.0
    assert changed.any(axis=0).all()
    agreed = settled + int(changed.argmax(axis=0).max()) + 1
    assert np.unique(whole[agreed:]).tolist() == [0.0, 1.0]
    assert whole[agreed:] == cut[agreed - start :]


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_strategy_that_is_flat_may_enter_on_its_first_bar(name: str) -> None:
    bars = random_walk(26, 2_000)
    runner = SignalRunner(SIGNAL_LIBRARY[name], NARROW[name])
    runner.is_warmup = True
    wanted = [runner.on_bar(bar, 0.0) for bar in bars]
    last_long = max(at for at, weight in enumerate(wanted) if weight == 1.0)

    runner = SignalRunner(SIGNAL_LIBRARY[name], NARROW[name])
    runner.is_warmup = True
    for bar in bars[:last_long]:
        runner.on_bar(bar, 0.0)
    runner.is_warmup = False

    assert runner.on_bar(bars[last_long], 0.0) == 1.0
    assert render_reason(SIGNAL_LIBRARY[name], runner.memory[CODE], runner.memory[1:5]).endswith(
        ": enter"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_denied_entry_is_wanted_again_on_the_next_bar(name: str) -> None:
    bars = random_walk(27, 2_000)
    denied = SignalRunner(SIGNAL_LIBRARY[name], NARROW[name])
    filled = SignalRunner(SIGNAL_LIBRARY[name], NARROW[name])

    wanted = [denied.on_bar(bar, 0.0) for bar in bars]

    assert np.array_equal(wanted, list(obeyed(filled, bars)), equal_nan=True)
    assert any(now == after == 1.0 for now, after in itertools.pairwise(wanted))


@pytest.mark.parametrize("seed", [0, 1])
def test_ema_cross_without_a_band_is_the_textbook_rule(seed: int) -> None:
    bars = random_walk(28, 3_000)
    runner = SignalRunner(SIGNAL_LIBRARY["ema-cross"], {"no_trade_bps": 0, "seed": seed})
    closes = [bar[3] for bar in bars]

    weights = list(obeyed(runner, bars))

    fast, slow = _ema_by_hand(closes, 10, seed), _ema_by_hand(closes, 30, seed)
    assert all(math.isnan(weight) for weight in weights[:29])
    assert weights[29:] == [float(f > s) for f, s in zip(fast[29:], slow[29:], strict=True)]


def test_ema_cross_keeps_its_view_where_the_averages_are_equal() -> None:
    runner = SignalRunner(SIGNAL_LIBRARY["ema-cross"], {"fast": 1, "slow": 2, "no_trade_bps": 0})
    # With periods 1 and 2 the averages meet only where the price stands still for long.
    rising = [(1.0, 1.0, 1.0, float(price), 1.0) for price in (1, 2, 3)]

    weights = list(obeyed(runner, [*rising, *flat(80, price=3.0)]))

    assert runner.row[0] == runner.row[1]
    assert weights[2:] == [1.0] * 81


def test_the_ensemble_holds_what_the_majority_of_the_other_five_hold() -> None:
    bars = random_walk(29, 6_000)
    ensemble = SIGNAL_LIBRARY["ensemble"]
    runner = SignalRunner(ensemble, {})
    members = [SignalRunner(member, {}) for member in MEMBERS]
    seen = set()

    for at, bar in enumerate(bars):
        weight = runner.on_bar(bar, 0.0)
        votes = [member.on_bar(bar, 0.0) for member in members]
        if at < 3_000:  # the members begin on bars of their own; their first signals differ
            continue
        longs = votes.count(1.0)
        seen.add(longs)
        assert weight == float(longs >= 3)
        assert runner.memory[1:3] == [longs, 5.0]
    assert {2, 3} <= seen


def _ema_by_hand(closes: list[float], period: int, seed: int) -> list[float]:
    share = 2.0 / (period + 1.0)
    value = closes[0] if seed else sum(closes[:period]) / period
    first = 0 if seed else period - 1
    averages = [math.nan] * first + [value]
    for close in closes[first + 1 :]:
        value = (close - value) * share + value
        averages.append(value)
    return averages
