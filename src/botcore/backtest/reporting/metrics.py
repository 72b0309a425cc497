"""Every figure of a report, declared once: its name, unit, meaning, and a question to ask.

The terminal, ``report.json``, the page and the reference page are written from these.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from botcore.backtest.reporting.wording import Unit


class Metric(msgspec.Struct, frozen=True):
    """A figure's declaration.

    Attributes:
        key: its name for programs; stable.
        name: for people.
        group: under which heading it stands.
        unit: of its value.
        explanation: what it says, in plain words.
        question: what to ask oneself about it.
        source: formula or origin.
        in_terminal: whether it is among the few that a terminal shows.
    """

    key: str
    name: str
    group: str
    unit: Unit
    explanation: str
    question: str
    source: str
    in_terminal: bool = False


RESULT: Final = "Result"
RISK: Final = "Risk"
RATIOS: Final = "Return for risk"
TRADES: Final = "Round trips"
DAYS: Final = "Days"
ACTIVITY: Final = "Activity and cost"
GROUPS: Final = (RESULT, RISK, RATIOS, TRADES, DAYS, ACTIVITY)

_DAILY: Final = "of daily returns (00:00 UTC, marked to market), A = 365"

CATALOGUE: Final[tuple[Metric, ...]] = (
    Metric(
        "equity_start",
        "equity at the start",
        RESULT,
        Unit.MONEY,
        "What the account held before the first bar.",
        "Is this what I would really put in?",
        "opening cash",
        in_terminal=True,
    ),
    Metric(
        "equity_end",
        "equity at the end",
        RESULT,
        Unit.MONEY,
        "Cash and open positions at the last close. Open positions are valued, not sold.",
        "How much of it is still at the mercy of the next bar?",
        "cash + Σ position · last close",
        in_terminal=True,
    ),
    Metric(
        "profit",
        "profit",
        RESULT,
        Unit.CHANGE,
        "What was gained or lost, after all fees.",
        "Would I have sat through the whole run for this?",
        "E_T − E_0",
    ),
    Metric(
        "return",
        "return",
        RESULT,
        Unit.RETURN,
        "The profit as a share of what there was at the start.",
        "Does it beat buying once and doing nothing, after cost?",
        "(E_T − E_0) / E_0",
        in_terminal=True,
    ),
    Metric(
        "cagr",
        "growth a year",
        RESULT,
        Unit.RETURN,
        "The steady yearly growth that would have led to the same end. Over a run of a few weeks"
        " it says what a lucky month would be if it went on for ever.",
        "Is the run long enough, and varied enough, to speak of a year?",
        "(E_T / E_0)^(365 / days) − 1, days from first open to last close",
        in_terminal=True,
    ),
    Metric(
        "daily_profit",
        "mean daily profit",
        RESULT,
        Unit.CHANGE,
        "The profit divided by the days of the run.",
        "Is it spread over the days, or did a few of them make all of it?",
        "mean of E_d − E_(d−1) over UTC days",
    ),
    Metric(
        "drawdown",
        "deepest drawdown",
        RISK,
        Unit.FRACTION,
        "The deepest fall from a peak of the equity, open positions included, seen at every bar."
        " The opening equity is the first peak.",
        "Could I watch twice this without switching it off?",
        "max (peak − E) / peak at bar frequency (Magdon-Ismail and Atiya, 2004)",
        in_terminal=True,
    ),
    Metric(
        "drawdown_money",
        "drawdown in money",
        RISK,
        Unit.MONEY,
        "What that fall was in money.",
        "What else could I have done with that sum?",
        "peak − bottom of the deepest drawdown",
    ),
    Metric(
        "drawdown_began",
        "drawdown began",
        RISK,
        Unit.INSTANT,
        "The last moment at the peak.",
        "What happened in the market then?",
        "stamp of the peak",
    ),
    Metric(
        "drawdown_bottom",
        "drawdown's bottom",
        RISK,
        Unit.INSTANT,
        "The moment of the lowest equity.",
        "Would I still have trusted the strategy there?",
        "stamp of the lowest value",
    ),
    Metric(
        "drawdown_recovered",
        "drawdown recovered",
        RISK,
        Unit.INSTANT,
        "When the peak was reached again; a dash when it was not.",
        "If it never recovered: what makes me think that it will?",
        "first stamp at or above the peak",
    ),
    Metric(
        "drawdown_duration",
        "drawdown lasted",
        RISK,
        Unit.DURATION,
        "From the peak to the recovery, or to the end of the run.",
        "Have I the patience for that?",
        "recovery − peak",
    ),
    Metric(
        "under_water",
        "longest time under water",
        RISK,
        Unit.DURATION,
        "The longest wait for a new peak, however shallow the fall.",
        "How long do I wait before I call a strategy broken?",
        "max over drawdowns of their length",
    ),
    Metric(
        "ulcer",
        "Ulcer index",
        RISK,
        Unit.FRACTION,
        "The typical drawdown, in which deep and long ones weigh more.",
        "Is the deepest fall an exception, or does it feel like this most of the time?",
        "√mean(DD²) of daily equity (Martin and McCann, 1989)",
    ),
    Metric(
        "volatility",
        "volatility a year",
        RISK,
        Unit.FRACTION,
        "How much returns spread around their mean, scaled to a year.",
        "Is it calmer than the market because it is good, or because it is mostly in cash?",
        f"sd(r) · √A {_DAILY}",
    ),
    Metric(
        "value_at_risk",
        "value at risk, a day",
        RISK,
        Unit.RETURN,
        "One day in twenty was worse than this.",
        "Can the account bear several of these in a row?",
        "5 % quantile of daily returns, linear between observations",
    ),
    Metric(
        "expected_shortfall",
        "expected shortfall, a day",
        RISK,
        Unit.RETURN,
        "The mean of the worst twentieth of days.",
        "How much worse than the usual bad day is a really bad one?",
        "mean of the worst 5 % of daily returns (Acerbi and Tasche, 2002)",
    ),
    Metric(
        "equity_low",
        "lowest equity",
        RISK,
        Unit.MONEY,
        "The least the account was worth at any bar.",
        "Would a margin or a minimum have ended the run there?",
        "min E at bar frequency",
    ),
    Metric(
        "equity_low_at",
        "lowest equity on",
        RISK,
        Unit.INSTANT,
        "When that was.",
        "Early, late, or in a crash?",
        "stamp of the lowest equity",
    ),
    Metric(
        "equity_high",
        "highest equity",
        RISK,
        Unit.MONEY,
        "The most the account was worth at any bar.",
        "How much of the gain was given back since?",
        "max E at bar frequency",
    ),
    Metric(
        "equity_high_at",
        "highest equity on",
        RISK,
        Unit.INSTANT,
        "When that was.",
        "Is the best behind it?",
        "stamp of the highest equity",
    ),
    Metric(
        "sharpe",
        "Sharpe ratio",
        RATIOS,
        Unit.RATIO,
        "Mean return for each unit of its spread, a year. It is made of the equity of every day,"
        " never of closed trades only.",
        "Above 2 on real data: what have I overlooked?",
        f"mean(r) / sd(r) · √A {_DAILY}, ddof 1, riskless return 0 (Sharpe, 1994)",
        in_terminal=True,
    ),
    Metric(
        "sortino",
        "Sortino ratio",
        RATIOS,
        Unit.RATIO,
        "As the Sharpe ratio, with losing days alone counted as risk.",
        "Were there enough losing days to know?",
        f"mean(r) · A / (√mean(min(r, 0)²) · √A) {_DAILY} (Sortino and Price, 1994)",
        in_terminal=True,
    ),
    Metric(
        "calmar",
        "Calmar ratio",
        RATIOS,
        Unit.RATIO,
        "Growth a year over the deepest drawdown.",
        "Does a year's growth pay for the worst fall?",
        "growth a year / deepest drawdown (Young, 1991, over the whole run)",
        in_terminal=True,
    ),
    Metric(
        "omega",
        "Omega ratio",
        RATIOS,
        Unit.RATIO,
        "All that winning days brought, over all that losing days took.",
        "Is it above 1 without its best day?",
        "Σmax(r, 0) / Σmax(−r, 0) of daily returns (Keating and Shadwick, 2002)",
    ),
    Metric(
        "martin",
        "Martin ratio",
        RATIOS,
        Unit.RATIO,
        "Growth a year over the Ulcer index: return for pain.",
        "Is the growth worth the usual time below the peak?",
        "growth a year / Ulcer index (Martin and McCann, 1989)",
    ),
    Metric(
        "tail_ratio",
        "tail ratio",
        RATIOS,
        Unit.RATIO,
        "How large good days are beside bad ones, out on the edges.",
        "Below 1: am I picking up small coins before something heavy?",
        "|95 % quantile| / |5 % quantile| of daily returns",
    ),
    Metric(
        "skewness",
        "skewness",
        RATIOS,
        Unit.RATIO,
        "Which side the long tail is on: below 0, the losses.",
        "Do rare days take what many days bring?",
        "third standardised moment of daily returns",
    ),
    Metric(
        "kurtosis",
        "kurtosis",
        RATIOS,
        Unit.RATIO,
        "How heavy the tails are; 3 is a bell curve.",
        "How much of the result hangs on a handful of days?",
        "fourth standardised moment of daily returns, raw",
    ),
    Metric(
        "sharpe_probability",
        "chance of skill",
        RATIOS,
        Unit.SHARE,
        "The probability that the true Sharpe ratio is above 0, given the length of the run and"
        " the shape of its returns. It takes this to be the only rule that was tried: each further"
        " try makes it too kind.",
        "How many settings did I try before this one?",
        "probabilistic Sharpe ratio against 0 (Bailey and López de Prado, 2012)",
    ),
    Metric(
        "track_record",
        "track record needed",
        RATIOS,
        Unit.DAYS,
        "Days that must be seen until such a Sharpe ratio is above 0 with 95 % confidence.",
        "Is the run longer than this?",
        "minimum track record length (Bailey and López de Prado, 2012)",
    ),
    Metric(
        "trips",
        "round trips",
        TRADES,
        Unit.COUNT,
        "Ways from flat to flat, each of one strategy on one instrument.",
        "Are there enough, some hundreds, to believe any average below?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "trips_a_day",
        "round trips a day",
        TRADES,
        Unit.RATE,
        "How often it trades.",
        "What would a slower fill do to it?",
        "round trips / days",
    ),
    Metric(
        "open_positions",
        "open at the end",
        TRADES,
        Unit.COUNT,
        "Positions that were held at the last bar: marked, not sold, and in no figure of closed"
        " round trips.",
        "What are they worth, and would they have been winners?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "most_open",
        "most at once",
        TRADES,
        Unit.COUNT,
        "The most positions that were held together.",
        "Do they all lose on the same day?",
        "max of open round trips at any instant",
    ),
    Metric(
        "wins",
        "winners",
        TRADES,
        Unit.COUNT,
        "Round trips with a profit after fees.",
        "Did a few of them carry all others?",
        "count of profit > 0",
    ),
    Metric(
        "draws",
        "even",
        TRADES,
        Unit.COUNT,
        "Round trips that ended at exactly nothing.",
        "Are the fees really in here?",
        "count of profit = 0",
    ),
    Metric(
        "losses",
        "losers",
        TRADES,
        Unit.COUNT,
        "Round trips with a loss after fees.",
        "Are they cut, or left to run?",
        "count of profit < 0",
    ),
    Metric(
        "win_rate",
        "winning round trips",
        TRADES,
        Unit.SHARE,
        "The share with a profit. Alone it says nothing: many small wins may hide large losses.",
        "How large is the mean win beside the mean loss?",
        "winners / round trips",
        in_terminal=True,
    ),
    Metric(
        "profit_factor",
        "profit factor",
        TRADES,
        Unit.RATIO,
        "What winners brought for each unit that losers took.",
        "Does it stay above 1 with twice the fees?",
        "Σ wins / |Σ losses| in money, after fees",
        in_terminal=True,
    ),
    Metric(
        "expectancy",
        "expectancy",
        TRADES,
        Unit.CHANGE,
        "What a round trip earned on average.",
        "Is it larger than one more tick of slippage would cost?",
        "mean profit",
        in_terminal=True,
    ),
    Metric(
        "r_expectancy",
        "expectancy in losses",
        TRADES,
        Unit.RATIO,
        "What a round trip earned in units of the mean loss.",
        "How many trades does it take to make up for one loss?",
        "(1 + payoff) · win rate − 1 (Tharp, 1998)",
    ),
    Metric(
        "payoff",
        "payoff",
        TRADES,
        Unit.RATIO,
        "The mean win over the mean loss.",
        "With this payoff, is the win rate high enough?",
        "mean win / |mean loss|",
    ),
    Metric(
        "mean_win",
        "mean win",
        TRADES,
        Unit.CHANGE,
        "What a winner brought on average.",
        "How far is it above the fees?",
        "mean of profits > 0",
    ),
    Metric(
        "mean_loss",
        "mean loss",
        TRADES,
        Unit.CHANGE,
        "What a loser took on average.",
        "Is it what the stop was meant to allow?",
        "mean of profits < 0",
    ),
    Metric(
        "trip_return",
        "mean return of a round trip",
        TRADES,
        Unit.RETURN,
        "The mean profit as a share of what was put into the trade.",
        "Does it survive a worse fill?",
        "mean of profit / stake",
    ),
    Metric(
        "stake",
        "mean stake",
        TRADES,
        Unit.MONEY,
        "What was put into a round trip on average.",
        "Would a real order book give this size at this price?",
        "mean of entry notional",
    ),
    Metric(
        "system_quality",
        "system quality",
        TRADES,
        Unit.RATIO,
        "The mean profit against its spread, growing with the number of round trips.",
        "Is it high because it is good, or because there are many trades?",
        "√n · mean / sd of profits in money, uncapped (Tharp, 1998)",
    ),
    Metric(
        "p_value",
        "p-value of the mean",
        TRADES,
        Unit.PROBABILITY,
        "How often chance alone gives a mean profit this far from nothing. It assumes that trades"
        " are independent, and that no other rule was tried.",
        "Is it still small when multiplied by the number of settings that I tried?",
        "two-sided t-test of mean profit = 0, n − 1 degrees of freedom (Student, 1908)",
    ),
    Metric(
        "kelly",
        "Kelly fraction",
        TRADES,
        Unit.RETURN,
        "The share of equity that would have grown fastest, had wins and losses kept their mean"
        " sizes. A ceiling, and no advice: half of it is bold already.",
        "Am I anywhere near it without having meant to?",
        "p − (1 − p) / payoff (Kelly, 1956)",
    ),
    Metric(
        "best_trip",
        "best round trip",
        TRADES,
        Unit.CHANGE,
        "The largest profit of one round trip.",
        "What is left of the result without it?",
        "max profit",
    ),
    Metric(
        "worst_trip",
        "worst round trip",
        TRADES,
        Unit.CHANGE,
        "The largest loss of one round trip.",
        "What kept it from being twice that?",
        "min profit",
    ),
    Metric(
        "best_trip_return",
        "best return",
        TRADES,
        Unit.RETURN,
        "The highest profit as a share of its stake.",
        "Was it the rule, or the news?",
        "max of profit / stake",
    ),
    Metric(
        "worst_trip_return",
        "worst return",
        TRADES,
        Unit.RETURN,
        "The deepest loss as a share of its stake.",
        "Would a stop have been filled there at all?",
        "min of profit / stake",
    ),
    Metric(
        "winning_streak",
        "longest row of wins",
        TRADES,
        Unit.COUNT,
        "Winners one after the other, by their close.",
        "Would I have raised the stake in the middle of it?",
        "max run of profits > 0",
    ),
    Metric(
        "losing_streak",
        "longest row of losses",
        TRADES,
        Unit.COUNT,
        "Losers one after the other, by their close.",
        "Would I have switched it off before the end of it?",
        "max run of profits < 0",
    ),
    Metric(
        "duration",
        "mean time held",
        TRADES,
        Unit.DURATION,
        "From the first fill to the last.",
        "Is it long enough for what the fees cost?",
        "mean of closed − opened",
    ),
    *(
        Metric(
            f"{which}_duration_{word}",
            f"{meaning} time held, {plural}",
            TRADES,
            Unit.DURATION,
            f"How long {plural} were held: the {meaning}.",
            question,
            f"{word} of closed − opened over {plural}",
        )
        for which, plural, questions in (
            (
                "win",
                "winners",
                (
                    "Are winners left to run?",
                    "Is a bar long enough to see it?",
                    "Was money tied up for that one?",
                ),
            ),
            (
                "loss",
                "losers",
                (
                    "Are losers held longer than winners, in hope?",
                    "Are these stops hit by noise?",
                    "Who was waiting for what?",
                ),
            ),
        )
        for (word, meaning), question in zip(
            (("mean", "mean"), ("least", "shortest"), ("most", "longest")), questions, strict=True
        )
    ),
    Metric(
        "days",
        "days",
        DAYS,
        Unit.COUNT,
        "UTC days of the run, the first and the last as far as they go. Every figure a year rests"
        " on so many returns.",
        "Does it hold a rise, a fall and a quiet time?",
        "count",
    ),
    Metric(
        "days_up",
        "days up",
        DAYS,
        Unit.COUNT,
        "Days that ended with more than they began with.",
        "How do they compare with the days down?",
        "count of daily profit > 0",
    ),
    Metric(
        "days_flat",
        "days even",
        DAYS,
        Unit.COUNT,
        "Days without any change.",
        "Was it waiting, or stopped by a limit?",
        "count of daily profit = 0",
    ),
    Metric(
        "days_down",
        "days down",
        DAYS,
        Unit.COUNT,
        "Days that ended with less than they began with.",
        "How many in a row could I take?",
        "count of daily profit < 0",
    ),
    Metric(
        "best_day",
        "best day",
        DAYS,
        Unit.RETURN,
        "The highest return of one day.",
        "What is the year without it?",
        "max daily return",
    ),
    Metric(
        "best_day_on",
        "best day on",
        DAYS,
        Unit.INSTANT,
        "Which day that was.",
        "Was it the strategy's doing, or the market's?",
        "its beginning, UTC",
    ),
    Metric(
        "worst_day",
        "worst day",
        DAYS,
        Unit.RETURN,
        "The deepest loss of one day.",
        "Would the daily limit have stopped it, and did it?",
        "min daily return",
    ),
    Metric(
        "worst_day_on",
        "worst day on",
        DAYS,
        Unit.INSTANT,
        "Which day that was.",
        "What would a worse version of that day do?",
        "its beginning, UTC",
    ),
    Metric(
        "bars",
        "bars",
        ACTIVITY,
        Unit.COUNT,
        "How many bars were played, of all instruments together.",
        "Is it what I meant to test?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "gaps",
        "gaps in the data",
        ACTIVITY,
        Unit.COUNT,
        "Bars that stand behind a hole. Nothing is filled inside one.",
        "Was something held while there were no prices?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "orders",
        "orders",
        ACTIVITY,
        Unit.COUNT,
        "Orders that risk approved.",
        "Could the venue's rate limits carry them?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "fills",
        "fills",
        ACTIVITY,
        Unit.COUNT,
        "Executions; an order may have several.",
        "Is the size small beside what was traded in a bar?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "denied",
        "denied by risk",
        ACTIVITY,
        Unit.COUNT,
        "What strategies wanted and did not get; the reasons stand in a table of their own.",
        "Is this result the strategy's, or the limits'?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "unfilled",
        "orders without a fill",
        ACTIVITY,
        Unit.COUNT,
        "Orders that were cancelled, ran out or were rejected before they were complete.",
        "Did the ones that were missed matter?",
        "count of orders that ended in another state than FILLED",
    ),
    Metric(
        "replaced",
        "orders changed",
        ACTIVITY,
        Unit.COUNT,
        "Changes of price or quantity of a working order.",
        "How much of the result depends on being quick?",
        "count",
    ),
    Metric(
        "ambiguous",
        "ambiguous bars",
        ACTIVITY,
        Unit.COUNT,
        "Bars that reached a stop and a target: the worse one was taken.",
        "If there are many: should the bars be shorter?",
        "count",
        in_terminal=True,
    ),
    Metric(
        "volume",
        "traded volume",
        ACTIVITY,
        Unit.MONEY,
        "All that was bought and sold.",
        "What would one more basis point of cost take?",
        "Σ price · quantity over fills",
    ),
    Metric(
        "turnover",
        "turnover a day",
        ACTIVITY,
        Unit.FRACTION,
        "How much of the equity is bought and sold again a day.",
        "Does it trade more than its edge can pay for?",
        "mean of ½ · Σ|ΔN| / equity, one-sided, a UTC day",
    ),
    Metric(
        "time_in_market",
        "time in the market",
        ACTIVITY,
        Unit.SHARE,
        "The share of the time in which anything was held.",
        "What did the money do the rest of the time?",
        "union of all round trips / length of the run",
    ),
    Metric(
        "exposure",
        "mean exposure",
        ACTIVITY,
        Unit.SHARE,
        "How much of the equity was in positions on average, also while there were none.",
        "Is the return small because little was at stake?",
        "mean of Σ|position · close| / equity over bars",
    ),
    Metric(
        "fees",
        "fees",
        ACTIVITY,
        Unit.MONEY,
        "All fees that were paid, in money of the account.",
        "Would the strategy live without this discount or that?",
        "Σ fees, those in a third currency left out",
        in_terminal=True,
    ),
    Metric(
        "fee_share",
        "fees of the start",
        ACTIVITY,
        Unit.FRACTION,
        "The fees as a share of the equity at the start.",
        "Who earns more here, the account or the venue?",
        "fees / E_0",
    ),
)
BY_KEY: Final[Mapping[str, Metric]] = MappingProxyType({each.key: each for each in CATALOGUE})


class Figure(msgspec.Struct, frozen=True):
    """A metric with its value in one run.

    Attributes:
        metric: what it is.
        value: in its unit; NaN where there is none.
        benchmark: the same of buying once and holding; NaN where that means nothing.
    """

    metric: Metric
    value: float
    benchmark: float


def figures_of(values: Mapping[str, float], benchmark: Mapping[str, float]) -> tuple[Figure, ...]:
    """Return the figures of a run in the catalogue's order; a value that is missing is left out.

    Args:
        values: metric key → value.
        benchmark: metric key → value of buying and holding.
    """
    nothing = float("nan")
    return tuple(
        Figure(metric, values[metric.key], benchmark.get(metric.key, nothing))
        for metric in CATALOGUE
        if metric.key in values
    )
