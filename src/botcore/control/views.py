"""What the platform shows: one document, made in the engine's process, drawn by page and terminal.

Money and quantities are decimal strings, never floats; stamps are nanoseconds in the feed's clock
(the simulated market has its own) unless a name says `wall`.
"""

from enum import StrEnum

import msgspec


class FeedStatus(StrEnum):
    """Whether prices are fresh. Stale data never looks live."""

    LIVE = "live"
    STALE = "stale"
    DOWN = "down"


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """What went through a live feed's streams since the engine's process began.

    Attributes:
        reconnects: reason → how often; ``broken`` and, before the venue closes it, ``handover``.
        gaps: times that prints, minutes or changes of a book did not come.
        unreadable: messages that could not be read.
        refused: reason → how much data was put into quarantine.
        book_resyncs: times that a book was lost to a hole and joined anew.
        books: instrument → whether its book can be believed.
        clock_offset_s: venue less local time.
    """

    reconnects: dict[str, int] = {}
    gaps: int = 0
    unreadable: int = 0
    refused: dict[str, int] = {}
    book_resyncs: int = 0
    books: dict[str, bool] = {}
    clock_offset_s: float | None = None


class FeedView(msgspec.Struct, frozen=True):
    """Where prices come from and how old they are.

    Attributes:
        name: ``simulated``, later an exchange or a tape.
        banner: what must be said on every view about these prices; empty for a real market.
        clock: how the feed's time runs, in words.
        now: the feed's clock now; `last_event`: stamp of the newest price.
        age_s: `now` less `last_event`, seconds.
        step_s: length of the bars traded, seconds.
        ages: instrument → seconds since its newest price; without those that had none yet.
        stream: of a live feed; None for others.
    """

    name: str
    banner: str
    clock: str
    now: int
    last_event: int
    age_s: float
    status: FeedStatus
    step_s: float
    ages: dict[str, float] = {}
    stream: StreamView | None = None


class MeterView(msgspec.Struct, frozen=True):
    """A limit and how much of it is used: `used_frac` 1.0 is full."""

    name: str
    used_frac: float
    limit: str


class AccountView(msgspec.Struct, frozen=True):
    """One account.

    Attributes:
        kind: ``paper``; later ``live``.
        equity, cash, locked, day_result, fees_today, fees_total: decimal strings in `currency`.
        day_result_frac, drawdown_frac, fees_today_frac: fractions of equity (0.01 is 1 %).
        mode, mode_cause: what it may do, and why not more.
        equity_points: the last points of the equity curve as (stamp, equity), oldest first.
        orders_open, orders_in_doubt, cancels_owed: of all its orders that are not terminal; the
            document shows the newest of them only.
        in_doubt_since: when the one that is longest in doubt was sent; 0 where none is.
        is_reconciled: whether its orders are known to be as the venue has them; until then nothing
            is traded.
        exposure: worst case of all that is held and ordered, in `currency`.
        exposures: instrument → the same of it; without the empty ones.
        caps: ``order``, ``symbol`` or ``account`` → what it may be at most now, in `currency`.
        realised: strategy → earned by closing, before fees, in `currency`.
    """

    id: str
    kind: str
    currency: str
    equity: str
    cash: str
    locked: str
    day_result: str
    day_result_frac: float
    drawdown_frac: float
    fees_today: str
    fees_today_frac: float
    fees_total: str
    mode: str
    mode_cause: str
    meters: tuple[MeterView, ...]
    equity_points: tuple[tuple[int, float], ...] = ()
    orders_open: int = 0
    orders_in_doubt: int = 0
    cancels_owed: int = 0
    in_doubt_since: int = 0
    is_reconciled: bool = True
    exposure: str = "0"
    exposures: dict[str, str] = {}
    caps: dict[str, str] = {}
    realised: dict[str, str] = {}


class PositionView(msgspec.Struct, frozen=True):
    """A strategy's open position. `mark` is None when no price is known."""

    account: str
    strategy: str
    instrument: str
    quantity: str
    average_price: str
    mark: str | None
    value: str
    unrealised: str
    realised: str


