"""An import as a job is refused with what whoever asks for jobs can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from botcore.app.jobs.reporting import Reporting
from botcore.app.jobs.work import import_data
from botcore.domain.errors import DataError

BARS = "".join(f"{1_704_067_200_000 + i * 60_000},100,101,99,100.5,10\n" for i in range(100))
DATES = "".join(f"2024-01-01 00:{i:02d}:00,100,101,99,100.5,10\n" for i in range(60))


QUIET = Reporting(progress=lambda *_: None, say=lambda _: None)


def imported(home: Path, name: str, text: str, **asked: str) -> dict[str, Any]:
    (home / "import").mkdir()
    (home / "import" / name).write_text(text)
    request: Mapping[str, Any] = {"name": name, **asked}
    return import_data(request, {"home": home}, QUIET)


@pytest.mark.parametrize(
    ("name", "text", "code", "fix"),
    [
        ("BTCUSDT-1m.csv", BARS, "VENUE_UNTOLD", "ask again with its symbol, such as BTCUSDT"),
        ("prices.csv", BARS, "INSTRUMENT_UNTOLD", "ask again with its symbol, such as BTCUSDT"),
        ("BTCUSDT-1m.csv", DATES, "ZONE_UNTOLD", "`botcore data import` on the machine can be"),
        ("x.csv", "hello\n", "COLUMNS_UNKNOWN", "`botcore data import` on the machine can be"),
    ],
)
def test_what_a_file_does_not_say_is_asked_for_in_fields_that_the_job_has(
    tmp_path: Path, name: str, text: str, code: str, fix: str
) -> None:
    asked = {"symbol": "BTCUSDT.TEST"} if code == "ZONE_UNTOLD" else {}

    with pytest.raises(DataError) as refused:
        imported(tmp_path, name, text, **asked)

    assert refused.value.code == code
    assert refused.value.fix.startswith(fix)


def test_a_file_whose_symbol_is_told_is_imported(tmp_path: Path) -> None:
    done = imported(tmp_path, "prices.csv", BARS, symbol="BTCUSDT.TEST", timeframe="1m")

    assert [(each["symbol"], each["added"]) for each in done["series"]] == [("BTCUSDT.TEST", 100)]
