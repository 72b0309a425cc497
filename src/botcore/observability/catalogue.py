"""Every metric by name: what it says, of which kind, with which labels."""

from enum import StrEnum
from typing import Final

import msgspec

PREFIX: Final = "botcore_"


class Kind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class MetricSpec(msgspec.Struct, frozen=True):
    """One metric.

    Attributes:
        name: without the prefix; ends in its unit.
        labels: closed sets only, never a user's text or an order's id.
        help: one sentence.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str

    @property
    def full_name(self) -> str:
        """The name as Prometheus shows it."""
        return PREFIX + self.name


def _gauge(name: str, help_text: str, *labels: str) -> MetricSpec:
    return MetricSpec(name, Kind.GAUGE, labels, help_text)


def _counter(name: str, help_text: str, *labels: str) -> MetricSpec:
    return MetricSpec(name, Kind.COUNTER, labels, help_text)


BUILD_INFO = _gauge("build_info", "Always 1; the labels say what runs.", "version", "python")
VIEW_AGE = _gauge(
    "view_age_seconds", "Since the engine last said how it is; +Inf before the first time."
)
UPTIME = _gauge("uptime_seconds", "Of the engine's run.")
STORAGE_OK = _gauge("storage_ok", "1 while the store takes what it is given.")
STREAM_CONNECTED = _gauge("stream_connected", "1 unless the feed is down.", "venue", "stream")
STREAM_AGE = _gauge("stream_age_seconds", "Since the newest price of the feed.", "venue", "stream")
UP_MODE = _gauge("up_mode", "1 for the account's mode, 0 for the others.", "account", "mode")
EQUITY = _gauge("equity_quote", "Equity at the marks, in the account's currency.", "account")
DRAWDOWN = _gauge("drawdown_ratio", "Fall from the peak of equity, 0 to 1.", "account")
DAILY_LOSS = _gauge("daily_loss_quote", "Loss since the day began; 0 on a gain.", "account")
RISK_USED = _gauge(
    "risk_utilisation_ratio", "How much of a limit is used; 1 is full.", "account", "limit"
)
ORDERS_OPEN = _gauge("orders_open", "Orders that are not terminal.", "account")
IN_DOUBT = _gauge("orders_in_doubt", "Orders with an unknown outcome.", "account")
IN_DOUBT_OLDEST = _gauge(
    "orders_in_doubt_oldest_seconds",
    "Age of the oldest order in doubt, in the feed's clock; 0 when there is none.",
    "account",
)
CANCELS_OWED = _gauge("cancels_owed", "Orders to be cancelled, not yet proven gone.", "account")
FILLS = _counter(
    "fills_total",
    "Executions that this process has seen in the engine's reports since it started.",
    "account",
)
FEES = _counter("fees_quote_total", "Fees since the account began.", "account")
UNREALISED = _gauge(
    "pnl_unrealized_quote", "Of the strategy's open positions, at the marks.", "account", "strategy"
)
STRATEGY_STATE = _gauge(
    "strategy_state", "1 for the strategy's state, 0 for the others.", "strategy", "state"
)
STRATEGY_RESULT = _gauge("strategy_result_quote", "What the strategy has earned.", "strategy")
ALERTS = _gauge("alerts", "Alerts that the page shows.")
HTTP_REQUESTS = _counter("http_requests_total", "Answers given.", "route", "method", "code_class")
HTTP_DURATION = MetricSpec(
    "http_request_duration_seconds", Kind.HISTOGRAM, ("route", "method"), "Time to the answer."
)

CATALOGUE: Final = (
    BUILD_INFO,
    VIEW_AGE,
    UPTIME,
    STORAGE_OK,
    STREAM_CONNECTED,
    STREAM_AGE,
    UP_MODE,
    EQUITY,
    DRAWDOWN,
    DAILY_LOSS,
    RISK_USED,
    ORDERS_OPEN,
    IN_DOUBT,
    IN_DOUBT_OLDEST,
    CANCELS_OWED,
    FILLS,
    FEES,
    UNREALISED,
    STRATEGY_STATE,
    STRATEGY_RESULT,
    ALERTS,
    HTTP_REQUESTS,
    HTTP_DURATION,
)
