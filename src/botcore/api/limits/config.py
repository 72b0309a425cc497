"""Every number of the limits, in one value that health details print."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Tier(StrEnum):
    """How much a user or a key may ask for."""

    STANDARD = "standard"
    PRO = "pro"
    SERVICE = "service"


class LimitsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets; each above zero. `app.settings` declares the defaults.

    Attributes:
        standard_per_min, standard_burst: of a user or key, for each of reading, market data,
            research and acts. `pro` and `service` are alike. The pages read at one address have
            the numbers of `pro` together, on this machine those of `service`.
        orders_per_s, orders_burst: orders placed and amended, of a user, whatever his tier; and
            once more the same for what lowers risk, so that who may not order may still cancel.
        global_per_s, global_burst: everybody together.
        reserved_frac: share of the global burst that only orders and acts may use, 0 to below 1.
        strangers_per_min, strangers_burst: of an address that is not signed in.
        all_strangers_per_s, all_strangers_burst: of all of them together.
        sign_in_per_min, sign_in_burst: attempts of an address.
        concurrent: requests of a user that are carried out at the same time; of an address for
            strangers.
        payers_max: buckets kept for each limit.
        lag_ms_max: the event loop's lag p99 above which load is shed.
        decision_ms_max: the engine's decision latency p99 above which load is shed.
        tiers: of people and keys by their name in the audit (``person:alice``, ``key:ab12cd34``);
            others are `standard`, and who sits at this machine `service`.
        shed_step_s: how long it must be above for each halving, and below for each step back.
    """

    standard_per_min: int
    standard_burst: int
    pro_per_min: int
    pro_burst: int
    service_per_min: int
    service_burst: int
    orders_per_s: int
    orders_burst: int
    global_per_s: int
    global_burst: int
    reserved_frac: float
    strangers_per_min: int
    strangers_burst: int
    all_strangers_per_s: int
    all_strangers_burst: int
    sign_in_per_min: int
    sign_in_burst: int
    concurrent: int
    payers_max: int
    lag_ms_max: float
    decision_ms_max: float
    shed_step_s: int
    tiers: Mapping[str, Tier] = {}
