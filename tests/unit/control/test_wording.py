"""Figures and ages in words: rounded for the eye, never changed in meaning."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sample_view import NOW, SECOND, sample_view, with_account, with_feed

from botcore.control import wording
from botcore.control.views import FeedStatus
from botcore.control.wording import Freshness


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.42, "0.4 s"),
        (1, "1 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (float("inf"), "ever"),
    ],
)
def test_a_length_of_time_has_the_units_that_matter(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("10234.567", "10,234.57"),
        ("-0.004", "0.00"),
        ("-1234.5", "−1,234.50"),
        ("0", "0.00"),
        ("1E+3", "1,000.00"),
        ("no number", "no number"),
        ("NaN", "NaN"),
        ("", ""),
    ],
)
def test_money_is_rounded_and_grouped(given_text: str, shown: str) -> None:
    assert wording.amount(given_text) == shown


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [("12.3", "+12.30"), ("-4", "−4.00"), ("0", "0.00"), ("-0.001", "0.00"), ("0.001", "0.00")],
)
def test_a_result_has_its_sign_unless_it_rounds_to_nothing(given_text: str, shown: str) -> None:
    assert wording.signed_amount(given_text) == shown


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [(0.0123, "+1.23 %"), (-0.5, "−50.00 %"), (0.0, "0.00 %"), (-0.000001, "0.00 %")],
)
def test_a_fraction_is_shown_as_per_cent(fraction: float, shown: str) -> None:
    assert wording.signed_percent(fraction) == shown


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("64102.51", "64,102.51"),
        ("3412.118542374", "3,412.12"),
        ("1.23456", "1.2346"),
        ("0.00001234", "0.00001234"),
    ],
)
def test_a_price_has_the_digits_of_its_size(given_text: str, shown: str) -> None:
    assert wording.price(given_text) == shown


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [("0.00510", "0.0051"), ("100", "100"), ("2.30", "2.3"), ("1200.00", "1,200")],
)
def test_a_quantity_is_whole_and_without_trailing_zeros(given_text: str, shown: str) -> None:
    assert wording.quantity(given_text) == shown


@given(st.decimals(-(10**15), 10**15, places=8))
def test_no_digit_of_a_quantity_is_lost(value: Decimal) -> None:
    shown = wording.quantity(str(value))

    assert Decimal(shown.replace(",", "").replace(wording.MINUS, "-")) == value


@given(st.decimals(-(10**25), 10**25, places=10))
def test_money_is_never_shown_more_than_half_a_cent_wrong(value: Decimal) -> None:
    shown = wording.amount(str(value))

    read = Decimal(shown.replace(",", "").replace(wording.MINUS, "-"))
    assert abs(read - value) <= Decimal("0.005")


def test_an_instant_of_another_day_has_its_date() -> None:
    assert wording.clock_time(NOW, NOW) == "14:05:30"
    assert wording.clock_time(NOW - 86_400 * SECOND, NOW) == "20 Nov 14:05:30"
    assert wording.clock_time(0, NOW) == "–"
    assert wording.date_time(NOW) == "2025-11-21 14:05:30"


def test_a_young_document_of_a_live_feed_is_live() -> None:
    state = wording.condition(sample_view(), 3.0)

    assert state.freshness is Freshness.LIVE


@pytest.mark.parametrize("status", [FeedStatus.STALE, FeedStatus.DOWN])
def test_a_feed_that_is_not_live_makes_the_view_stale(status: FeedStatus) -> None:
    state = wording.condition(with_feed(sample_view(), status=status), 0.1)

    assert state.freshness is Freshness.STALE


def test_an_old_document_is_stale_and_says_since_when() -> None:
    state = wording.condition(sample_view(), 12.4)

    assert state.freshness is Freshness.STALE
    assert state.detail == "engine not answering since 12 s"


def test_no_document_is_starting() -> None:
    assert wording.condition(None, float("inf")).freshness is Freshness.STARTING


def test_the_age_of_a_price_grows_with_the_age_of_its_document() -> None:
    assert wording.feed_age_s(with_feed(sample_view(), age_s=0.5), 2.0) == 2.5


def test_a_title_never_looks_live_when_it_is_not() -> None:
    view = with_account(sample_view(), equity="1234.5")

    live = wording.title(view, wording.condition(view, 0.1))
    stale = wording.title(view, wording.condition(view, 99.0))

    assert live == "1,234.50 USDT (simulated) – Bot Core"
    assert stale == "(stale) 1,234.50 USDT (simulated) – Bot Core"
    assert wording.title(None, wording.condition(None, 0.0)) == "Starting – Bot Core"
