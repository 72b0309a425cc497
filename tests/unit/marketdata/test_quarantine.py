"""What was refused can be counted and looked at, within bounds."""

from __future__ import annotations

from botcore.domain.ids import InstrumentId
from botcore.marketdata.quarantine import Quarantine, Quarantined, RefusalReason

A, B, C = (InstrumentId(f"{name}USDT.BINANCE") for name in ("AAA", "BBB", "CCC"))


def _refused(
    instrument: InstrumentId | None = A,
    reason: RefusalReason = RefusalReason.PRICE_INVALID,
    at: int = 0,
) -> Quarantined:
    return Quarantined(reason, "a cause", instrument, at, object())


def test_refusals_are_counted_by_instrument_and_reason() -> None:
    quarantine = Quarantine()

    for each in (
        _refused(),
        _refused(),
        _refused(B),
        _refused(reason=RefusalReason.DUPLICATE),
        _refused(None, RefusalReason.UNKNOWN_KIND),
    ):
        quarantine.add(each)

    assert quarantine.total == 5
    assert quarantine.counts == {
        (A, RefusalReason.PRICE_INVALID): 2,
        (B, RefusalReason.PRICE_INVALID): 1,
        (A, RefusalReason.DUPLICATE): 1,
        (None, RefusalReason.UNKNOWN_KIND): 1,
    }
    assert quarantine.by_reason() == {
        RefusalReason.PRICE_INVALID: 3,
        RefusalReason.DUPLICATE: 1,
        RefusalReason.UNKNOWN_KIND: 1,
    }


def test_only_the_last_ones_are_kept_and_all_are_counted() -> None:
    quarantine = Quarantine(capacity=3)

    for at in range(10):
        quarantine.add(_refused(at=at))

    assert len(quarantine) == 3
    assert [each.ts_init for each in quarantine.recent()] == [9, 8, 7]
    assert quarantine.total == 10


def test_the_last_ones_can_be_asked_for_by_instrument_and_reason() -> None:
    quarantine = Quarantine()
    for at in range(6):
        quarantine.add(_refused((A, B)[at % 2], list(RefusalReason)[at % 3], at))

    assert [each.ts_init for each in quarantine.recent(instrument=B)] == [5, 3, 1]
    reason = next(iter(RefusalReason))
    assert [each.ts_init for each in quarantine.recent(reason=reason)] == [3, 0]
    assert [each.ts_init for each in quarantine.recent(limit=2)] == [5, 4]
    assert quarantine.recent(instrument=C) == ()


def test_names_without_end_do_not_fill_the_memory() -> None:
    quarantine = Quarantine(names_max=2)

    for instrument in (A, B, C, A, C):
        quarantine.add(_refused(instrument))

    assert quarantine.counts == {
        (A, RefusalReason.PRICE_INVALID): 2,
        (B, RefusalReason.PRICE_INVALID): 1,
        (None, RefusalReason.PRICE_INVALID): 2,
    }
