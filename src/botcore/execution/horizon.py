"""When absence is proven: rule R4 of the order protocol."""

import msgspec

from botcore.domain.ids import SECOND_NS


class HorizonConfig(msgspec.Struct, frozen=True, gc=False):
    """How long a request may still reach the matching engine, and how far reads may lag.

    Attributes:
        receive_window_ns: the venue refuses a request older than this (recvWindow).
        backend_ns: the venue's own back-end time-out.
        lag_ns: margin for clock error and for replicas that answer queries late.
    """

    receive_window_ns: int = 2 * SECOND_NS
    backend_ns: int = 10 * SECOND_NS
    lag_ns: int = 1 * SECOND_NS

    def opens_at(self, signed_at: int) -> int:
        """First instant (server time) after which a request signed then cannot appear."""
        return signed_at + self.receive_window_ns + self.backend_ns + self.lag_ns


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What is known about an order in doubt.

    Attributes:
        signed_at: when its request was signed, nanoseconds UTC (server clock).
        server_now: the server's clock now.
        stream_continuous: the user stream had no gap since, or was rebuilt.
        not_found_at: instants of queries by client id that found nothing, ascending.
        in_open_orders, in_trades, balance_moved: the other reads, each a sign of life.
    """

    signed_at: int
    server_now: int
    stream_continuous: bool
    not_found_at: tuple[int, ...]
    in_open_orders: bool
    in_trades: bool
    balance_moved: bool


def is_absent(evidence: Evidence, config: HorizonConfig) -> bool:
    """Whether NOT_ACCEPTED may be concluded: only when every sign agrees (R4)."""
    past = evidence.server_now > config.opens_at(evidence.signed_at)
    late = [ts for ts in evidence.not_found_at if ts > config.opens_at(evidence.signed_at)]
    twice = len(late) > 1 and late[-1] - late[0] >= config.lag_ns
    alive = evidence.in_open_orders or evidence.in_trades or evidence.balance_moved
    return past and twice and evidence.stream_continuous and not alive
