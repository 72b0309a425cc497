"""What an engine is told, what it refuses to be told, and what it says when it is watched."""

from decimal import Decimal

import msgspec
import pytest
from tests.support.trading_session import ACCOUNT, ByColour, TradingSession, buy, planned, scripted
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.domain.commands import FundingSettled
from botcore.domain.errors import ConfigError, DataError, InvariantBroken
from botcore.domain.events import DecisionMade, MarketDataUpdate, OrderPlaced
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.keys import Key, Rank
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.records import decode_fact, encode
from botcore.engine import DecisionLog, Engine, EquityCurve, Sequencer
from botcore.strategies import EventStrategyBase
from botcore.strategies.library import LIBRARY


def refusal(strategies: dict[str, type], **more: object) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        TradingSession(strategies, **more)  # type: ignore[arg-type]  # any values
    return refused.value


def test_an_unknown_parameter_is_refused_with_the_nearest_known_one() -> None:
    error = refusal({"ema-cross": LIBRARY["ema-cross"]}, parameters={"ema-cross": {"fats": 3}})

    assert error.code == "PARAMETER_UNKNOWN"
    assert "did you mean 'fast'?" in error.fix


def test_a_parameter_out_of_range_is_refused_with_its_range() -> None:
    error = refusal({"rsi": LIBRARY["rsi"]}, parameters={"rsi": {"period": 1}})

    assert error.code == "PARAMETER_REFUSED"
    assert "2 to 5000" in error.fix


def test_parameters_that_do_not_go_together_are_refused() -> None:
    error = refusal({"s": LIBRARY["ema-cross"]}, parameters={"s": {"fast": 30, "slow": 10}})

    assert error.code == "PARAMETERS_CONFLICT"


def test_an_event_strategys_parameters_are_checked_too() -> None:
    error = refusal({"s": EventStrategyBase}, parameters={"s": {"depth": 3}})

    assert error.code == "PARAMETER_UNKNOWN"


def test_an_instrument_without_rules_is_refused_by_name() -> None:
    error = refusal({"s": ByColour}, trades={"s": [InstrumentId("ELSEUSDT.SIM")]})

    assert error.code == "INSTRUMENT_UNKNOWN"
    assert "ELSEUSDT.SIM" in error.cause
    assert "COINUSDT.SIM" in error.fix


def test_two_strategies_of_one_name_are_refused_because_their_books_would_be_one() -> None:
    run = TradingSession({"s": ByColour})
    twice = msgspec.structs.replace(run.config, strategies=run.config.strategies * 2)

    with pytest.raises(ConfigError) as refused:
        Engine(twice, run.classes)

    assert refused.value.code == "STRATEGY_NAMED_TWICE"


def test_the_digest_of_a_configuration_stands_on_each_order_and_changes_with_any_of_it() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view)]})})
    run.bar(100)

    changed = msgspec.structs.replace(run.config, intents_per_event=99)

    assert [fact.config for fact in run.of(OrderPlaced)] == [run.config.digest]
    assert len(run.config.digest) == 16
    assert changed.digest != run.config.digest


def test_the_digest_does_not_depend_on_the_order_instruments_are_listed_in() -> None:
    both = an_instrument(), an_instrument("OTHERUSDT.SIM")

    one = TradingSession({"s": ByColour}, *both)
    other = TradingSession({"s": ByColour}, *reversed(both))

    assert one.config.digest == other.config.digest


def test_an_input_of_a_kind_the_engine_does_not_take_is_refused_by_name() -> None:
    run = TradingSession({"s": ByColour})
    funding = FundingSettled(COINUSDT, Nanos(0), 0.0001, 100.0)

    with pytest.raises(InvariantBroken, match="FundingSettled"):
        run.session.input(funding, run.now)


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_price_that_is_none_is_refused_and_the_mark_stays(price: float) -> None:
    run = TradingSession({"s": ByColour})
    run.bar(100)

    with pytest.raises(DataError, match="MARK_REFUSED"):
        run.session.input(Trade(COINUSDT, run.now, price, 1.0), run.now)
    with pytest.raises(DataError, match="MARK_REFUSED"):
        run.session.opened(BarOpened(COINUSDT, run.now, price))

    assert run.engine.desk.valuation.price(COINUSDT) == 100.0


def test_e94_the_mark_is_the_middle_of_the_spread() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view)]})})
    run.flat(100, 2)

    run.session.input(Quote(COINUSDT, run.now, 102.0, 103.0, 1.0, 1.0), run.now)

    assert run.equity == Decimal("1000002.5")


def test_a_watched_engine_tells_every_bar_and_every_decision() -> None:
    run = TradingSession({"s": ByColour, "t": ByColour}, observe=True)

    facts = run.bar(100, 102, 99, 101, volume=7)

    seen = [fact for fact in facts if isinstance(fact, MarketDataUpdate)]
    assert seen == [MarketDataUpdate(COINUSDT, Nanos(MINUTE_NS), 101.0, 7.0)]
    made = [(f.strategy, f.weight, f.reason.code) for f in facts if isinstance(f, DecisionMade)]
    assert made == [("s", 1.0, 1), ("t", 1.0, 1)]
    assert facts.index(seen[0]) < facts.index(next(f for f in facts if isinstance(f, DecisionMade)))


