"""The platform's document as a picture in a terminal: what the page shows, on fewer lines."""

import math
from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from botcore.cli.calls import Entrance
from botcore.cli.way_in import how_from_elsewhere, what_it_does
from botcore.control import wording
from botcore.control.views import AccountView, PlatformView, StrategyView
from botcore.control.wording import Condition, Freshness

TALL: Final = 52
"""From this many lines on, each strategy shows a line for each instrument."""
_ROWS: Final = 6
_ROWS_IF_SHORT: Final = 3
_SHORT: Final = 36
_SENTENCES: Final = frozenset(("Why", "What"))
_AGAIN: Final = "./bot open signs in"
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH: Final = 48
_FRESHNESS_STYLE: Final = {
    Freshness.LIVE: ("●", "green"),
    Freshness.STALE: ("■", "bold red"),
    Freshness.STARTING: ("○", "yellow"),
}
_DIRECTION_STYLE: Final = {"up": "green", "down": "red", "flat": ""}
_WISH_STYLE: Final = {"long": "green", "short": "red", "flat": "", "no view": "dim"}


def drawn(
    view: PlatformView | None,
    age_s: float,
    *,
    url: str,
    height: int,
    entrance: Entrance | None = None,
    now_ns: int = 0,
) -> RenderableType:
    """Return the picture.

    Args:
        view: the newest document, or None before the first.
        age_s: how long ago it arrived, seconds.
        url: the page's address.
        height: of the terminal, lines.
        entrance: a one-time sign-in link that is good now, or None.
        now_ns: wall time, by which it ends.
    """
    state = wording.condition(view, age_s)
    top = _top(view, state, url)
    parts: list[RenderableType] = [top]
    if entrance is None:
        top.append(f"  {_AGAIN}", style="not bold dim")
    else:
        parts += _way_in(entrance, now_ns)
    if view is None:
        parts.append(Text("the engine reads its store and asks the venue about every open order"))
        return Group(*parts)
    if view.feed.banner:
        parts.append(Text(f"▲ {view.feed.banner}", style="bold yellow"))
    if state.freshness is Freshness.STALE:
        parts.append(Text(f"■ NOT LIVE: {state.detail}; these are the last figures known", "red"))
    if view.continued:
        parts.append(Text(view.continued, style="dim"))
    for account in view.accounts:
        parts += [Text(""), *_account(account)]
    # What is not now is drawn without its colours, and the words above say why.
    style = "dim" if state.freshness is Freshness.STALE else ""
    rows = _ROWS if height >= _SHORT else _ROWS_IF_SHORT
    tables = [_alerts(view, rows), _strategies(view, is_tall=height >= TALL)]
    for table in (*tables, _positions(view, rows), _orders(view, rows), _fills(view, rows)):
        if table is not None:
            table.style = style
            parts += [Text(""), table]
    parts += [Text(""), _foot(view, age_s)]
    return Group(*parts)


def spark(values: Sequence[float], width: int = _SPARK_WIDTH) -> str:
    """Return a line of bars as high as the values, oldest first; empty below two values."""
    finite = [value for value in values if math.isfinite(value)][-100 * width :]
    if len(finite) < 2:  # noqa: PLR2004 – a line has two ends
        return ""
    count = min(width, len(finite))
    chosen = [finite[round(at * (len(finite) - 1) / (count - 1))] for at in range(count)]
    low, high = min(chosen), max(chosen)
    if low == high:
        return _SPARKS[3] * count
    return "".join(
        _SPARKS[round((value - low) / (high - low) * (len(_SPARKS) - 1))] for value in chosen
    )


def _top(view: PlatformView | None, state: Condition, url: str) -> Text:
    icon, style = _FRESHNESS_STYLE[state.freshness]
    text = Text("Bot Core", style="bold")
    if view is not None:
        kinds = " ".join(account.kind.upper() for account in view.accounts)
        text.append(f" {view.version}  {kinds}", style="not bold dim")
    text.append(f"  {icon} {state.word}", style=style)
    text.append(f"  {state.detail}", style="not bold")
    text.append(f"  {url}", style="not bold underline")
    return text


