"""Reports on disk: whole or not at all, read back as they were, and refused when damaged."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.support.report_run import HAND_TAPE, candles_of, hand_run, minutes, run_on

from botcore.backtest import BacktestReport
from botcore.backtest.reporting import (
    EQUITY,
    PAGE,
    REPORT,
    SCHEMA_VERSION,
    TRADES,
    StoredReport,
    compare,
    load_equity,
    load_report,
    write_report,
)
from botcore.backtest.reporting.trades_csv import HEADER, inert
from botcore.domain.errors import DataError, StorageError


def written(folder: Path, **changed: Any) -> StoredReport:
    report, candles = hand_run()
    return write_report(msgspec.structs.replace(report, **changed), folder, candles=candles)


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    report = written(tmp_path / "new" / "folder")

    assert load_report(tmp_path / "new" / "folder") == report
    assert sorted(each.name for each in (tmp_path / "new" / "folder").iterdir()) == [
        EQUITY,
        PAGE,
        REPORT,
        TRADES,
    ]


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")

    written(tmp_path)

    assert (tmp_path / "run.json").read_text() == "{}"


def test_the_document_has_numbers_as_numbers_money_as_text_and_null_for_the_unknown(
    tmp_path: Path,
) -> None:
    written(tmp_path)
    found = json.loads((tmp_path / REPORT).read_text())

    metrics = {each["key"]: each for each in found["metrics"]}
    assert found["schema_version"] == SCHEMA_VERSION
    assert (found["start"], found["end"]) == ("1970-01-01T00:00:00Z", "1970-01-01T00:09:00Z")
    assert metrics["equity_end"]["value"] == "1002.523"
    assert metrics["fees"]["value"] == "0.477"
    assert metrics["best_trip"]["value"] == "3.796"
    assert metrics["win_rate"]["value"] == 0.5
    assert metrics["trips"]["value"] == 2
    assert metrics["trips"]["benchmark"] is None
    assert metrics["sharpe"]["value"] is None, "one day has no spread"
    assert metrics["sharpe"]["text"] == "–"
    assert metrics["drawdown_began"]["value"] == "1970-01-01T00:02:00Z"
    assert metrics["drawdown_duration"]["value"] == 420.0
    assert metrics["return"]["benchmark"] == pytest.approx(0.96 / 1.001 - 1)
    assert found["days"]["equity"] == [pytest.approx(1002.523)]
    assert found["strategies"][0]["total"] == "2.523"
    assert found["exits"][0]["name"] == "it fell"
    assert found["periods"]["month"][0]["name"] == "1970-01"
    assert found["drawdowns"][0]["recovered"] is None
    assert "NaN" not in (tmp_path / REPORT).read_text()


def test_the_document_of_one_run_is_always_the_same(tmp_path: Path) -> None:
    written(tmp_path / "one")
    written(tmp_path / "other")

    for name in (REPORT, TRADES, PAGE, EQUITY):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_the_curve_is_kept_at_full_resolution(tmp_path: Path) -> None:
    report, candles = hand_run()
    write_report(report, tmp_path, candles=candles)

    curves = load_equity(tmp_path)

    assert np.array_equal(curves["ts"], np.array(report.curve.stamps))
    assert np.array_equal(curves["equity"], np.array(report.curve.equity))
    assert len(curves["buy_and_hold"]) == 9


def test_without_candles_there_is_no_curve_of_holding(tmp_path: Path) -> None:
    report, _ = hand_run()
    found = write_report(report, tmp_path, candles={})

    assert set(load_equity(tmp_path)) == {"ts", "equity"}
    assert found.days.benchmark is None
    assert load_report(tmp_path) == found


def test_trades_are_lines_with_iso_stamps_and_exact_amounts(tmp_path: Path) -> None:
    written(tmp_path)
    with (tmp_path / TRADES).open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert tuple(rows[0]) == HEADER
    assert [row["state"] for row in rows] == ["closed", "closed", "open"]
    first, last = rows[0], rows[2]
    assert (first["opened"], first["closed"]) == ("1970-01-01T00:01:00Z", "1970-01-01T00:03:00Z")
    assert (first["entry_price"], first["exit_price"], first["held_s"]) == ("100", "104", "120")
    assert float(first["profit"]) == pytest.approx(3.796)
    assert float(first["fees"]) == 0.204
    assert (first["entry_reason"], first["exit_reason"]) == ("it rose", "it fell")
    assert (last["closed"], last["exit_price"], last["exit_reason"]) == ("", "", "still open")
    assert float(last["profit"]) == pytest.approx(8.913)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK()", "'=HYPERLINK()"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("  =1", "'  =1"),
        ("ema-cross", "ema-cross"),
        ("", ""),
    ],
)
def test_no_text_is_a_formula_to_a_spreadsheet(text: str, cell: str) -> None:
    assert inert(text) == cell


def test_a_hostile_strategy_is_no_formula_in_the_trades(tmp_path: Path) -> None:
    report, candles = hand_run()
    hostile = msgspec.structs.replace(report.trips[0], strategy='=cmd|" /C calc"!A0')

    write_report(msgspec.structs.replace(report, trips=(hostile,)), tmp_path, candles=candles)

    with (tmp_path / TRADES).open(newline="") as file:
        assert next(csv.DictReader(file))["strategy"] == '\'=cmd|" /C calc"!A0'


def changed(name: str, before: bytes, after: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        raw = (folder / name).read_bytes()
        assert before in raw
        (folder / name).write_bytes(raw.replace(before, after, 1))

    return change


def _emptied(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no report": (lambda folder: (folder / REPORT).unlink(), "REPORT_MISSING"),
    "a folder that is none": (_emptied, "REPORT_MISSING"),
    "half of it": (
        lambda folder: (folder / REPORT).write_bytes((folder / REPORT).read_bytes()[:2000]),
        "REPORT_DAMAGED",
    ),
    "nothing in it": (lambda folder: (folder / REPORT).write_bytes(b""), "REPORT_DAMAGED"),
    "a page": (lambda folder: (folder / REPORT).write_bytes(b"<html>"), "REPORT_DAMAGED"),
    "another document": (lambda folder: (folder / REPORT).write_bytes(b"{}"), "REPORT_DAMAGED"),
    "no digest": (
        lambda folder: (folder / REPORT).write_bytes(b'{"schema_version":1,"digest":""}'),
        "REPORT_DAMAGED",
    ),
    "a better result": (changed(REPORT, b'"1002.523"', b'"9002.523"'), "REPORT_DAMAGED"),
    "a later schema": (
        changed(REPORT, b'"schema_version": 1', b'"schema_version": 9'),
        "REPORT_SCHEMA_NEWER",
    ),
    "a better trade": (changed(TRADES, b"3.796", b"9.796"), "REPORT_DAMAGED"),
    "no trades": (lambda folder: (folder / TRADES).unlink(), "REPORT_DAMAGED"),
    "half a curve": (
        lambda folder: (folder / EQUITY).write_bytes((folder / EQUITY).read_bytes()[:100]),
        "REPORT_DAMAGED",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    damage, code = DAMAGES[name]
    written(tmp_path)
    damage(tmp_path)

    with pytest.raises(DataError) as refused:
        load_report(tmp_path)

    assert refused.value.code == code
    assert "\n" not in str(refused.value)


def test_a_damaged_curve_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / EQUITY).write_bytes(b"PK\x03\x04 is no archive")

    with pytest.raises(DataError, match="REPORT_DAMAGED"):
        load_equity(tmp_path)


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    before = written(tmp_path)
    (tmp_path / (PAGE + ".part")).mkdir()  # stands where the new page would be written

    with pytest.raises(StorageError, match="REPORT_UNWRITABLE"):
        written(tmp_path, title="another")

    assert load_report(tmp_path) == before
    assert [each.name for each in tmp_path.glob("*.part")] == [PAGE + ".part"]


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="REPORT_UNWRITABLE"):
        written(tmp_path / "file")


def test_a_report_replaces_the_one_before_it(tmp_path: Path) -> None:
    written(tmp_path)
    second = written(tmp_path, title="another")

    assert load_report(tmp_path) == second
    assert second.title == "another"


def test_what_was_kept_shows_what_the_run_showed_with_holding_beside_it(tmp_path: Path) -> None:
    report, candles = hand_run()
    kept = dict(write_report(report, tmp_path, candles=candles).rows())

    shown = {name: value for name, value in report.rows() if name != "time"}

    assert set(kept) == set(shown)
    assert kept["return"] == "+0.25%  (buy and hold -4.10%)"
    assert kept["round trips"] == shown["round trips"] == "2"
    assert all(kept[name].startswith(value) for name, value in shown.items())


def test_reports_are_compared_figure_by_figure_and_by_what_differs(tmp_path: Path) -> None:
    report, candles = hand_run()
    dearer = msgspec.structs.replace(
        report, fingerprint="f" * 64, assumptions=(*report.assumptions, ("fee", "dearer"))
    )
    reports = [
        write_report(each, tmp_path / name, candles=candles)
        for each, name in ((report, "one"), (dearer, "other"))
    ]

    rows = {name: values for name, *values in compare(reports)}

    assert rows["what"] == [report.title, report.title]
    assert rows["round trips"] == ["2", "2"]
    assert rows["fee"][1].endswith("dearer")
    assert "slippage" not in rows, "they share it"
    assert "Sharpe ratio" not in rows, "neither has one"
    assert rows["inputs"][0] == rows["inputs"][1]
    assert rows["fingerprint"][0] != rows["fingerprint"][1]


def test_a_run_that_never_traded_is_written_and_read(tmp_path: Path) -> None:
    tape = minutes(*[(100.0, 100.0, 100.0, 100.0)] * 5)
    report = write_report(run_on(tape), tmp_path, candles=candles_of(tape))

    assert load_report(tmp_path) == report
    assert (tmp_path / TRADES).read_text().count("\n") == 1


def test_profit_without_a_loss_is_infinite_in_words_and_null_as_a_number(tmp_path: Path) -> None:
    report: BacktestReport
    report, candles = hand_run()
    won = msgspec.structs.replace(report, trips=report.trips[:1])

    metric = write_report(won, tmp_path, candles=candles).metric("profit_factor")

    assert metric is not None
    assert (metric.value, metric.text) == (None, "∞")
    assert load_report(tmp_path).metric("no such") is None


def test_every_day_of_a_long_run_is_in_the_document(tmp_path: Path) -> None:
    gap = [0, 1, 2, 3 * 1440, 3 * 1440 + 1]
    tape = minutes(*HAND_TAPE[:5], stamps=gap)

    found = write_report(run_on(tape), tmp_path, candles=candles_of(tape))

    assert found.days.first == "1970-01-01"
    assert len(found.days.equity) == 4
    assert found.days.equity[0] == found.days.equity[1] == found.days.equity[2]
    assert all(math.isfinite(each) for each in found.days.benchmark or ())
    assert found.holes_count == len(found.holes) == 1
