"""Rates: a burst at once, then one request per interval, whatever the clock does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.http import problems
from orders.http.problems import Refused
from orders.intake.rates import Rate, take
from orders.intake.throttle import Throttle
from orders.reads.reference_cache import Client

FIVE = Rate("client", 5, 1)


def taken(rate: Rate, moments: list[float]) -> list[float]:
    """Return the moments at which a request was taken."""
    paid_until, found = 0.0, []
    for now in moments:
        paid_until, wait = take(rate, paid_until, now)
        if not wait:
            found.append(now)
    return found


def test_a_whole_burst_is_taken_at_once_and_not_one_more() -> None:
    assert len(taken(FIVE, [100.0] * 20)) == 5


def test_after_a_burst_one_request_is_taken_per_interval() -> None:
    assert len(taken(FIVE, [100.0] * 5 + [100.1, 100.2, 100.3, 100.4])) == 5 + 2


def test_a_rate_per_minute_lets_its_burst_through_and_then_one_in_twelve_seconds() -> None:
    rate = Rate("address", 5, 60)
    assert len(taken(rate, [0.0] * 10 + [11.9, 12.0, 23.9, 24.1])) == 5 + 2


@given(
    st.integers(1, 50),
    st.integers(1, 60),
    st.lists(st.floats(0, 1000, allow_nan=False), max_size=200),
)
def test_no_window_has_more_than_a_burst_and_what_trickles_in(
    amount: int, seconds: int, moments: list[float]
) -> None:
    found = taken(Rate("r", amount, seconds), sorted(moments))
    for start in found:
        within = sum(start <= each < start + seconds for each in found)
        assert within <= 2 * amount


@given(st.lists(st.floats(0, 1000, allow_nan=False), max_size=50))
def test_a_clock_that_jumps_back_never_adds_up_a_debt(moments: list[float]) -> None:
    paid_until = 0.0
    for now in moments:
        paid_until, wait = take(FIVE, paid_until, now)
        assert paid_until <= max(paid_until, now) + 1
        assert wait <= max(0.0, max(moments) - now + 1)


def test_the_wait_that_is_named_is_long_enough() -> None:
    paid_until, wait = 0.0, 0.0
    while not wait:
        paid_until, wait = take(FIVE, paid_until, 7.0)
    assert take(FIVE, paid_until, 7.0 + wait)[1] == 0.0


def test_clients_are_counted_apart_and_told_what_was_agreed() -> None:
    throttle = Throttle(clock=lambda: 100.0)
    limited, other = Client(1, "app", 2), Client(2, "shop", None)
    for _ in range(2):
        throttle.count(limited)
    with pytest.raises(Refused) as error:
        throttle.count(limited)
    problem = error.value.problem
    assert (problem.type, problem.retry_after) == (problems.RATE_LIMITED, 1)
    assert dict(problem.headers) == {
        b"ratelimit-policy": b'"client";q=2;w=1',
        b"ratelimit": b'"client";r=0;t=1',
    }
    for _ in range(100):
        throttle.count(other)
