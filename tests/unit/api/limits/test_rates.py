"""The limits of a request: the numbers of the contract, who pays what, and what one is told."""

from __future__ import annotations

import pytest
from tests.support.limits import limits_of

from botcore.api.limits import Caller, Decision, RateLimits, Tier
from botcore.app.settings import RateSettings
from botcore.control.operations import RouteClass
from botcore.control.problems import TooMany
from botcore.control.schema import operations
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import ManualClock

ALICE = Caller("alice", "", "192.0.2.1", name="person:alice")
BOB = Caller("bob", "", "192.0.2.1", name="person:bob")
STRANGER = Caller("", "", "192.0.2.9")
TIERED = (RouteClass.READ, RouteClass.MARKET, RouteClass.RESEARCH, RouteClass.ACT)


def allowed(
    limits: RateLimits, caller: Caller, route_class: RouteClass, *, lowers_risk: bool = False
) -> int:
    """Return how many of 3,000 calls at once are allowed."""
    return sum(
        limits.decide(caller, route_class, lowers_risk=lowers_risk).is_allowed for _ in range(3_000)
    )


@pytest.mark.requirement("NUM rate limits")
@pytest.mark.parametrize(
    ("tier", "burst", "per_min"),
    [(Tier.STANDARD, 40, 100), (Tier.PRO, 200, 1_000), (Tier.SERVICE, 1_000, 10_000)],
)
@pytest.mark.parametrize("route_class", TIERED)
def test_a_tier_has_its_burst_and_then_its_rate(
    tier: Tier, burst: int, per_min: int, route_class: RouteClass
) -> None:
    clock = ManualClock()
    limits = limits_of(RateSettings(global_burst=100_000, global_per_s=100_000), clock=clock)
    caller = ALICE._replace(tier=tier)

    at_once = allowed(limits, caller, route_class)
    within_a_minute = 0
    for _ in range(600):
        clock.advance(SECOND_NS // 10)
        while limits.decide(caller, route_class).is_allowed:
            within_a_minute += 1

    assert (at_once, within_a_minute) == (burst, per_min)


@pytest.mark.requirement("NUM rate limits")
def test_orders_are_twenty_at_once_and_ten_a_second_whatever_the_tier() -> None:
    clock = ManualClock()
    limits = limits_of(clock=clock)
    caller = ALICE._replace(tier=Tier.SERVICE)

    at_once = allowed(limits, caller, RouteClass.ORDERS)
    clock.advance(SECOND_NS)

    assert (at_once, allowed(limits, caller, RouteClass.ORDERS)) == (20, 10)


@pytest.mark.requirement("NUM rate limits")
def test_everybody_together_is_a_thousand_a_second() -> None:
    clock = ManualClock()
    limits = limits_of(RateSettings(reserved_frac=0), clock=clock)
    everybody = [ALICE._replace(user=f"u{number}") for number in range(100)]

    def taken() -> int:
        return sum(
            limits.decide(each, RouteClass.READ).is_allowed for each in everybody for _ in range(20)
        )

    at_once = taken()
    clock.advance(SECOND_NS)

    assert (at_once, taken()) == (1_000, 1_000)
    assert limits.decide(ALICE, RouteClass.READ).rate.name == "global"


def test_a_cold_dashboard_load_fits_standard() -> None:
    limits = limits_of()

    assert all(limits.decide(ALICE, RouteClass.READ).is_allowed for _ in range(40))


def test_one_user_takes_nothing_from_another_and_one_class_nothing_from_another() -> None:
    limits = limits_of()
    allowed(limits, ALICE, RouteClass.READ)

    assert limits.decide(BOB, RouteClass.READ).is_allowed
    assert limits.decide(ALICE, RouteClass.MARKET).is_allowed
    assert limits.decide(ALICE, RouteClass.ORDERS).is_allowed


def test_who_may_not_order_any_more_may_still_cancel() -> None:
    limits = limits_of()
    allowed(limits, ALICE, RouteClass.ORDERS)

    assert not limits.decide(ALICE, RouteClass.ORDERS).is_allowed
    assert allowed(limits, ALICE, RouteClass.ORDERS, lowers_risk=True) == 20


def test_cancelling_waits_for_nobody_else() -> None:
    limits = limits_of(RateSettings(global_burst=10, global_per_s=1))
    for number in range(50):
        limits.decide(ALICE._replace(user=f"u{number}"), RouteClass.ORDERS)

    assert not limits.decide(ALICE, RouteClass.ACT).is_allowed
    assert limits.decide(ALICE, RouteClass.ACT, lowers_risk=True).is_allowed


def test_readers_leave_room_for_orders() -> None:
    limits = limits_of()
    readers = [ALICE._replace(user=f"u{number}") for number in range(60)]

    read = sum(
        limits.decide(each, RouteClass.READ).is_allowed for each in readers for _ in range(40)
    )

    assert read == 900
    assert allowed(limits, ALICE, RouteClass.ORDERS) == 20


def test_a_refused_call_takes_nothing_from_the_others() -> None:
    limits = limits_of()

    allowed(limits, ALICE, RouteClass.READ)

    everybody = [BOB._replace(user=f"u{number}") for number in range(60)]
    read = sum(
        limits.decide(each, RouteClass.READ).is_allowed for each in everybody for _ in range(40)
    )
    assert read == 900 - 40


def test_orders_of_all_keys_of_a_user_are_paid_by_the_user() -> None:
    limits = limits_of()
    keys = [ALICE._replace(key=f"k{number}") for number in range(5)]

    assert sum(allowed(limits, key, RouteClass.ORDERS) for key in keys) == 20


def test_each_key_has_a_budget_and_all_of_them_together_one() -> None:
    limits = limits_of(RateSettings(global_burst=100_000, service_burst=100))
    keys = [ALICE._replace(key=f"k{number}") for number in range(4)]

    assert [allowed(limits, key, RouteClass.READ) for key in keys] == [40, 40, 20, 0]
    assert limits.decide(ALICE, RouteClass.READ).is_allowed  # the person beside his programs


def test_strangers_pay_by_address_and_all_together() -> None:
    limits = limits_of()
    strangers = [STRANGER._replace(address=f"192.0.2.{number}") for number in range(20)]

    taken = [allowed(limits, each, RouteClass.READ) for each in strangers]

    assert taken == [40] * 10 + [0] * 10
    assert limits.decide(ALICE, RouteClass.READ).is_allowed


@pytest.mark.parametrize("route_class", [*TIERED, RouteClass.ORDERS])
def test_a_stranger_has_one_budget_whatever_he_asks_for(route_class: RouteClass) -> None:
    limits = limits_of()
    allowed(limits, STRANGER, RouteClass.READ)

    assert not limits.decide(STRANGER, route_class, lowers_risk=True).is_allowed


def test_attempts_to_sign_in_are_counted_by_address() -> None:
    clock = ManualClock()
    limits = limits_of(clock=clock)

    at_once = allowed(limits, STRANGER, RouteClass.SIGN_IN)
    clock.advance(60 * SECOND_NS)

    assert at_once == 10
    assert allowed(limits, STRANGER, RouteClass.SIGN_IN) == 10
    assert limits.decide(STRANGER._replace(address="192.0.2.8"), RouteClass.SIGN_IN).is_allowed


def test_strangers_who_only_read_do_not_keep_anybody_from_signing_in() -> None:
    limits = limits_of()
    for number in range(2_000):
        limits.decide(STRANGER._replace(address=f"10.0.{number // 250}.{number % 250}"), TIERED[0])

    assert limits.decide(STRANGER, RouteClass.SIGN_IN).is_allowed


def test_a_user_s_codes_cannot_be_guessed_from_many_addresses() -> None:
    limits = limits_of()

    tries = sum(
        limits.decide(ALICE._replace(address=f"192.0.2.{number}"), RouteClass.SIGN_IN).is_allowed
        for number in range(100)
    )

    assert tries == 10


def test_what_is_heavier_costs_more() -> None:
    limits = limits_of()

    heavy = sum(limits.decide(ALICE, RouteClass.RESEARCH, cost=10).is_allowed for _ in range(9))

    assert heavy == 4


def test_a_tier_is_given_by_name() -> None:
    limits = limits_of(RateSettings(tiers={"person:alice": "pro"}))

    assert allowed(limits, ALICE, RouteClass.READ) == 200
    assert allowed(limits, BOB, RouteClass.READ) == 40


@pytest.mark.parametrize("divisor", [2, 4])
def test_load_shrinks_reading_market_data_and_research(divisor: int) -> None:
    for route_class in (RouteClass.READ, RouteClass.MARKET, RouteClass.RESEARCH):
        limits = limits_of()
        limits.governor.divisor = divisor

        assert allowed(limits, ALICE, route_class) == 40 // divisor


@pytest.mark.parametrize("route_class", [RouteClass.ORDERS, RouteClass.ACT, RouteClass.SIGN_IN])
def test_load_leaves_orders_acts_and_sign_in_alone(route_class: RouteClass) -> None:
    limits, loaded = limits_of(), limits_of()
    loaded.governor.divisor = 4

    assert allowed(loaded, ALICE, route_class) == allowed(limits, ALICE, route_class)
    assert allowed(loaded, BOB, RouteClass.READ, lowers_risk=True) == 20


def fields(decision: Decision) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in decision.headers()}


