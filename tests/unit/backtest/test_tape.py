"""Series and tapes: refused whole or taken as they are, flagged, merged and cut."""

from typing import Any

import numpy as np
import pytest

from botcore.backtest import BarSeries, BarTape, demo_tape
from botcore.domain.errors import DataError
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.domain.market import BarFlag, BarSpec

ABLE, BAKER = InstrumentId("ABLEUSDT.SIM"), InstrumentId("BAKERUSDT.SIM")
MINUTES, FIVE = BarSpec(MINUTE_NS), BarSpec(5 * MINUTE_NS)


def a_series(
    opens_at: list[int],
    *,
    instrument: InstrumentId = ABLE,
    spec: BarSpec = MINUTES,
    **columns: Any,
) -> BarSeries:
    """Flat bars at 100 that open at these minutes."""
    n = len(opens_at)
    given = {name: [100.0] * n for name in ("open", "high", "low", "close")} | {"volume": [1.0] * n}
    return BarSeries(
        instrument,
        spec,
        ts_open=np.array(opens_at, dtype=np.int64) * MINUTE_NS,
        columns={name: np.array(values, float) for name, values in (given | columns).items()},
    )


NAN, INF = float("nan"), float("inf")
FLAWS: list[tuple[str, dict[str, Any], int, str]] = [
    ("open", {"open": [100, NAN, 100]}, 1, "open is no positive number"),
    ("high", {"high": [100, 100, INF]}, 2, "high is no positive number"),
    ("low", {"low": [0, 100, 100]}, 0, "low is no positive number"),
    ("close", {"close": [100, -1, 100]}, 1, "close is no positive number"),
    ("volume", {"volume": [1, 1, -1e-9]}, 2, "volume is no number from 0"),
    ("no volume", {"volume": [NAN, 1, 1]}, 0, "volume is no number from 0"),
    (
        "low above open",
        {"low": [100, 100.5, 100], "close": [100, 101, 100], "high": [100, 101, 100]},
        1,
        "low is above",
    ),
    ("high below close", {"close": [100, 100, 101]}, 2, "high is below"),
]


@pytest.mark.parametrize("flaw", FLAWS, ids=[name for name, *_ in FLAWS])
def test_a_bar_that_cannot_be_is_refused_by_row_and_reason(
    flaw: tuple[str, dict[str, Any], int, str],
) -> None:
    _, columns, row, reason = flaw

    with pytest.raises(DataError) as refused:
        a_series([0, 1, 2], **columns)

    assert refused.value.code == "BARS_REFUSED"
    assert f"bar {row} of {ABLE}" in refused.value.cause
    assert reason in refused.value.cause


@pytest.mark.parametrize(("stamps", "row"), [([0, 0, 1], 1), ([0, 2, 1], 2), ([5, 4, 3], 1)])
def test_a_stamp_that_does_not_ascend_is_refused(stamps: list[int], row: int) -> None:
    with pytest.raises(DataError, match=f"bar {row} of {ABLE}"):
        a_series(stamps)


def test_bars_that_overlap_are_refused() -> None:
    with pytest.raises(DataError, match=r"bar 1 of ABLEUSDT\.SIM: it begins before the last one"):
        a_series([0, 4, 9], spec=FIVE)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="differ in length"):
        a_series([0, 1], close=[100.0])


def test_e13_a_bar_behind_a_hole_is_flagged_and_none_is_invented() -> None:
    series = a_series([0, 1, 5, 6, 9])

    assert [flag & int(BarFlag.GAP_BEFORE) > 0 for flag in series.flags] == [
        False,
        False,
        True,
        False,
        True,
    ]
    assert len(series) == 5
    assert BarTape([series]).gaps == 2


def test_e13_a_bar_nobody_traded_in_is_flagged_flat_and_is_no_gap() -> None:
    series = a_series([0, 1, 2], volume=[1, 0, 0], high=[100, 100, 101])

    assert series.flags.tolist() == [0, int(BarFlag.FLAT), 0]


