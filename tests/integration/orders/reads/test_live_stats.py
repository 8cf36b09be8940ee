"""What happens to orders is counted for the people who watch, by all processes together."""

import time
from collections import Counter

import pytest

from orders.reads import live_stats
from orders.reads.live_stats import NO_SALE, Stats
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import Request, headers, place_all, place_raw

pytestmark = pytest.mark.django_db(transaction=True)


def total(sale_id: int) -> Stats:
    return live_stats.totals([sale_id])[sale_id]


def test_every_answer_is_counted_by_its_outcome(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale(skus={"TEE": 3}, limit=2)
    place_all(
        api_key,
        [
            Request("k-1", "ada"),
            Request("k-2", "bob", {"TEE": 2}),
            Request("k-3", "cy"),  # sold out
            Request("k-4", "ada", {"TEE": 2}),  # beyond the limit
        ],
    )
    place_all(api_key, [Request("k-1", "ada"), Request("k-3", "cy"), Request("k-2", "ada")])

    counted = total(sale.pk)

    assert counted.outcomes == {
        "accepted": 2,
        "sold-out": 1,
        "purchase-limit": 1,
        "replayed": 2,
        "idempotency-key-reused": 1,
    }
    assert sum(counted.latency) == counted.batched == 7
    assert sum(counted.batches) >= 2
    assert counted.latency_ms > 0


def test_what_is_refused_before_a_sale_is_known_is_counted_by_its_problem(api_key: str) -> None:
    place_raw(headers("fso_unknown", "k-1"), Request("k-1").body())
    place_raw(headers(api_key, "k-1"), b"{")
    place_raw(headers(api_key, "k-1"), Request("k-1").body())

    assert total(NO_SALE).outcomes == {
        "unauthenticated": 1,
        "malformed-json": 1,
        "unknown-sale": 1,
    }


def test_processes_add_to_one_another_second_by_second(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale(skus={"TEE": 100})
    began = int(time.time())
    for process in range(3):
        place_all(api_key, [Request(f"k-{process}-{n}", f"c-{process}-{n}") for n in range(10)])
    assert persist(sale) == 30

    seconds = live_stats.seconds(sale.pk, after=began - 1, until=int(time.time()))

    outcomes = sum((Counter(each.outcomes) for each in seconds.values()), Counter[str]())
    assert outcomes == total(sale.pk).outcomes == {"accepted": 30}
    assert sum(each.persisted for each in seconds.values()) == total(sale.pk).persisted == 30
    assert live_stats.seconds(sale.pk, after=began - 100, until=began - 1) == {}


def test_nothing_is_there_before_anything_happened(make_sale: MakeSale) -> None:
    sale = make_sale()
    assert total(sale.pk) == Stats({}, [0] * 12, 0.0, [0] * 11, 0, 0)
