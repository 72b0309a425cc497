"""``assumptions.md``: what every result rests on, as it is printed with each of them."""

from collections.abc import Iterable
from typing import Final

from botcore.backtest.demo import SIMULATED, demo_instruments
from botcore.risk import RiskLimits, Sizing
from botcore.venues.simulated import PHASES, VenueConfig

_HEAD: Final = f"""\
# Assumptions

Written from the defaults in force by `python docs/generate.py`; a test keeps it so. Each result
prints the ones it was made with.

Paper and backtests fill orders on the simulated venue. Its defaults are pessimistic: where a bar
does not tell, it decides against you. Prices of the simulated market are generated: "{SIMULATED}".
"""


def page() -> str:
    """Return the page."""
    venue = [each for each in VenueConfig().describe() if each[0] != "phase"]
    return "".join(
        (
            _HEAD,
            "\n## The venue\n\n",
            _table(venue),
            (
                "\n## The phases of a bar\n\nFor all instruments with one close stamp, each phase"
                " before the next. The venue runs 0, 2, 4 and 5, the engine 6 to 9; 1 and 3 wait"
                " for perpetuals.\n\n"
            ),
            *(f"{phase.partition(' ')[0]}. {phase.partition(' ')[2]}\n" for phase in PHASES),
            "\n## The account's limits\n\n",
            _table(RiskLimits().describe()),
            "\n## The size of a position\n\nUnless a strategy is given another: ",
            f"{Sizing().describe()}.\n",
            "\n## The instruments of the simulated market\n\n",
            "| instrument | tick | lot | least notional |\n|---|---|---|---|\n",
            *(
                f"| {each.id} | {each.tick} {each.quote} | {each.lot} {each.base}"
                f" | {each.min_notional} {each.quote} |\n"
                for each in demo_instruments()
            ),
        )
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {name} | {value} |\n" for name, value in rows]
    return "| | |\n|---|---|\n" + "".join(lines)
