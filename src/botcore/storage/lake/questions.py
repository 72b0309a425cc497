"""What files cannot say for themselves, and how a person answers it."""

from typing import Final

import msgspec

from botcore.domain.errors import DataError


class Question(msgspec.Struct, frozen=True):
    """What cannot be known from the files.

    Attributes:
        option: of `ImportOptions`, which answers it.
        text: the question, for people.
        code, cause, fix: of the error where nobody is there to answer.
    """

    option: str
    text: str
    code: str
    cause: str
    fix: str

    def refused(self) -> DataError:
        """Return it as an error."""
        return DataError(code=self.code, cause=self.cause, fix=self.fix)


ASK_INSTRUMENT: Final = Question(
    "instrument",
    "Which instrument is it (such as BTCUSDT.BINANCE)",
    "INSTRUMENT_UNTOLD",
    "the file's name does not say whose candles they are",
    "add --instrument, for example --instrument BTCUSDT.BINANCE",
)
ASK_VENUE: Final = Question(
    "venue",
    "From which venue is it (such as BINANCE)",
    "VENUE_UNTOLD",
    "the venue cannot be told",
    "add --venue BINANCE, or the whole --instrument",
)
ASK_STEP: Final = Question(
    "timeframe",
    "How long is a candle (such as 1m)",
    "TIMEFRAME_UNTOLD",
    "the length of a candle cannot be told from the stamps",
    "add --timeframe, for example --timeframe 1m",
)
ASK_ZONE: Final = Question(
    "zone",
    "In which time zone are the stamps (UTC, +03:00, Europe/Istanbul)",
    "ZONE_UNTOLD",
    "the stamps do not say their time zone",
    "add --zone UTC where you know it, else what the exporting program's clock showed: +03:00",
)