class OrderView(msgspec.Struct, frozen=True):
    """An order that is not terminal."""

    client_order_id: str
    account: str
    strategy: str
    instrument: str
    side: str
    type: str
    quantity: str
    filled: str
    price: str
    state: str
    cancel_owed: bool
    ts: int


class FillView(msgspec.Struct, frozen=True):
    """One execution."""

    ts: int
    account: str
    strategy: str
    instrument: str
    side: str
    quantity: str
    price: str
    fee: str
    fee_currency: str
    reason: str


class DecisionView(msgspec.Struct, frozen=True):
    """A strategy's last word on one instrument.

    Attributes:
        wish: ``long``, ``flat``, ``short`` or ``no view``.
        reason: the sentence ("RSI 41.2 is above 30: no entry").
        outcome: what the engine says where the wish was not carried out; else empty.
        ts: close of the bar decided on; 0 before the first.
    """

    strategy: str
    instrument: str
    wish: str
    held: str
    reason: str
    outcome: str
    ts: int


class StrategyView(msgspec.Struct, frozen=True):
    """One configured strategy: ``running``, ``warming up``, ``paused`` or ``quarantined``."""

    id: str
    name: str
    status: str
    status_cause: str
    result: str
    decisions: tuple[DecisionView, ...]


class AlertView(msgspec.Struct, frozen=True):
    """Something a person should know."""

    ts: int
    code: str
    detail: str


class QueueView(msgspec.Struct, frozen=True):
    """A line in the engine's process: how many wait in it, and how many may."""

    name: str
    depth: int
    capacity: int


class ReconcilingView(msgspec.Struct, frozen=True):
    """How the engine's process has brought orders and venue to one truth.

    Attributes:
        done, failed: runs since it began.
        last_wall: when the last one was done, wall clock, nanoseconds UTC; 0 before the first.
        last_s: how long it took, seconds.
        overdue_s: how long one has been due and not done; 0 while none is.
    """

    done: int = 0
    failed: int = 0
    last_wall: int = 0
    last_s: float = 0.0
    overdue_s: float = 0.0


class PlatformView(msgspec.Struct, frozen=True):
    """Everything the first page shows.

    Attributes:
        version: of botcore. `home`: where its state lives. `engine_pid`: the engine's process.
        wall_ts: wall clock when this was made, nanoseconds UTC.
        uptime_s: of this run, seconds. `continued`: "continued: equity …, 3 positions, stopped
            2 min", or empty on a first start.
        storage: ``ok``, or what is wrong with it.
        decisions_timed: how many the next two figures are taken from.
        decision_p50_s, decision_p99_s: from an input's taking to an approved order, over the last
            minute, seconds; None where there was none.
        persist_p50_s, persist_p99_s: from there until it is durable, likewise.
        core_wait_s: how long the engine's main thread was ready to run and waited for a core, since
            its process began; None where the system does not say.
        queues: ``market`` is what the feed gave and the engine has not taken yet, ``journal`` what
            is not durable yet.
        epoch: of the session: later ones are higher.
        facts_unpublished: facts that are durable and not published yet.
        reconciling: None where nothing says it.
    """

    version: str
    home: str
    engine_pid: int
    wall_ts: int
    uptime_s: float
    continued: str
    storage: str
    feed: FeedView
    accounts: tuple[AccountView, ...]
    strategies: tuple[StrategyView, ...]
    positions: tuple[PositionView, ...]
    orders: tuple[OrderView, ...]
    fills: tuple[FillView, ...]
    alerts: tuple[AlertView, ...]
    decisions_timed: int = 0
    decision_p50_s: float | None = None
    decision_p99_s: float | None = None
    persist_p50_s: float | None = None
    persist_p99_s: float | None = None
    core_wait_s: float | None = None
    queues: tuple[QueueView, ...] = ()
    epoch: int = 0
    facts_unpublished: int = 0
    reconciling: ReconcilingView | None = None


def encode_view(view: PlatformView) -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(view)


def decode_view(document: bytes) -> PlatformView:
    """Read what `encode_view` wrote.

    Raises:
        msgspec.DecodeError: it is not such a document.
    """
    return msgspec.json.decode(document, type=PlatformView)
