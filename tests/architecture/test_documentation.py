"""The pages say what the code says, link to what is there, and leave nothing out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from docs.pages import PAGES, errors, facts, readme, requirements, traps
from docs.pages.evidence import proofs_of_requirements, proofs_of_traps, trap_ids

from botcore.domain import events

ROOT = Path(__file__).resolve().parents[2]
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
WRITTEN = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if path.relative_to(ROOT).as_posix() not in PAGES or path.name == "README.md"
)
SOURCES = sorted((ROOT / "src" / "botcore").rglob("*.py"))
RENEW = "run: python docs/generate.py"


def _ids(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


# --- what is generated is current


@pytest.mark.parametrize("name", [name for name in PAGES if name != "README.md"])
def test_a_generated_page_is_what_the_code_says_now(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == PAGES[name](), RENEW


@pytest.mark.slow
def test_the_readme_shows_the_report_that_its_command_prints() -> None:
    assert (ROOT / "README.md").read_text("utf-8") == readme.page(), RENEW


def test_the_readme_holds_the_example_as_it_is() -> None:
    example = (ROOT / "docs" / "examples" / "own_strategy.py").read_text("utf-8")

    assert f"```python\n{example}```\n" in (ROOT / "README.md").read_text("utf-8")
    assert len([line for line in example.splitlines() if line.strip()]) == 15


@pytest.mark.requirement("SCRIPT .env.example")
def test_the_example_of_settings_names_every_setting() -> None:
    from botcore.app.settings import LimitSettings, RateSettings, Settings

    named = set(re.findall(r"^#BOTCORE_(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    of_tables = {f"LIMITS__{name.upper()}" for name in LimitSettings.model_fields}
    of_tables |= {f"RATES__{name.upper()}" for name in RateSettings.model_fields}
    tables = {"LIMITS", "RATES", "STRATEGIES", "PROTECTIONS"}
    own = {name.upper() for name in Settings.model_fields} - tables
    assert named == own | of_tables


# --- errors


def _codes_in_the_text() -> set[str]:
    """Find codes by another way than the page does: in the plain text of the source."""
    found = set()
    for path in SOURCES:
        if path.name == "announcing.py":
            continue  # what people are told has codes, too; they are no errors
        text = path.read_text("utf-8")
        found |= set(re.findall(r'\bcode="([A-Z][A-Z_]+)"', text))
        found |= set(re.findall(r'_problem\(\s*"([A-Z_]+)"', text))
        found |= set(re.findall(r'Finding\(\s*"([A-Z_]+)"', text))
        found |= set(re.findall(r'\.alert\("([A-Z_]+)"', text))
        found |= set(re.findall(r'RiskAlert\([^()]*\([^()]*\), "([A-Z_]+)"', text))
        found |= set(re.findall(r"\[([A-Z]{4,}(?:_[A-Z]+)*)\] –", text))
    return found


def test_every_code_of_the_source_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")

    assert sorted(code for code in _codes_in_the_text() if f"| `{code}` |" not in page) == []


def test_every_error_has_a_cause_a_fix_and_a_remedy() -> None:
    from docs.pages.source import remedies

    known = remedies()

    assert [each.code for each in errors.raised() if not (each.cause and each.fix)] == []
    assert [each.code for each in errors.raised() if each.kind not in known] == []


def test_a_new_error_would_be_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text(
        "def f(x):\n"
        "    raise ConfigError(code='MADE_UP', cause=f'{x.name} is new', fix='write it down')\n"
    )

    (found,) = errors.raised(tmp_path)

    assert (found.code, found.kind, found.cause) == ("MADE_UP", "ConfigError", "{name} is new")


def test_a_number_that_a_message_tells_in_another_unit_is_told_in_that_unit(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text(
        "HOUR_S = 3600\n"
        "def f():\n"
        "    raise ConfigError(code='LATE', cause=f'over {HOUR_S // 60} minutes', fix='begin')\n"
    )

    (found,) = errors.raised(tmp_path)

    assert found.cause == "over 60 minutes"


def test_every_fact_is_documented_with_its_maker() -> None:
    page = facts.page()
    kinds = events.Fact.__args__

    assert [kind.__name__ for kind in kinds if f"\n## {kind.__name__}\n" not in page] == []
    assert "nobody yet" not in page


# --- requirements


def test_every_entry_of_the_contract_is_built_decided_or_later() -> None:
    tests = proofs_of_requirements()

    lost = [entry.id for entry in requirements.entries() if not requirements.fate(entry, tests)]

    assert lost == []


def test_every_mark_names_an_entry_or_a_trap() -> None:
    known = {entry.id for entry in requirements.entries()} | {trap.id for trap in traps.traps()}

    assert sorted(set(proofs_of_requirements()) - known) == []


def test_entries_are_named_once() -> None:
    named = [entry.id for entry in requirements.entries()]

    assert len(named) == len(set(named))


# --- traps


@pytest.mark.parametrize("kind", "ERKDI")
def test_every_trap_this_version_must_hold_has_a_test(kind: str) -> None:
    tests = proofs_of_traps()

    missing = [
        trap.id
        for trap in traps.traps()
        if trap.required and trap.id.startswith(kind) and trap.id not in tests
    ]

    assert missing == []


def test_every_other_trap_is_tested_refused_or_comes_later() -> None:
    tests = proofs_of_traps()

    lost = [
        trap.id for trap in traps.traps() if not trap.required and traps.fate(trap, tests) == "open"
    ]

    assert lost == []


def test_the_traps_are_numbered_without_holes() -> None:
    for kind, last in (("E", 113), ("R", 12), ("K", 32), ("V", 40), ("D", 20), ("I", 20)):
        numbers = [traps.number(each.id) for each in traps.traps() if each.id.startswith(kind)]

        assert [n for n, part in numbers if not part] == list(range(1, last + 1))
        assert numbers == sorted(numbers)


def test_every_id_in_a_test_s_name_is_a_known_trap() -> None:
    known = {trap.id for trap in traps.traps()} | {e.id for e in requirements.entries()}

    assert sorted(set(proofs_of_traps()) - known) == []


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("test_e3_a_gap", ("E3",)),
        ("test_e2b_e10b_two_at_once", ("E2b", "E10b")),
        ("test_e39_r5_k04_i1_many", ("E39", "R5", "K04", "I1")),
        ("test_d6_padded", ("D06",)),
        ("test_e14_1_a_case_of_it", ("E14",)),
        ("test_i1_to_i4_i19_a_range", ("I1", "I2", "I3", "I4", "I19")),
        ("test_e3_to_the_open", ("E3",)),
        ("test_i_am_no_trap_e3", ()),
        ("test_events_e3_inside_a_name_is_no_id", ()),
    ],
)
def test_ids_are_read_from_the_beginning_of_a_name(name: str, ids: tuple[str, ...]) -> None:
    assert trap_ids(name) == ids


def test_marks_are_read_from_modules_classes_and_loops(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(
        "import pytest\n"
        "pytestmark = pytest.mark.requirement('OUTER')\n"
        "@pytest.mark.requirement(*(f'SCRIPT {verb}' for verb in ('up', 'stop')))\n"
        "def test_one(): ...\n"
        "class TestMore:\n"
        "    @pytest.mark.requirement('INNER')\n"
        "    def test_two(self): ...\n"
    )

    found = proofs_of_requirements(tests)

    assert found["OUTER"] == ["tests/test_it.py::TestMore::test_two", "tests/test_it.py::test_one"]
    assert found["SCRIPT up"] == found["SCRIPT stop"] == ["tests/test_it.py::test_one"]
    assert found["INNER"] == ["tests/test_it.py::TestMore::test_two"]


# --- decisions and links


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_has_its_four_parts_on_one_screen(path: Path) -> None:
    text = path.read_text("utf-8")

    assert re.match(rf"# {path.stem[:4]}\. \S", text)
    assert len(text.splitlines()) <= 40
    for part in ("Context", "Decision", "Consequences", "What would change our mind"):
        assert f"**{part}.**" in text


def test_decisions_are_numbered_without_holes() -> None:
    assert [int(path.stem[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))


@pytest.mark.parametrize("name", _ids(WRITTEN))
def test_every_link_leads_somewhere(name: str) -> None:
    path = ROOT / name
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)

    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)

    broken = [
        target
        for target in targets
        if "://" not in target and not (path.parent / target).resolve().exists()
    ]
    assert broken == []


@pytest.mark.parametrize("name", _ids(WRITTEN))
def test_every_source_file_that_a_page_names_exists(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")

    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|toml|sh))`", text)

    gone = [
        each
        for each in named
        if not any((root / each).exists() for root in (ROOT, ROOT / "src" / "botcore"))
    ]
    assert gone == []


def test_the_map_fits_on_two_screens_and_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rooms = {path.parent.name for path in (ROOT / "src" / "botcore").glob("*/__init__.py")}

    assert len(text.splitlines()) <= 110
    assert sorted(room for room in rooms if f"\n  {room}/" not in text) == []


def test_the_generator_says_what_is_stale_and_writes_nothing_then(tmp_path: Path) -> None:
    import sys

    done = subprocess.run(
        [sys.executable, "-c", _GENERATE.format(root=ROOT, folder=tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert "page.md is not what the code says" in done.stdout
    assert (tmp_path / "page.md").read_text() == "old"


_GENERATE = """
import sys
sys.path[:0] = [r"{root}", r"{root}/src"]
from pathlib import Path
from docs import generate
import docs.pages
Path(r"{folder}", "page.md").write_text("old")
generate.ROOT = Path(r"{folder}")
docs.pages.PAGES = {{"page.md": lambda: "new"}}
sys.exit(generate.main(["--check"]))
"""