def test_what_only_watchers_want_changes_nothing_else() -> None:
    watched, unwatched = (TradingSession({"s": ByColour}, observe=each) for each in (True, False))
    for run in (watched, unwatched):
        for step in range(10):
            run.bar(100, 102, 98, 99 + step % 3)

    kinds = (MarketDataUpdate, DecisionMade)
    assert [f for f in watched.facts if not isinstance(f, kinds)] == unwatched.facts
    assert len(watched.of(MarketDataUpdate)) == len(watched.of(DecisionMade)) == 10
    assert watched.fingerprint.hexdigest() == unwatched.fingerprint.hexdigest()


def test_history_is_not_told_to_watchers() -> None:
    run = TradingSession({"s": ByColour}, observe=True, is_open=False)

    run.session.input(BarsClosed(Nanos(MINUTE_NS), (run.a_bar(100, 101, 99, 100),)), MINUTE_NS)

    assert run.facts == []
    assert len(run.signal().log) == 1, "but it is fed"
    assert len(run.engine.curves[ACCOUNT]) == 0, "and measured by nobody"


def test_every_fact_of_a_session_comes_back_from_its_bytes() -> None:
    run = TradingSession(
        {"s": planned({1: lambda view: [buy(view, "1", stop_loss="90")]}), "c": ByColour},
        observe=True,
    )
    run.bar(100, 102, 99, 101)
    run.bar(101, 102, 88, 89)
    run.flat(89, 2)

    assert len({type(fact) for fact in run.facts}) > 8
    for fact in run.facts:
        assert encode(decode_fact(encode(fact))) == encode(fact), "also where a weight is NaN"


def test_time_never_goes_back_and_an_answer_belongs_to_its_cause() -> None:
    sequencer = Sequencer(Key(100, 0, 0, 7))

    late = sequencer.key(Trade(COINUSDT, Nanos(50), 1.0, 1.0), 50)
    answer = sequencer.answer(Key(90, int(Rank.BAR), 0, 3))

    assert (late.ts, late.rank, late.seq) == (100, Rank.TRADE, 8)
    assert (answer.ts, answer.rank, answer.seq) == (90, Rank.BAR, 9)


def test_what_ends_at_an_instant_comes_before_what_begins_at_it() -> None:
    sequencer = Sequencer()
    bars = sequencer.key(BarsClosed(Nanos(9), ()), 9)
    opened = sequencer.key(BarOpened(COINUSDT, Nanos(9), 1.0), 9)
    trade = sequencer.key(Trade(COINUSDT, Nanos(9), 1.0, 1.0), 9)

    assert bars < opened < trade


def test_a_decision_log_keeps_at_least_what_it_is_told_to_and_not_for_ever() -> None:
    log = DecisionLog(10)

    for number in range(1_000):
        log.add(number, [1.0, float(number), 0.0, 0.0, 0.0, 9.0], 0.5)

    assert 10 <= len(log) <= 20
    assert [row.ts for row in log] == list(range(1_000 - len(log), 1_000))
    newest = log.row(-1)
    assert (newest.ts, newest.code, newest.operands, newest.weight) == (
        999,
        1,
        (999.0, 0, 0, 0),
        0.5,
    )
    with pytest.raises(IndexError):
        log.row(len(log))
    with pytest.raises(IndexError):
        log.row(-len(log) - 1)


def test_an_equity_curve_keeps_at_least_what_it_is_told_to_and_not_for_ever() -> None:
    kept, whole = EquityCurve(10), EquityCurve()

    for number in range(1_000):
        kept.add(number, float(number))
        whole.add(number, float(number))

    assert 10 <= len(kept) <= 20
    assert (kept.stamps[-1], kept.equity[-1]) == (999, 999.0)
    assert len(kept.stamps) == len(kept.equity)
    assert len(whole) == 1_000


def test_a_live_engine_remembers_a_bounded_number_of_decisions_and_points() -> None:
    run = TradingSession({"s": ByColour}, decisions_kept=5)

    run.flat(100, 100)

    assert len(run.signal().log) <= 10
    assert len(run.engine.curves[ACCOUNT]) <= 10


def test_the_strategy_being_asked_is_named_for_the_watchdog() -> None:
    asked: list[str] = []
    runs: list[TradingSession] = []

    def look(bar: object, view: object) -> list[object]:
        slot = runs[0].engine.deciders.asked
        asked.append("" if slot is None else slot.strategy)
        return []

    run = TradingSession({"one": scripted(look), "two": scripted(look)})  # type: ignore[arg-type]  # any values
    runs.append(run)
    run.bar(100)

    assert asked == ["one", "two"]
    assert run.engine.deciders.asked is None
