"""``botcore rewind``: the next start plays the tape from its beginning, with a new account."""

from botcore.cli import calls
from botcore.cli.options import FeedFrom, FeedInstruments, FeedTimeframe, Home, feed_given, given


def rewind(
    *,
    home: Home = None,
    instrument: FeedInstruments = None,
    timeframe: FeedTimeframe = None,
    start: FeedFrom = None,
) -> None:
    """Begin a tape again with a new account; the old one is put aside, nothing is deleted.

    Name the same --instrument, --timeframe and --from as when it was played.
    """
    overrides = given(home=home) | feed_given(None, instrument, timeframe, start, None)
    aside = calls.commands().rewind(overrides=overrides)
    print(f"rewound; the old account is kept in {aside}")