def test_an_answer_says_what_is_left() -> None:
    limits = limits_of()

    assert fields(limits.decide(ALICE, RouteClass.READ)) == {
        "ratelimit-policy": '"standard-read";q=100;w=60;burst=40',
        "ratelimit": '"standard-read";r=39;t=1',
        "ratelimit-limit": "100",
        "ratelimit-remaining": "39",
        "ratelimit-reset": "1",
    }


def test_a_refusal_says_when_to_come_again() -> None:
    clock = ManualClock()
    limits = limits_of(clock=clock)
    allowed(limits, ALICE, RouteClass.READ)

    decision = limits.decide(ALICE, RouteClass.READ)
    problem = decision.refusal()

    assert fields(decision)["retry-after"] == "1"
    assert fields(decision)["ratelimit"] == '"standard-read";r=0;t=24'
    assert (problem.code, problem.status) == ("RATE_LIMITED", 429)
    assert problem.cause == (
        "the limit standard-read of 100 in each 60 seconds, 40 at once, is used up"
    )
    assert problem.details == {"limit": "standard-read", "retry_after_s": 0.6}
    clock.advance(600_000_000)
    assert limits.decide(ALICE, RouteClass.READ).is_allowed


def test_load_is_told_in_the_answer() -> None:
    limits = limits_of()
    limits.governor.divisor = 4
    policy = fields(limits.decide(ALICE, RouteClass.READ))

    assert policy["ratelimit-policy"] == '"standard-read";q=25;w=60;burst=10;factor=0.25'
    assert policy["ratelimit-remaining"] == "9"
    allowed(limits, ALICE, RouteClass.READ)
    assert "0.25 of it while the platform is busy" in (
        limits.decide(ALICE, RouteClass.READ).refusal().cause
    )


def test_a_user_s_requests_at_the_same_time_are_bounded() -> None:
    limits = limits_of(RateSettings(concurrent=2))

    with limits.running(ALICE), limits.running(ALICE):
        with (
            pytest.raises(TooMany, match="concurrent of 2 requests") as refused,
            limits.running(ALICE),
        ):
            pass
        with limits.running(BOB), limits.running(ALICE, lowers_risk=True):
            pass

    assert refused.value.details["retry_after_s"] == 1
    with limits.running(ALICE), limits.running(ALICE):
        pass


def test_a_request_that_fails_is_no_longer_counted() -> None:
    limits = limits_of(RateSettings(concurrent=1))

    for _ in range(3):
        with pytest.raises(RuntimeError), limits.running(STRANGER):
            raise RuntimeError


def test_no_act_is_paid_from_what_readers_have_and_load_takes_away() -> None:
    reading = (RouteClass.READ, RouteClass.MARKET)

    assert [x.name for x in operations() if x.is_act and x.route_class in reading] == []
