"""Rules and boards: each expression is one, each name is measured, each alert is seen raised."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from botcore.control.schema import operations
from botcore.observability.catalogue import CATALOGUE, CLIENTS, Kind
from botcore.observability.rules import expression, rules_page
from botcore.observability.thresholds import RUNBOOKS, THRESHOLDS

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules"
BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
SERIES: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / "tests" / "data" / "prometheus" / "alerts.toml").read_text("utf-8")
)
HOW = "install it: apt-get install prometheus"


def _promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("BOTCORE_REQUIRE_DATA") == "1":
            pytest.fail(f"promtool is not on the PATH; {HOW}")
        pytest.skip(f"promtool is not on the PATH; {HOW}")
    return found


def _checked(*arguments: str, folder: Path) -> None:
    done = subprocess.run(
        (_promtool(), *arguments), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _rules() -> list[dict[str, Any]]:
    return [
        rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]


def _alerts() -> list[dict[str, Any]]:
    return [rule for rule in _rules() if "alert" in rule]


def _panels(path: Path) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["panels"]
    return panels


def _expressions(path: Path) -> list[str]:
    board = json.loads(path.read_text("utf-8"))
    of_panels = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [*of_panels, *(each["expr"] for each in board["annotations"]["list"])]


def _known_names() -> set[str]:
    names = {"up", "ALERTS"} | {rule["record"] for rule in _rules() if "record" in rule}
    for spec in (*CATALOGUE, *CLIENTS):
        endings = ("_bucket", "_count", "_sum") if spec.kind is Kind.HISTOGRAM else ("",)
        names |= {spec.full_name + ending for ending in endings}
    return names


def _names_in(text: str) -> set[str]:
    """Return the metrics of an expression: what looks like one of ours, or of the client."""
    bare = re.sub(r'"[^"]*"', "", text)
    return set(re.findall(r"\b(?:botcore[_:]|process_|python_gc_)[a-z0-9_:]+|\bALERTS\b", bare))


# --- rules


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    _checked("check", "rules", *(path.name for path in sorted(RULES.glob("*.yml"))), folder=RULES)


def test_promtool_finds_nothing_wrong_with_the_configuration() -> None:
    _checked("check", "config", "prometheus.yml", folder=RULES.parent)


def test_the_product_s_thresholds_are_the_rules() -> None:
    # Renew it with: python docs/generate.py
    assert (RULES / "botcore.yml").read_text("utf-8") == rules_page()


def test_rules_name_only_what_is_measured() -> None:
    known = _known_names()

    assert {
        (rule.get("alert") or rule["record"], name)
        for rule in _rules()
        for name in _names_in(rule["expr"]) - known
    } == set()


def test_an_unknown_name_would_be_seen() -> None:
    assert _names_in('rate(botcore_made_up_total{x="botcore_no"}[5m])') == {"botcore_made_up_total"}


def test_every_threshold_has_the_labels_of_its_metric() -> None:
    wrong = [each.name for each in THRESHOLDS if not set(each.where) <= set(each.metric.labels)]

    assert wrong == []
    assert expression(THRESHOLDS[0]) == "botcore_view_age_seconds > 10"


def test_every_alert_has_a_name_of_its_own_and_recorded_series() -> None:
    names = [rule["alert"] for rule in _alerts()]

    assert len(names) == len(set(names))
    assert set(SERIES) == set(names)


def _series(alert: str, case: str) -> list[dict[str, str]]:
    given = SERIES[alert]
    found = [{"series": given["series"], "values": given[case]}]
    for beside in ("beside", "more"):
        if beside in given:
            values = given[beside]["values"]
            if case == "quiet":
                values = given.get(f"quiet_{beside}", values)
            found.append({"series": given[beside]["series"], "values": values})
    return found


def _tests(case: str) -> list[dict[str, Any]]:
    """Return as few of promtool's tests as hold all alerts whose metrics do not meet."""
    tests: list[dict[str, Any]] = []
    for alert, given in SERIES.items():
        if case not in given:
            continue
        series = _series(alert, case)
        for test in tests:
            if _metrics(series).isdisjoint(_metrics(test["input_series"])):
                break
        else:
            test = {"name": case, "interval": "30s", "input_series": [], "promql_expr_test": []}
            tests.append(test)
        test["input_series"] += series
        test["promql_expr_test"].append(
            {
                "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                "eval_time": given.get("at", "25m"),
                "exp_samples": [{"labels": "{}", "value": 1}] if case == "raises" else [],
            }
        )
    return tests