def test_e11_a_bar_is_stamped_at_its_open_and_given_out_at_its_close() -> None:
    events = list(BarTape([a_series([3, 4])]))

    assert [(e.ts_close, e.bars[0].ts_open, e.bars[0].ts_close) for e in events] == [
        (4 * MINUTE_NS, 3 * MINUTE_NS, 4 * MINUTE_NS),
        (5 * MINUTE_NS, 4 * MINUTE_NS, 5 * MINUTE_NS),
    ]


def test_p8_bars_of_one_close_are_one_input_smallest_first_then_by_instrument() -> None:
    tape = BarTape(
        [
            a_series([0, 5], instrument=BAKER, spec=FIVE),
            a_series([3, 4, 5], instrument=BAKER),
            a_series([4, 6], instrument=ABLE),
            a_series([0], instrument=ABLE, spec=FIVE),
        ]
    )

    events = [
        (e.ts_close // MINUTE_NS, [(b.spec.step_ns // MINUTE_NS, b.instrument) for b in e.bars])
        for e in tape
    ]

    assert events == [
        (4, [(1, BAKER)]),
        (5, [(1, ABLE), (1, BAKER), (5, ABLE), (5, BAKER)]),
        (6, [(1, BAKER)]),
        (7, [(1, ABLE)]),
        (10, [(5, BAKER)]),
    ]
    assert all(bar.ts_close == event.ts_close for event in tape for bar in event.bars)
    assert len(tape) == 8
    assert tape.instruments == (ABLE, BAKER)
    assert tape.span == (0, 10 * MINUTE_NS)


def test_an_instrument_cannot_stand_twice_on_a_tape() -> None:
    with pytest.raises(DataError) as refused:
        BarTape([a_series([0]), a_series([1])])

    assert refused.value.code == "SERIES_TWICE"


def test_a_range_takes_the_bars_that_open_in_it() -> None:
    tape = BarTape([a_series([0, 1, 2, 3]), a_series([0, 1, 2, 3], instrument=BAKER)])

    part = tape.between(MINUTE_NS, 3 * MINUTE_NS)

    assert part.span == (MINUTE_NS, 3 * MINUTE_NS)
    assert len(part) == 4
    assert len(tape.between(None, None)) == 8
    assert len(tape.between(10 * MINUTE_NS, None)) == 0
    assert tape.between(10 * MINUTE_NS, None).span == (0, 0)
    assert part.gaps == 0


def test_a_tape_is_played_in_the_same_way_however_long_it_is() -> None:
    """Bars are made in chunks: the seams must not be seen."""
    n = 150_000
    closes = 100.0 + np.arange(n) % 7
    series = a_series(list(range(n)), close=closes, high=closes + 1, low=closes * 0 + 99)

    seen = [(event.ts_close // MINUTE_NS, event.bars[0].close) for event in BarTape([series])]

    assert seen == list(zip(range(1, n + 1), closes.tolist(), strict=True))


def test_a_digest_names_everything_that_bars_hold() -> None:
    plain = a_series([0, 1])
    others = [
        a_series([0, 2]),
        a_series([0, 1], volume=[1, 2]),
        a_series([0, 1], instrument=BAKER),
        a_series([0, 5], spec=FIVE),
        a_series([0, 1], close=[100, 100.0000001], high=[100, 101]),
    ]

    digests = {series.digest() for series in [plain, a_series([0, 1]), *others]}

    assert len(digests) == 6
    assert BarTape([plain, others[2]]).digest() == BarTape([others[2], plain]).digest()


def test_the_demo_tape_is_the_same_for_one_seed_and_another_for_another() -> None:
    tapes = [demo_tape(50, seed=seed, step_ns=MINUTE_NS) for seed in (1, 1, 2)]

    assert tapes[0].digest() == tapes[1].digest() != tapes[2].digest()
    assert len(tapes[0]) == 150
    assert tapes[0].gaps == 0
    one = demo_tape(50, seed=1, step_ns=MINUTE_NS, instruments=("BTCUSDT.SIM",))
    assert one.instruments == ("BTCUSDT.SIM",)
