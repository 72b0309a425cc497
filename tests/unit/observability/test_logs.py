"""Log lines: one each, with a name from the list, without secrets, and never endless."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import ManualClock
from botcore.observability import LogEvent, configure_logging, get_logger
from botcore.observability.logs import REPEATS_BURST
from botcore.observability.redaction import REDACTED, redacted

STAMP = 1_763_733_930 * SECOND_NS + 123_456_789


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Log:
    """What was logged, and the clock it was stamped with."""

    def __init__(self, format_: str = "json", level: str = "info") -> None:
        self.stream = io.StringIO()
        self.clock = ManualClock(STAMP)
        configure_logging(
            format=format_,
            level=level,
            stream=self.stream,
            service="engine",
            version="0.1.0",
            clock=self.clock,
        )

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def test_a_line_is_one_json_object_with_instant_level_and_event() -> None:
    log = Log()

    get_logger(account="paper").info(LogEvent.FILL, price="1.25", text="two\nlines")

    assert log.text.count("\n") == 1
    assert log.lines == [
        {
            "ts": "2025-11-21T14:05:30.123456Z",
            "level": "info",
            "event": "fill",
            "service": "engine",
            "version": "0.1.0",
            "account": "paper",
            "price": "1.25",
            "text": "two\nlines",
        }
    ]


def test_a_plain_line_is_one_line_whatever_is_in_it() -> None:
    log = Log("plain")

    get_logger().warning(LogEvent.ALERT, detail="first\nsecond \x1b[2J")

    assert log.text.count("\n") == 1
    assert log.text.startswith("2025-11-21T14:05:30 warning engine alert")
    assert "\x1b" not in log.text


def test_an_event_that_is_not_on_the_list_is_kept_and_marked() -> None:
    log = Log()

    get_logger().info("something odd")

    assert log.lines[0]["event"] == "unknown_event"
    assert log.lines[0]["msg"] == "something odd"


def test_events_are_named_in_snake_case() -> None:
    assert all(event.replace("_", "").isalpha() and event.islower() for event in LogEvent)


def test_what_is_below_the_level_is_not_written() -> None:
    log = Log(level="warning")

    get_logger().info(LogEvent.STATUS)
    logging.getLogger("library").info("chatter")

    assert log.text == ""


def test_a_library_s_line_comes_in_the_same_form() -> None:
    log = Log()

    logging.getLogger("uvicorn.error").warning("took %d s", 3)

    assert log.lines[0] | {"ts": ""} == {
        "ts": "",
        "level": "warning",
        "event": "library_message",
        "msg": "took 3 s",
        "service": "engine",
        "version": "0.1.0",
        "logger": "uvicorn.error",
    }


def test_an_error_of_ours_is_its_code_cause_fix_and_remedy() -> None:
    log = Log()

    get_logger().error(LogEvent.ERROR, error=ConfigError(code="X", cause="why", fix="do this"))

    line = log.lines[0]
    assert (line["code"], line["cause"], line["fix"], line["remedy"]) == (
        "X",
        "why",
        "do this",
        "HALT",
    )


@pytest.mark.parametrize("by_library", [True, False])
def test_another_error_brings_its_type_and_stack(by_library: bool) -> None:
    log = Log()

    try:
        raise ZeroDivisionError("nothing there")
    except ZeroDivisionError:
        if by_library:
            logging.getLogger("library").exception("it failed")
        else:
            get_logger().exception(LogEvent.ERROR)

    line = log.lines[0]
    assert (line["error.type"], line["error.message"]) == ("ZeroDivisionError", "nothing there")
    assert "raise ZeroDivisionError" in line["error.stack"]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "api_key",
        "apiKey",
        "API-SECRET",
        "token",
        "Authorization",
        "cookie",
        "signature",
    ],
)
def test_a_field_that_names_a_secret_is_hidden_at_any_depth(name: str) -> None:
    log = Log()

    get_logger().info(
        LogEvent.STATUS, **{name: "hunter2"}, request={"headers": [{name: "hunter2"}]}
    )

    assert "hunter2" not in log.text
    assert log.text.count(REDACTED) == 2


@pytest.mark.parametrize(
    "secret",
    [
        "bck_live_a1b2c3d4_0123456789",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "postgres://kim:hunter2@db/botcore",
        "symbol=BTC&signature=0123456789abcdef0123456789abcdef",
    ],
)
def test_a_value_that_looks_like_a_secret_is_hidden_under_any_name(secret: str) -> None:
    shown = str(redacted({"note": f"got {secret} from there"}))

    assert REDACTED in shown
    assert secret not in shown
    assert "from there" in shown


def test_what_is_no_secret_is_left_as_it_is() -> None:
    value = {"price": "1.25", "count": 3, "ok": True, "none": None, "list": ["a", 1.5]}

    assert redacted(value) == value


def test_what_lies_too_deep_is_text_and_still_without_secrets() -> None:
    deep: object = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"
    for _ in range(50):
        deep = {"inner": deep}

    assert "eyJ" not in str(redacted(deep))


def test_a_line_that_repeats_too_fast_is_counted_instead() -> None:
    log = Log()

    for _ in range(REPEATS_BURST + 7):
        get_logger().info(LogEvent.ORDER_DENIED)
    log.clock.advance(SECOND_NS)
    get_logger().info(LogEvent.ORDER_DENIED)

    assert len(log.lines) == REPEATS_BURST + 1
    assert log.lines[-1]["repeats_left_out"] == 7


def test_no_part_of_an_orders_way_is_left_out_however_many_trade() -> None:
    log = Log()

    for _ in range(REPEATS_BURST):
        get_logger().info(LogEvent.ORDER_PLACED)
        get_logger().info(LogEvent.FILL)
        get_logger().info(LogEvent.ORDER_ENDED)

    assert len(log.lines) == 3 * REPEATS_BURST


def test_no_error_is_ever_left_out() -> None:
    log = Log()

    for _ in range(REPEATS_BURST * 2):
        get_logger().error(LogEvent.ERROR)

    assert len(log.lines) == REPEATS_BURST * 2


def test_one_flood_does_not_silence_another_event() -> None:
    log = Log()

    for _ in range(REPEATS_BURST * 2):
        get_logger().info(LogEvent.ORDER_DENIED)
    get_logger().info(LogEvent.MODE_CHANGED)

    assert log.lines[-1]["event"] == "mode_changed"


@pytest.mark.parametrize(
    "secret",
    [
        "bcr_" + "aB3_-" * 8,
        "lnk_" + "x" * 43,
        "inv_" + "x" * 43,
        "wst_" + "x" * 43,
        "mfa_" + "x" * 43,
        "bck_live_a1b2c3d4_" + "s-_" * 14 + "s_0aB3xZ",
        "Authorization: Local " + "t" * 43,
        "authorization: bearer " + "t" * 43,
        "Basic " + "dXNlcjpodW50ZXIy" * 2,
    ],
)
def test_our_own_tokens_and_headers_are_hidden_in_any_text(secret: str) -> None:
    log = Log()

    get_logger().info(LogEvent.STATUS, detail=f"sent {secret!r} there", deep=[{"x": (secret,)}])

    assert secret.rsplit(" ", 1)[-1] not in log.text
    assert log.text.count(REDACTED) == 2
    assert "there" in log.text


def test_a_home_s_own_secret_is_hidden_whatever_it_looks_like() -> None:
    stream = io.StringIO()
    configure_logging(format="json", level="info", stream=stream, secrets=("plain-words", "ab", ""))

    get_logger().info(
        LogEvent.STATUS, detail="it says plain-words and ab", n=[{"k": "plain-words"}]
    )

    assert "plain-words" not in stream.getvalue()
    assert "and ab" in stream.getvalue()


def test_where_it_runs_is_in_each_line() -> None:
    stream = io.StringIO()
    configure_logging(format="json", level="info", stream=stream, service="api", env="sim")

    get_logger().info(LogEvent.STATUS)

    line = json.loads(stream.getvalue())
    assert (line["service"], line["env"]) == ("api", "sim")


FORGED = '{"level": "error", "event": "alert", "ts": "2026-01-01T00:00:00.000000Z"}'


@pytest.mark.parametrize(
    "end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
)
def test_no_text_begins_a_line_of_its_own(end: str) -> None:
    log = Log()

    get_logger().info(LogEvent.STATUS, detail=f"x{end}{FORGED}", **{f"k{end}": 1})

    assert len(log.text.splitlines()) == 1
    assert json.loads(log.text)["detail"] == f"x{end}{FORGED}"
    assert json.loads(log.text)["event"] == "status"


def test_half_a_character_is_written_all_the_same() -> None:
    log = Log()

    get_logger().info(LogEvent.STATUS, detail="a\ud800b")

    assert log.text.encode("utf-8")
    assert json.loads(log.text)["detail"] == "a\ud800b"


@given(st.text(), st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_logged_is_one_line_of_json_that_says_the_same(name: str, text: str) -> None:
    log = Log()

    get_logger().info(LogEvent.STATUS, fields={f"f{name}": text})

    assert len(log.text.splitlines()) == 1
    shown = json.loads(log.text)["fields"]
    assert shown in ({f"f{name}": text}, {f"f{name}": REDACTED}) or REDACTED in str(shown)


def test_a_library_whose_line_is_let_go_goes_on() -> None:
    out = io.StringIO()
    configure_logging(format="json", level="info", stream=out)

    for number in range(3 * REPEATS_BURST):
        logging.getLogger("some.library").warning("again %d", number)

    assert 0 < len(out.getvalue().splitlines()) < 3 * REPEATS_BURST
