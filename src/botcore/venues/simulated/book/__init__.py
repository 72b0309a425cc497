"""The simulated exchange over ticks: books, prints and quotes in, fills with queue and delay out.

The same orders, accounts, fees and reservations as the venue over bars; only the matching differs.
"""

from botcore.venues.simulated.book.config import BookVenueConfig, Latency, QueueModel
from botcore.venues.simulated.book.venue import BookVenue

__all__ = ["BookVenue", "BookVenueConfig", "Latency", "QueueModel"]
