"""``report.html``: one file that opens from anywhere and asks nobody for anything."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from botcore.backtest.reporting.analysis import Analysis
from botcore.backtest.reporting.catalogue import BY_KEY, GROUPS
from botcore.backtest.reporting.document import StoredPeriod, StoredReport
from botcore.backtest.reporting.drawn import drawn
from botcore.backtest.reporting.wording import (
    UNKNOWN,
    duration,
    percent,
    signed_amount,
)
from botcore.domain.ids import SECOND_NS

BYTES_MOST: Final = 3_000_000
TRIPS_MOST: Final = 20_000
HEADLINE: Final = ("return", "drawdown", "sharpe", "win_rate", "profit_factor", "fees")
LISTED: Final = 50
MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_HEAT: Final = (0.01, 0.03, 0.08)
_PACKAGE: Final = "botcore.backtest.reporting"


class Month(msgspec.Struct, frozen=True):
    """A cell of the table of months; `heat` is -3 to 3, and None outside the run."""

    text: str
    held: str
    heat: int | None


class Year(msgspec.Struct, frozen=True):
    """A row of the table of months: its name, twelve months, and the whole year."""

    name: str
    cells: tuple[Month, ...]


def page(analysis: Analysis, report: StoredReport) -> str:
    """Return the page: at most `BYTES_MOST`, with as many of the newest trades as fit.

    Args:
        analysis: of the run.
        report: what ``report.json`` says; every figure of the page is from it.
    """
    most = TRIPS_MOST
    text = _rendered(analysis, report, trips_most=most)
    while len(text.encode()) > BYTES_MOST and most > 1:
        most = min(most, len(analysis.trips)) // 2
        text = _rendered(analysis, report, trips_most=most)
    return text


def _rendered(analysis: Analysis, report: StoredReport, *, trips_most: int) -> str:
    style, script = (_own(name) for name in ("report.css", "report.js"))
    metrics = {each.key: each for each in report.metrics}
    data = drawn(analysis, trips_most=trips_most)
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            metrics=metrics,
            headline=[metrics[key] for key in HEADLINE if key in metrics],
            groups=[
                (name, [each for each in report.metrics if each.group == name]) for name in GROUPS
            ],
            declared=BY_KEY,
            years=_years(report.periods.get("month", ()), report.periods.get("year", ())),
            month_names=MONTHS,
            tables=(
                ("strategies", "By strategy", "strategy", report.strategies),
                ("instruments", "By instrument", "instrument", report.instruments),
                ("exits", "By exit reason", "left because", report.exits),
                ("sides", "Long and short", "side", report.sides),
            ),
            drawn=data,
            data=_as_json(data),
            style=Markup(style),  # noqa: S704  # our own file
            script=Markup(script),  # noqa: S704  # our own file
            policy=_policy(style, script),
            listed=LISTED,
        )
    )


def _own(name: str) -> str:
    return files(_PACKAGE).joinpath("templates", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Return the policy that lets this style and this script run, and nothing be asked for."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _as_json(data: object) -> Markup:
    """Return JSON that may stand inside a script element: nothing in it can end the element."""
    text = msgspec.json.encode(data).decode()
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704  # no letter is left that HTML reads


def _years(months: Sequence[StoredPeriod], years: Sequence[StoredPeriod]) -> tuple[Year, ...]:
    found: Mapping[str, StoredPeriod] = {each.name: each for each in months}
    return tuple(
        Year(
            each.name,
            (*(_month(found.get(f"{each.name}-{at:02d}")) for at in range(1, 13)), _month(each)),
        )
        for each in years
    )


def _month(period: StoredPeriod | None) -> Month:
    if period is None or period.return_frac is None:
        return Month("", "", None)
    size = sum(abs(period.return_frac) >= bound for bound in _HEAT)
    held = "" if period.benchmark_frac is None else _minus(f"{period.benchmark_frac:+.1%}")
    heat = size if period.return_frac >= 0 else -size
    return Month(_minus(f"{period.return_frac:+.1%}"), held, heat)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,  # of everything, whatever its name ends in
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "minus": _minus,
        "money": _money,
        "percent": lambda value: UNKNOWN if value is None else _minus(percent(value)),
        "ratio": lambda value: UNKNOWN if value is None else _minus(f"{value:,.2f}"),
        "seconds": lambda value: UNKNOWN if value is None else duration(int(value * SECOND_NS)),
        "when": lambda text: UNKNOWN if text is None else text[:16].replace("T", " "),
        "sign": _sign,
    }
    return environment


def _minus(text: str) -> str:
    """Write a negative number with a true minus."""
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _money(text: str | None) -> str:
    return UNKNOWN if text is None else _minus(signed_amount(float(text)))


def _sign(value: str | float | None) -> str:
    """Return the class of a figure's sign."""
    number = 0.0 if value is None else float(value)
    return "up" if number > 0 else "down" if number < 0 else ""
