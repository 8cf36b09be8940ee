"""Percentiles, medians, and the rule for a sustained rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Look, fall, is_sustained, medians
from proof.percentiles import percentile


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 500), (99, 990), (99.9, 999), (99.95, 1000), (100, 1000)]
)
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(
    percent: float, expected: int
) -> None:
    assert percentile([*range(1000, 0, -1)], percent) == expected


@pytest.mark.parametrize("percent", [50, 99, 99.9])
def test_a_single_value_is_every_percentile(percent: float) -> None:
    assert percentile([7.0], percent) == 7.0


def test_there_is_no_latency_without_answers() -> None:
    assert percentile([], 99) == 0.0


@given(st.lists(st.integers(), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_and_enough_are_not_above_it(
    values: list[int], percent: float
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 * (1 - 1e-9)


def test_a_median_is_taken_figure_by_figure_over_the_runs_that_have_it() -> None:
    runs = [{"a": 1.0, "b": 10.0}, {"a": 9.0}, {"a": 2.0, "b": 30.0}]
    assert medians(runs) == {"a": 2.0, "b": 20.0}


def test_no_runs_have_no_medians() -> None:
    assert medians([]) == {}


def looks(*waiting: int) -> list[Look]:
    """Return looks that are a second apart."""
    return [Look(float(at), count) for at, count in enumerate(waiting)]


def test_a_backlog_that_comes_and_goes_is_sustained() -> None:
    seen = looks(0, 900, 100, 800, 0, 700, 50, 950, 0)
    assert is_sustained(seen, rate=1000, seconds=9, p99=0.02, failed=0)


def test_a_backlog_may_be_larger_at_the_end_by_a_second_of_arrivals() -> None:
    seen = looks(0, 0, 0, 0, 0, 500, 0, 0, 1500)
    assert is_sustained(seen, rate=1000, seconds=9, p99=0.02, failed=0)


def test_a_backlog_that_grows_by_more_is_not_sustained() -> None:
    seen = looks(0, 0, 0, 0, 0, 500, 0, 0, 1501)
    assert not is_sustained(seen, rate=1000, seconds=9, p99=0.02, failed=0)


def test_a_backlog_that_stands_high_from_early_on_is_sustained() -> None:
    seen = looks(0, 9000, 9000, 9000, 9000, 9000, 9000, 9000, 9000)
    assert is_sustained(seen, rate=1000, seconds=9, p99=0.02, failed=0)


def test_what_is_seen_after_the_load_does_not_count() -> None:
    seen = [*looks(0, 0, 0, 0, 0, 0, 0, 0, 0), Look(9.5, 5000)]
    assert is_sustained(seen, rate=1000, seconds=9, p99=0.02, failed=0)


def test_a_rate_at_which_something_fails_is_not_sustained() -> None:
    assert not is_sustained(looks(0, 0, 0), rate=1000, seconds=3, p99=0.02, failed=1)


@pytest.mark.parametrize(("p99", "kept_up"), [(1.0, True), (1.01, False)])
def test_a_rate_that_piles_up_in_front_of_the_server_is_not_sustained(
    p99: float, kept_up: bool
) -> None:
    assert is_sustained(looks(0, 0, 0), rate=1000, seconds=3, p99=p99, failed=0) is kept_up


@pytest.mark.parametrize(("last", "percent"), [(100, 0), (75, 25), (150, -50), (0, 100)])
def test_a_fall_is_told_in_percent_of_the_first(last: float, percent: float) -> None:
    assert fall(100, last) == pytest.approx(percent)
