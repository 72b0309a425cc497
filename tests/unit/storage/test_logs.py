"""The searchable log: what is kept is found, once, and not for ever."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import DAY_NS, SECOND_NS
from botcore.storage.logs import LEVELS, FoundLine, KeptLine, LogStore, Sought

DAY = 20_000
NOON = DAY * DAY_NS + DAY_NS // 2


def a_line(number: int = 0, **fields: object) -> KeptLine:
    given = {
        "ts": NOON + number * SECOND_NS,
        "place": f"engine:1:{number}",
        "level": "info",
        "event": "fill",
        "service": "engine",
        "correlation": "",
        "line": f'{{"number": {number}}}',
    }
    return KeptLine(**(given | fields))  # type: ignore[arg-type]  # of the test


@pytest.fixture
def store(tmp_path: Path) -> LogStore:
    return LogStore(tmp_path / "search")


def numbers(found: list[FoundLine]) -> list[int]:
    return [(each.ts - NOON) // SECOND_NS for each in found]


def test_lines_are_found_newest_first_and_each_once(store: LogStore) -> None:
    first = store.keep([a_line(0), a_line(1)])
    again = store.keep([a_line(1), a_line(2)])

    assert (first, again) == (2, 1)
    assert numbers(store.find(Sought())) == [2, 1, 0]


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        (Sought(text="NEEDLE"), [1]),
        (Sought(text="100%_"), [2]),
        (Sought(level="warning"), [3, 2]),
        (Sought(event="alert"), [2]),
        (Sought(service="api"), [3]),
        (Sought(correlation="c1"), [1, 0]),
        (Sought(correlation="c1", text="needle"), [1]),
        (Sought(since=NOON + SECOND_NS, until=NOON + 3 * SECOND_NS), [2, 1]),
        (Sought(limit=2), [3, 2]),
        (Sought(text="nowhere"), []),
    ],
)
def test_each_filter_finds_its_lines(store: LogStore, sought: Sought, expected: list[int]) -> None:
    store.keep(
        [
            a_line(0, correlation="c1"),
            a_line(1, correlation="c1", line='{"msg": "a Needle"}'),
            a_line(2, event="alert", level="warning", line='{"msg": "100%_"}'),
            a_line(3, service="api", level="error"),
        ]
    )

    assert numbers(store.find(sought)) == expected


def test_a_page_follows_another_across_days_without_a_gap(store: LogStore) -> None:
    spread = [a_line(number, ts=NOON + number * DAY_NS // 3) for number in range(12)]
    same = [a_line(number, ts=NOON, place=f"x:{number}") for number in range(20, 25)]
    store.keep([*spread, *same])

    found: list[FoundLine] = []
    before = None
    while True:
        page = store.find(Sought(limit=4, before=before))
        found += page
        if len(page) < 4:
            break
        before = (page[-1].ts, page[-1].id)

    keys = [(each.ts, each.id) for each in found]
    assert len(found) == 17
    assert keys == sorted(keys, reverse=True)
    assert len({each.place for each in found}) == 17


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(LEVELS)), max_size=25), st.integers(1, 7)
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pages_together_are_what_was_kept(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, str]], limit: int
) -> None:
    store = LogStore(tmp_path_factory.mktemp("log") / "search")
    kept = [
        a_line(ts=NOON + hour * DAY_NS // 24, level=level, place=f"p{number}")
        for number, (hour, level) in enumerate(lines)
    ]
    store.keep(kept)

    found: list[FoundLine] = []
    before = None
    while page := store.find(Sought(limit=limit, before=before, level="warning")):
        found += page
        before = (page[-1].ts, page[-1].id)

    wanted = [each for each in kept if each.level in ("warning", "error", "critical")]
    assert sorted(each.place for each in found) == sorted(each.place for each in wanted)
    assert [each.ts for each in found] == sorted((each.ts for each in wanted), reverse=True)


def test_days_beyond_the_bound_are_removed(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "search", days=7)
    store.keep([a_line(ts=NOON - age * DAY_NS, place=f"p{age}") for age in range(10)])

    store.clean_up(NOON)

    assert [(NOON - each.ts) // DAY_NS for each in store.find(Sought())] == list(range(7))


def test_bytes_beyond_the_bound_take_the_oldest_with_them(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "search", max_bytes=1 << 20)
    for age in (2, 1, 0):
        store.keep(
            [
                a_line(ts=NOON - age * DAY_NS + number, place=f"{age}/{number}", line="x" * 2_000)
                for number in range(300)
            ]
        )

    before = store.size()
    store.clean_up(NOON)
    left = store.find(Sought(limit=1_000))

    assert before > 1 << 20 >= store.size()
    assert {each.ts // DAY_NS for each in left} == {DAY}


def test_one_day_that_is_too_large_loses_its_oldest_lines(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "search", max_bytes=1 << 20)
    store.keep([a_line(number, line="x" * 2_000) for number in range(900)])

    store.clean_up(NOON)

    assert store.size() <= 1 << 20
    left = numbers(store.find(Sought(limit=1_000)))
    assert len(left) > 100
    assert left == list(range(899, 899 - len(left), -1))


def test_files_are_their_owner_s_alone(store: LogStore, tmp_path: Path) -> None:
    store.keep([a_line()])

    folder = tmp_path / "search"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_an_overlong_line_is_cut(store: LogStore) -> None:
    store.keep([a_line(line="x" * 100_000)])

    assert len(store.find(Sought())[0].line) == 32_768


def test_a_damaged_day_is_begun_anew_by_the_writer_and_said_to_a_reader(
    store: LogStore, tmp_path: Path
) -> None:
    store.keep([a_line(0)])
    (path,) = (tmp_path / "search").glob("*.db")
    path.write_bytes(b"no database at all" * 500)

    with pytest.raises(StorageError):
        store.find(Sought())
    store.keep([a_line(1)])

    assert numbers(store.find(Sought())) == [1]


def test_an_unknown_level_is_refused(store: LogStore) -> None:
    with pytest.raises(ConfigError, match="loud"):
        store.find(Sought(level="loud"))


def test_no_text_is_part_of_a_question(store: LogStore, tmp_path: Path) -> None:
    store.keep([a_line(0)])
    evil = "' OR 1=1; DROP TABLE lines; --"

    for sought in (Sought(text=evil), Sought(event=evil), Sought(correlation=evil)):
        assert store.find(sought) == []

    (path,) = (tmp_path / "search").glob("*.db")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM lines").fetchone() == (1,)
    connection.close()
