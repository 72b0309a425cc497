"""How old the prices are that figures rest on, from the platform's document."""

from botcore.control.schema.accounts import PricesAge
from botcore.control.schema.values import instant
from botcore.control.views import FeedStatus, PlatformView
from botcore.control.wording import STALE_AFTER_S, feed_age_s


def prices_age(view: PlatformView, age_s: float) -> PricesAge:
    """Return how old prices are; those of a document that is itself stale never look live.

    Args:
        view: the newest document.
        age_s: how long ago it arrived, seconds.
    """
    feed = view.feed
    status = feed.status
    if status is FeedStatus.LIVE and age_s > STALE_AFTER_S:
        status = FeedStatus.STALE
    return PricesAge(
        source=feed.name,
        status=status,
        last_price_at=instant(feed.last_event) if feed.last_event else None,
        age_s=round(feed_age_s(view, age_s), 3),
        banner=feed.banner,
    )
