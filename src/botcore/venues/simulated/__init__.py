"""The simulated exchange: its rules, its venue and the market it can be fed with."""

from botcore.venues.simulated.accounts import Balance
from botcore.venues.simulated.bar_venue import SimulatedVenue
from botcore.venues.simulated.config import PHASES, FeeMode, VenueConfig
from botcore.venues.simulated.ports import VenueStore
from botcore.venues.simulated.statement import OpenOrder, VenueTrade
from botcore.venues.simulated.store import SqliteVenueStore

__all__ = [
    "PHASES",
    "Balance",
    "FeeMode",
    "OpenOrder",
    "SimulatedVenue",
    "SqliteVenueStore",
    "VenueConfig",
    "VenueStore",
    "VenueTrade",
]
