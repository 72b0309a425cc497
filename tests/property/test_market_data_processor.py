"""Whatever comes in, the processor answers, keeps the order, and agrees with the exact rules."""

from __future__ import annotations

from decimal import Decimal
from math import inf, isfinite
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import an_instrument

from botcore.domain.errors import DataError
from botcore.domain.ids import SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Quote, Trade
from botcore.kernel import ManualClock
from botcore.marketdata.anomalies import NORMAL_SIGMAS_PER_MAD, robust_z
from botcore.marketdata.plausibility import TickGrid
from botcore.marketdata.processor import MarketDataProcessor, Processed, ProcessorConfig
from botcore.marketdata.quarantine import RefusalReason

BTC = InstrumentId("BTCUSDT.SIM")
NOW = 1_700_000_000 * SECOND_NS

STAMPS = st.integers(NOW - 20, NOW + 20) | st.integers(0, 2**62)
NUMBERS = st.floats() | st.sampled_from([100.0, 100.5, 1.0])
IDS = st.none() | st.integers(0, 30) | st.sampled_from(["a", "b"])
DATA = st.builds(Trade, st.just(BTC), STAMPS.map(Nanos), NUMBERS, NUMBERS) | st.builds(
    Quote, st.just(BTC), STAMPS.map(Nanos), NUMBERS, NUMBERS, NUMBERS, NUMBERS
)
TICKS = st.builds(
    lambda digit, place: Decimal(digit).scaleb(place), st.integers(1, 99), st.integers(-8, 2)
)


def _processor() -> MarketDataProcessor:
    processor = MarketDataProcessor(
        clock=ManualClock(NOW), config=ProcessorConfig(quarantined_max=4, findings_max=4)
    )
    processor.subscribe([BTC])
    return processor


@given(st.lists(st.tuples(DATA, IDS), max_size=60))
def test_each_datum_is_either_passed_in_order_and_possible_or_counted(
    data: list[tuple[Trade | Quote, int | str | None]],
) -> None:
    processor = _processor()
    newest: dict[type, int] = {}
    seen: set[tuple[type, int | str]] = set()
    passed = 0

    for datum, event_id in data:
        judged = processor.process_data(datum, event_id=event_id)
        if not isinstance(judged, Processed):
            assert judged.datum is datum
            assert isinstance(judged.reason, RefusalReason)
            continue
        passed += 1
        kind = type(datum)
        assert judged.data is datum
        assert newest.get(kind, 0) <= datum.ts_event <= NOW + 10 * SECOND_NS
        newest[kind] = datum.ts_event
        if event_id is not None:
            assert (kind, event_id) not in seen
            seen.add((kind, event_id))
        if isinstance(datum, Trade):
            assert 0 < datum.price < inf
            assert 0 < datum.quantity < inf
        else:
            assert 0 < datum.bid <= datum.ask < inf

    assert passed + processor.quarantine.total == len(data)
    assert len(processor.quarantine) <= 4
    assert len(processor.findings) <= 4


@given(st.lists(st.tuples(DATA, IDS), max_size=40))
def test_the_same_data_gives_the_same_answers(
    data: list[tuple[Trade | Quote, int | str | None]],
) -> None:
    first, second = _processor(), _processor()

    answers = [
        [repr(each.process_data(datum, event_id=event_id)) for datum, event_id in data]
        for each in (first, second)
    ]

    assert answers[0] == answers[1]
    assert first.assess(now_ns=NOW + SECOND_NS) == second.assess(now_ns=NOW + SECOND_NS)


@given(TICKS, st.integers(1, 10**12), st.floats(-0.6, 0.6) | st.floats(-2e-6, 2e-6))
def test_the_tick_grid_agrees_with_the_exact_rule(tick: Decimal, ticks: int, off: float) -> None:
    instrument = an_instrument(tick=tick)
    price = float((Decimal(ticks) + Decimal(repr(off))) * tick)

    try:
        instrument.price_from_data(price)
        expected = True
    except DataError:
        expected = False

    assert TickGrid(instrument).has(price) is expected


@given(st.floats(-1e6, 1e6), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_robust_score_is_that_of_the_library_s_medians(
    value: float, others: list[float]
) -> None:
    middle = median(others)
    deviation = NORMAL_SIGMAS_PER_MAD * median(abs(each - middle) for each in others)

    z = robust_z(value, others)

    if deviation > 0:
        assert z == pytest.approx((value - middle) / deviation)
    else:
        assert z == 0.0 or not isfinite(z)