def _way_in(entrance: Entrance, now_ns: int) -> list[Text]:
    """Return the link, on a line of its own to be copied whole; a click opens it too."""
    parts = [
        Text(f"Sign in: the link {what_it_does(entrance, now_ns)}", style="bold cyan"),
        Text(entrance.url, style=Style(underline=True, link=entrance.url), overflow="fold"),
    ]
    if entrance.tunnel:
        parts.append(Text(how_from_elsewhere(entrance)))
    return parts


def _account(account: AccountView) -> list[Text]:
    first = Text("Equity ")
    first.append(f"{wording.amount(account.equity)} {account.currency}", style="bold")
    first.append("  today ")
    first.append(
        f"{wording.signed_amount(account.day_result)}"
        f" ({wording.signed_percent(account.day_result_frac)})",
        style=_DIRECTION_STYLE[wording.direction(account.day_result)],
    )
    first.append(
        f"  drawdown {wording.percent(account.drawdown_frac)}"
        f"  fees today {wording.amount(account.fees_today)}"
        f" ({wording.percent(account.fees_today_frac, 3)} of equity)"
    )
    second = Text("Mode ")
    second.append(account.mode, style="green" if account.mode == "NORMAL" else "bold red")
    if account.mode_cause:
        second.append(f" – {account.mode_cause}")
    second.append(
        f"  cash {wording.amount(account.cash)}  reserved {wording.amount(account.locked)}  "
    )
    second.append(spark([equity for _, equity in account.equity_points]), style="cyan")
    third = Text("Limits used ", style="dim")
    third.append(
        "  ".join(f"{meter.name} {wording.percent(meter.used_frac, 0)}" for meter in account.meters)
    )
    return [first, second, third] if account.meters else [first, second]


def _strategies(view: PlatformView, *, is_tall: bool) -> Table | None:
    table = _table("Strategy", "Result>", "Instrument", "Wants", "Why")
    now = view.feed.now
    for strategy in view.strategies:
        status = "" if strategy.status == "running" else f" ({strategy.status})"
        name = Text(f"{strategy.id}{status}", style="" if not status else "yellow")
        if is_tall:
            _add_each(table, strategy, name, now)
        else:
            _add_one(table, strategy, name)
    return table


def _add_each(table: Table, strategy: StrategyView, name: Text, now: int) -> None:
    result: Text | None = _signed(strategy.result)
    for decision in strategy.decisions:
        why = f"{decision.reason}{f' ↳ {decision.outcome}' if decision.outcome else ''}"
        table.add_row(
            name if result is not None else Text(""),
            result or Text(""),
            Text(decision.instrument),
            Text(decision.wish, style=_WISH_STYLE.get(decision.wish, "")),
            Text(f"{why}  {wording.clock_time(decision.ts, now)}"),
        )
        result = None
    if result is not None:
        table.add_row(name, result, Text("–"), Text("–"), Text(wording.undecided(strategy)))


def _add_one(table: Table, strategy: StrategyView, name: Text) -> None:
    """Add one line: the decision that says most, one not carried out or not flat, the newest."""
    told = max(
        strategy.decisions,
        key=lambda each: (bool(each.outcome), each.wish not in ("flat", "no view"), each.ts),
        default=None,
    )
    if told is None:
        table.add_row(name, _signed(strategy.result), "–", "–", wording.undecided(strategy))
        return
    more = len(strategy.decisions) - 1
    others = f" +{more}" if more else ""
    table.add_row(
        name,
        _signed(strategy.result),
        Text(f"{told.instrument}{others}"),
        Text(told.wish, style=_WISH_STYLE.get(told.wish, "")),
        Text(f"{told.reason}{f' ↳ {told.outcome}' if told.outcome else ''}"),
    )


