"""The difference of two runs: decision by decision, order by order, fill by fill, fact by fact."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Final

import msgspec

from botcore.backtest.trace import SlotDecisions, Trace
from botcore.domain.events import Fact, OrderFilled, OrderPlaced
from botcore.domain.ids import SECOND_NS
from botcore.domain.records import decode_fact, encode

SHOWN: Final = 20
"""Differences that are kept in words, of each kind; all are counted."""
_Place = tuple[str, int, int]
_Entry = tuple[bytes, int]
"""What is compared to the bit, and its instant."""


class Difference(msgspec.Struct, frozen=True):
    """One place where two runs differ; None is a run that has nothing there.

    Attributes:
        where: strategy and instrument, or the kind of fact.
        ts: nanoseconds UTC.
        first, second: what each run has, in words.
    """

    where: str
    ts: int
    first: str | None
    second: str | None


class Section(msgspec.Struct, frozen=True):
    """How two runs compare in one respect.

    Attributes:
        first, second: how many each has.
        differing: places at which they differ.
        differences: the first of them, at most `SHOWN`.
    """

    name: str
    first: int
    second: int
    differing: int
    differences: tuple[Difference, ...]


class Parity(msgspec.Struct, frozen=True):
    """The difference of two runs.

    Attributes:
        sections: decisions, orders, fills and the other facts.
        is_same_tape: whether both were fed the same bars and settings; if not, differences are
            what one would expect.
    """

    sections: tuple[Section, ...]
    is_same_tape: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is no difference at all."""
        return not any(section.differing for section in self.sections)


def compare_traces(first: Trace, second: Trace, *, is_same_tape: bool) -> Parity:
    """Return the difference of two runs.

    Orders and fills are matched by strategy, instrument and instant; every field of what is
    matched must be equal to the bit, ids and reasons too.

    Raises:
        DataError: a trace is damaged.
    """
    one, other = _Sorted(first.facts()), _Sorted(second.facts())
    return Parity(
        (
            _decisions(first.decisions, second.decisions),
            _section("orders", one.orders, other.orders),
            _section("fills", one.fills, other.fills),
            _section("other facts", one.rest, other.rest),
        ),
        is_same_tape,
    )


class _Sorted:
    """The facts of a run by what they are matched by."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.orders: dict[_Place, _Entry] = {}
        self.fills: dict[_Place, _Entry] = {}
        self.rest: dict[_Place, _Entry] = {}
        seen: dict[tuple[str, int], int] = defaultdict(int)
        for each in facts:
            fact, kind = each, type(each).__name__
            if isinstance(fact, OrderPlaced):
                # The digest of the settings stands on every order, and is no order's own.
                fact = msgspec.structs.replace(fact, config="")
                order = fact.order
                where, ts = f"{order.strategy} {order.instrument}", int(fact.ts)
                into = self.orders
            elif isinstance(fact, OrderFilled):
                where, ts = f"{fact.strategy} {fact.instrument}", int(fact.fill.ts_event)
                into = self.fills
            else:
                # In order by kind: what one run says at another instant stands at its own place.
                where, ts = kind, 0
                into = self.rest
            number = seen[f"{kind} {where}", ts]
            seen[f"{kind} {where}", ts] = number + 1
            into[where, ts, number] = encode(fact), int(getattr(fact, "ts", ts))


def _section(name: str, first: Mapping[_Place, _Entry], second: Mapping[_Place, _Entry]) -> Section:
    places = sorted({*first, *second}, key=lambda place: (place[1], place[0], place[2]))
    found = [place for place in places if first.get(place) != second.get(place)]
    differences = tuple(
        _difference(place[0], first.get(place), second.get(place)) for place in found[:SHOWN]
    )
    return Section(name, len(first), len(second), len(found), differences)


def _difference(where: str, one: _Entry | None, other: _Entry | None) -> Difference:
    if one is None or other is None:
        there = one or other
        assert there is not None  # it came from one of the two
        words = (None if each is None else _words(each[0]) for each in (one, other))
        return Difference(where, there[1], next(words), next(words))
    # Words leave things out: what differs is named field by field.
    fields, others = dict(_fields("", one[0])), dict(_fields("", other[0]))
    odd = [key for key in {**fields, **others} if fields.get(key) != others.get(key)]
    told = (
        "; ".join(f"{key} {each.get(key, '–')}" for key in odd if key) for each in (fields, others)
    )
    first, second = (f"{_words(each[0])}: {next(told)}" for each in (one, other))
    return Difference(where, one[1], first, second)


def _words(encoded: bytes) -> str:
    fact = decode_fact(encoded)
    if isinstance(fact, OrderPlaced):
        return _order_words(fact)
    return _fill_words(fact) if isinstance(fact, OrderFilled) else str(fact)


def _fields(path: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield every leaf of an encoded fact with its path."""
    if isinstance(value, bytes):
        value = msgspec.msgpack.decode(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _fields(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _fields(f"{path}[{number}]", inner)
    else:
        yield path, value


def _decisions(first: Mapping[str, SlotDecisions], second: Mapping[str, SlotDecisions]) -> Section:
    nothing = SlotDecisions(b"", ())
    differences: list[Difference] = []
    differing = 0
    for slot in sorted({*first, *second}):
        for each in _of_slot(slot, first.get(slot, nothing), second.get(slot, nothing)):
            differing += 1
            if len(differences) < SHOWN:
                differences.append(each)
    return Section("decisions", _counted(first), _counted(second), differing, tuple(differences))


def _of_slot(slot: str, one: SlotDecisions, other: SlotDecisions) -> Iterator[Difference]:
    """Yield each changed decision that only one has, then each day whose rows differ otherwise."""
    if one == other:
        return
    mine, theirs = (
        {each.ts: _said(each.code, each.weight) for each in run} for run in (one, other)
    )
    told = set()
    for ts in sorted({*mine, *theirs}):
        if mine.get(ts) != theirs.get(ts):
            told.add(_day(ts))
            yield Difference(slot, ts, mine.get(ts), theirs.get(ts))
    for here, there in zip_longest(one.days, other.days):
        day = here or there
        if here != there and day.day not in told:
            yield Difference(
                slot,
                day.day * 86_400 * SECOND_NS,
                None if here is None else f"{here.count} decisions, digest {here.digest[:12]}",
                None if there is None else f"{there.count} decisions, digest {there.digest[:12]}",
            )


def _day(ts: int) -> int:
    return (ts - 1) // (86_400 * SECOND_NS)


def _said(code: int, weight: float) -> str:
    return f"reason {code}, weight {weight:g}"


def _counted(decisions: Mapping[str, SlotDecisions]) -> int:
    return sum(day.count for slot in decisions.values() for day in slot.days)


def _order_words(fact: OrderPlaced) -> str:
    order = fact.order
    prices = "".join(
        f" {word} {price:f}"
        for word, price in (("limit", order.limit_price), ("trigger", order.trigger_price))
        if price is not None
    )
    return f"{order.side} {order.type} {order.quantity:f}{prices} [{order.client_order_id}]"


def _fill_words(fact: OrderFilled) -> str:
    fill = fact.fill
    return (
        f"{fact.side} {fill.quantity:f} at {fill.price:f}, fee {fill.fee:f} {fill.fee_currency}"
        f" [{fact.client_order_id}]"
    )
