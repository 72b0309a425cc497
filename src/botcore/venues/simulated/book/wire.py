"""The way to the venue: what was sent, and when it arrives."""

import heapq
from collections.abc import Iterator
from hashlib import sha256

import numpy as np

from botcore.domain.effects import Cancel, Replace, Submit
from botcore.domain.ids import AccountId, StrategyId
from botcore.venues.simulated.book.config import Latency

Message = Submit | Cancel | Replace


class _Lane:
    """One strategy's connection: its own draws, and no message overtakes another."""

    __slots__ = ("chance", "last")

    def __init__(self, seed: int, name: str) -> None:
        # From a digest, for Python's own hash differs between processes.
        words = np.frombuffer(sha256(name.encode()).digest(), dtype=np.uint32)
        self.chance = np.random.Generator(np.random.PCG64([seed, *words.tolist()]))
        self.last = 0


class Wire:
    """Messages under way, given out in order of arrival.

    How long the messages of one strategy take does not depend on what another sends (E100).
    """

    def __init__(self, latency: Latency) -> None:
        self._latency = latency
        self._lanes: dict[tuple[AccountId, StrategyId], _Lane] = {}
        self._flying: list[tuple[int, int, Message]] = []
        self._sent = 0

    def send(self, message: Message, account: AccountId, strategy: StrategyId, ts: int) -> None:
        """Send a message at `ts` (nanoseconds)."""
        lane = self._lanes.get((account, strategy))
        if lane is None:
            lane = _Lane(self._latency.seed, f"{account}/{strategy}")
            self._lanes[account, strategy] = lane
        arrives = ts + self._latency.order_ns
        if self._latency.jitter_ns:
            arrives += int(lane.chance.integers(0, self._latency.jitter_ns, endpoint=True))
        lane.last = arrives = max(arrives, lane.last)
        self._sent += 1
        heapq.heappush(self._flying, (arrives, self._sent, message))

    @property
    def next_arrival(self) -> int | None:
        """When the next message arrives; None if none is under way."""
        return self._flying[0][0] if self._flying else None

    def arrived(self, before: int) -> Iterator[tuple[int, Message]]:
        """Take out what arrives before an instant, with when it did, oldest first."""
        flying = self._flying
        while flying and flying[0][0] < before:
            at, _, message = heapq.heappop(flying)
            yield at, message