def _metrics(series: list[dict[str, str]]) -> set[str]:
    return {each["series"].partition("{")[0] for each in series}


@pytest.mark.slow
def test_every_alert_is_raised_by_its_series_and_by_no_calm_one(tmp_path: Path) -> None:
    document = {
        "rule_files": [str(path) for path in sorted(RULES.glob("*.yml"))],
        "evaluation_interval": "1m",
        "tests": [*_tests("raises"), *_tests("quiet")],
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document))

    _checked("test", "rules", "tests.yml", folder=tmp_path)

    assert [alert for alert in SERIES if "quiet" not in SERIES[alert]] == ["Watchdog"]


# --- runbooks


def _sections() -> dict[str, str]:
    text = (ROOT / RUNBOOKS).read_text("utf-8")
    parts = re.split(r"^## (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_alert_leads_to_a_section_that_says_what_to_do() -> None:
    sections = _sections()

    for rule in _alerts():
        page, anchor = rule["annotations"]["runbook"].split("#")
        assert page == RUNBOOKS
        assert anchor == rule["alert"].lower()
        section = sections.pop(rule["alert"])
        for part in ("Meaning", "Check", "Act", "Verify"):
            assert f"**{part}.** " in section, (rule["alert"], part)
        assert ("*Prometheus only.*" in section) is (
            rule["alert"] not in {each.name for each in THRESHOLDS}
        )
    assert sections == {}


def test_runbooks_name_only_commands_and_figures_that_there_are() -> None:
    text = (ROOT / RUNBOOKS).read_text("utf-8")
    words = {operation.command[:2] for operation in operations() if operation.command}
    words |= {("health", "alerts"), ("log", "search")}

    named = {tuple(each.split()) for each in re.findall(r"`botcore ([a-z]+ [a-z-]+)", text)}

    assert named
    assert named - words == set()
    assert _names_in("".join(re.findall(r"`[^`]+`", text))) - _known_names() == set()


# --- boards


def test_there_are_four_boards() -> None:
    titles = [json.loads(path.read_text("utf-8"))["title"] for path in BOARDS]

    assert titles == [f"Bot Core – {name}" for name in ("API", "Risk", "System health", "Trading")]


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_promtool_reads_every_expression_of_a_board(path: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"board:{path.stem.replace('-', '_')}:{number}", "expr": text}
        for number, text in enumerate(_expressions(path))
    ]
    document = {"groups": [{"name": "board", "rules": rules}]}
    (tmp_path / "board.yml").write_text(yaml.safe_dump(document))

    _checked("check", "rules", "board.yml", folder=tmp_path)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_board_shows_only_what_is_measured(path: Path) -> None:
    known = _known_names()

    assert {name for each in _expressions(path) for name in _names_in(each)} - known == set()


def test_the_boards_show_everything_that_is_measured() -> None:
    shown = {name for path in BOARDS for each in _expressions(path) for name in _names_in(each)}
    records = {rule["record"]: _names_in(rule["expr"]) for rule in _rules() if "record" in rule}
    for record in shown & set(records):
        shown |= records[record]
    bare = {re.sub(r"_(bucket|count|sum)\Z", "", name) for name in shown}

    assert {spec.full_name for spec in CATALOGUE} - bare - shown == set()


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_panels_of_a_board_lie_beside_one_another(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in _panels(path):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in _panels(path)}) == len(_panels(path))


def test_yamllint_finds_nothing_in_what_is_deployed() -> None:
    import sys

    done = subprocess.run(
        (sys.executable, "-m", "yamllint", "--strict", "deploy"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
