"""What the simulated venue needs from outside: a place that keeps its truth."""

from typing import Protocol

from botcore.venues.simulated.records import VenueRecords


class VenueStore(Protocol):
    """Durable truth of one venue, written by that venue alone."""

    def load(self) -> VenueRecords | None:
        """Return everything ever committed; None if nothing was.

        Raises:
            StorageError: it cannot be read, is damaged, or is of a newer version.
        """

    def commit(self, change: VenueRecords) -> None:
        """Make `change` durable, all of it or nothing, before returning.

        Raises:
            StorageError: it was not written, or it is unknown whether it was.
        """
