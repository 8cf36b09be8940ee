"""How long to wait: growing, random, bounded; and what a Retry-After asks for."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.notifications.backoff import (
    CAP_SECONDS,
    MAX_ATTEMPTS,
    ceiling_seconds,
    retry_after_seconds,
    wait_seconds,
)

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
moments = st.integers(-(10**9), 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds))


def test_the_longest_wait_grows_fivefold_up_to_a_day() -> None:
    longest = [ceiling_seconds(attempts) for attempts in range(1, 10)]
    assert longest == [5, 25, 125, 625, 3125, 15625, 78125, 86400, 86400]


def test_all_attempts_together_take_three_days_and_some_hours_at_the_most() -> None:
    total = sum(ceiling_seconds(attempts) for attempts in range(1, MAX_ATTEMPTS))
    assert timedelta(days=3) < timedelta(seconds=total) < timedelta(days=4)


@given(st.integers(1, 10_000), st.integers())
def test_a_wait_is_a_random_share_of_the_longest(attempts: int, seed: int) -> None:
    wait = wait_seconds(attempts, uniform=random.Random(seed).uniform)
    assert 0 <= wait <= ceiling_seconds(attempts) <= CAP_SECONDS


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_whole_range_is_used(share: float) -> None:
    wait = wait_seconds(3, uniform=lambda low, high: low + share * (high - low))
    assert wait == share * 125


@given(st.integers(0, 10**30))
def test_seconds_are_honoured_up_to_a_day(seconds: int) -> None:
    assert retry_after_seconds(f" {seconds} ", now=NOW) == min(seconds, CAP_SECONDS)


@given(moments)
def test_a_date_is_honoured_up_to_a_day_and_is_now_where_it_is_past(moment: datetime) -> None:
    asked = (moment - NOW).total_seconds()
    expected = min(max(asked, 0), CAP_SECONDS)
    assert retry_after_seconds(format_datetime(moment, usegmt=True), now=NOW) == expected


@pytest.mark.parametrize(
    "text", ["Friday, 27-Nov-26 12:01:00 GMT", "Fri Nov 27 12:01:00 2026"], ids=["850", "asctime"]
)
def test_the_old_ways_to_write_a_date_are_understood(text: str) -> None:
    assert retry_after_seconds(text, now=NOW) == 60


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "٣", "Fri, 99 Nov 2026 12:00:00 GMT"])
def test_nonsense_asks_for_nothing(text: str) -> None:
    assert retry_after_seconds(text, now=NOW) is None


@given(st.text())
def test_no_text_whatever_breaks_it(text: str) -> None:
    asked = retry_after_seconds(text, now=NOW)
    assert asked is None or 0 <= asked <= CAP_SECONDS


def test_no_header_asks_for_nothing() -> None:
    assert retry_after_seconds(None, now=NOW) is None
