"""Counting answers into buckets."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.reads.live_stats import LATENCY_MS, Stats, StatsDelta

NOW = 100.0


class Pipe:
    """Takes down what a pipeline is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def hincrby(self, key: str, field: str, amount: int) -> None:
        if key == "{sale:7}:figures":
            self.counts[field] += amount

    def expire(self, key: str, seconds: int) -> None:
        assert ":figures" in key
        assert seconds > 0


def told(delta: StatsDelta) -> Counter[str]:
    pipe = Pipe()
    delta.write(pipe)
    return pipe.counts


def figures(latency: list[int]) -> Stats:
    return Stats({}, latency, 0.0, [], 0, 0)


@given(st.lists(st.floats(0, 5000, allow_nan=False), min_size=1, max_size=50))
def test_each_order_of_a_call_is_in_the_bucket_of_its_own_latency(waited_ms: list[float]) -> None:
    since = sorted(NOW - waited / 1e3 for waited in waited_ms)
    delta = StatsDelta()

    delta.decided(7, since, NOW)

    expected = Counter[int]()
    for moment in since:
        fits = [i for i, bound in enumerate(LATENCY_MS) if moment >= NOW - bound / 1e3]
        expected[min(fits, default=len(LATENCY_MS))] += 1
    counts = told(delta)
    assert {f"l:{bucket}": orders for bucket, orders in expected.items()} == {
        field: orders for field, orders in counts.items() if field.startswith("l:")
    }
    assert counts["n"] == len(since)
    assert counts["us"] == pytest.approx(1e6 * sum(NOW - moment for moment in since), abs=1)


@pytest.mark.parametrize(("orders", "bucket"), [(1, 0), (2, 1), (3, 2), (512, 9), (513, 10)])
def test_a_call_is_counted_by_its_orders(orders: int, bucket: int) -> None:
    delta = StatsDelta()
    delta.decided(7, [NOW] * orders, NOW)
    assert told(delta)[f"b:{bucket}"] == 1


def test_what_could_not_be_told_is_told_the_next_time() -> None:
    taken, delta = StatsDelta(), StatsDelta()
    taken.answered(7, Counter({"accepted": 2}))
    delta.answered(7, Counter({"accepted": 3, "sold-out": 1}))

    delta.put_back(taken)

    assert told(delta) == {"o:accepted": 5, "o:sold-out": 1}


def test_a_long_time_without_redis_takes_a_bounded_place() -> None:
    delta = StatsDelta()
    for sale_id in range(1000):
        taken = StatsDelta()
        taken.answered(sale_id % 2 + 7, Counter({"accepted": 1}))
        # Each of these is a second of its own.
        taken._counts = {(key[0], sale_id): counts for key, counts in taken._counts.items()}
        delta.put_back(taken)

    assert len(delta._counts) <= 310
    assert told(delta)["o:accepted"] == 500


def test_a_quantile_is_the_bound_of_its_bucket() -> None:
    buckets = [0] * (len(LATENCY_MS) + 1)
    assert figures(buckets).latency_quantile_ms(0.5) is None
    buckets[1], buckets[4], buckets[-1] = 98, 1, 1
    assert figures(buckets).latency_quantile_ms(0.5) == 2
    assert figures(buckets).latency_quantile_ms(0.99) == 20
    assert figures(buckets).latency_quantile_ms(1) == float("inf")
