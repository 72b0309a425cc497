"""A live feed's counters as the platform shows them."""

from botcore.app.live_feed import LiveFeed
from botcore.control.views import StreamView
from botcore.domain.ids import SECOND_NS


def stream_of(feed: LiveFeed, gaps: int) -> StreamView:
    """Return what went through a feed's streams.

    Args:
        feed: may run on meanwhile, on threads of its own.
        gaps: how often it told that something was missed.
    """
    counters = feed.counters
    return StreamView(
        reconnects={"broken": counters.breaks, "handover": counters.handovers},
        gaps=gaps,
        unreadable=counters.unparsable,
        refused=feed.refused,
        book_resyncs=counters.books_broken,
        books={name: book.is_valid for name, book in feed.books.items()},
        clock_offset_s=feed.clock_offset_ns / SECOND_NS,
    )