def _positions(view: PlatformView, rows: int) -> Table | None:
    table = _table("Position", "Strategy", "Quantity>", "Average>", "Now>", "Value>", "Unrealised>")
    for each in view.positions[:rows]:
        table.add_row(
            Text(each.instrument),
            Text(each.strategy),
            wording.quantity(each.quantity),
            wording.price(each.average_price),
            "not known" if each.mark is None else wording.price(each.mark),
            wording.amount(each.value),
            _signed(each.unrealised),
        )
    return _ended(table, len(view.positions), rows)


def _orders(view: PlatformView, rows: int) -> Table | None:
    table = _table("Working order", "Strategy", "Order", "Quantity>", "Filled>", "Price>", "State")
    for each in sorted(view.orders, key=lambda order: order.ts, reverse=True)[:rows]:
        owed = ", cancel owed" if each.cancel_owed else ""
        table.add_row(
            Text(each.instrument),
            Text(each.strategy),
            f"{each.side.lower()} {each.type.lower().replace('_', ' ')}",
            wording.quantity(each.quantity),
            wording.quantity(each.filled),
            wording.price(each.price) if each.price else "market",
            Text(
                f"{each.state.lower().replace('_', ' ')}{owed}",
                style="bold red" if each.state == "IN_DOUBT" else "",
            ),
        )
    return _ended(table, len(view.orders), rows)


def _fills(view: PlatformView, rows: int) -> Table | None:
    table = _table(
        "Last fill", "Instrument", "Strategy", "Side", "Quantity>", "Price>", "Fee>", "Why"
    )
    for each in sorted(view.fills, key=lambda fill: fill.ts, reverse=True)[:rows]:
        table.add_row(
            wording.clock_time(each.ts, view.feed.now),
            Text(each.instrument),
            Text(each.strategy),
            Text(each.side.lower(), style="green" if each.side == "BUY" else "red"),
            wording.quantity(each.quantity),
            wording.price(each.price),
            wording.amount(each.fee, 4),
            Text(each.reason),
        )
    return table if table.row_count else None


def _alerts(view: PlatformView, rows: int) -> Table | None:
    table = _table("Alert", "Code", "What")
    for each in sorted(view.alerts, key=lambda alert: alert.ts, reverse=True)[:rows]:
        table.add_row(
            wording.clock_time(each.ts, view.feed.now),
            Text(f"▲ {each.code}", style="yellow"),
            Text(each.detail),
        )
    return _ended(table, len(view.alerts), rows)


def _foot(view: PlatformView, age_s: float) -> Text:
    feed = view.feed
    return Text(
        f"feed {feed.name} ({feed.status}), newest price"
        f" {wording.duration(wording.feed_age_s(view, age_s))} ago,"
        f" its clock {wording.date_time(feed.now)} ({feed.clock})\n"
        f"home {view.home}  up {wording.duration(view.uptime_s)}  storage {view.storage}"
        "  Ctrl+C stops; orders, positions and cash are kept",
        style="dim",
    )


def _table(*headings: str) -> Table:
    """Return a table; a heading that ends in ``>`` is of figures."""
    # A sentence takes the room that is left, so that it never squeezes a figure.
    has_sentence = not _SENTENCES.isdisjoint(headings)
    table = Table(box=None, pad_edge=False, header_style="dim", expand=has_sentence)
    for heading in headings:
        is_figure = heading.endswith(">")
        is_text = heading in _SENTENCES
        table.add_column(
            heading.rstrip(">"),
            justify="right" if is_figure else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if is_text else None,
            min_width=12 if is_text else None,
        )
    return table


def _ended(table: Table, total: int, rows: int) -> Table | None:
    if not total:
        return None
    if total > rows:
        table.caption = Text(f"and {total - rows} more on the page", style="dim")
        table.caption_justify = "left"
    return table


def _signed(text: str) -> Text:
    return Text(wording.signed_amount(text), style=_DIRECTION_STYLE[wording.direction(text)])
