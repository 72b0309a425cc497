"""The newest prices as they were heard."""

from botcore.app.prices_seen import PricesSeen
from botcore.domain.ids import SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Quote, Trade

BTC, ETH = InstrumentId("BTCUSDT.SIM"), InstrumentId("ETHUSDT.SIM")


def test_prices_have_an_age_in_the_market_s_clock_that_is_never_below_zero() -> None:
    seen = PricesSeen()
    seen.see(Trade(BTC, Nanos(7 * SECOND_NS), 100.0, 1.0, True))
    seen.see(Quote(BTC, Nanos(8 * SECOND_NS), 99.0, 101.0, 1.0, 1.0))
    seen.see(Trade(ETH, Nanos(11 * SECOND_NS), 10.0, 1.0, True))

    assert seen.ages_s(10 * SECOND_NS) == {BTC: 2.0, ETH: 0.0}
    assert PricesSeen().ages_s(10 * SECOND_NS) == {}
