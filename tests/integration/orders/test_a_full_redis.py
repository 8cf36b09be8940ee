"""A Redis without room: nothing is taken by halves, and what was accepted still gets away."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from inventory import counters
from inventory.counters.keys import Keys
from inventory.models import Sale
from orders.domain import new_order_id
from orders.intake.placing import Intake
from orders.models import ApiClient, Order
from orders.reads.selectors import find_order
from orders.reconciliation.compare import reconcile
from shop.core.stores.redis import client
from shop.core.tasks import progress
from tests.conftest import MakeSale
from tests.persisting import backlog, persist
from tests.placing import Request, document, header, headers, place_all
from tests.processes import await_condition

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50}, limit=10)


@pytest.fixture(autouse=True)
def _room() -> Iterator[None]:
    before = client().config_get("maxmemory")["maxmemory"]
    yield
    client().config_set("maxmemory", before)


def fill() -> None:
    """From now on Redis has no room for anything."""
    client().config_set("maxmemory", 1)


def test_a_full_redis_takes_no_order_and_nothing_of_one(sale: Sale, api_key: str) -> None:
    place_all(api_key, [Request("before")])
    client().delete(Keys.of(sale.pk).wakeup)
    before = counters.snapshot(sale.pk, "drop"), client().hgetall(Keys.of(sale.pk).limits)
    fill()
    several = [
        Request("k-1"),
        Request("k-2", lines={"TEE": 60}, customer="eve"),
        Request("k-3", customer="bob"),
    ]
    for reply in [*place_all(api_key, several), *place_all(api_key, several[1:2])]:
        assert (reply.status, document(reply)["type"]) == (503, "/problems/unavailable")
        assert header(reply, "Retry-After")
    after = counters.snapshot(sale.pk, "drop"), client().hgetall(Keys.of(sale.pk).limits)
    assert after == before
    assert not client().exists(Keys.of(sale.pk).refusals, Keys.of(sale.pk).wakeup)
    assert backlog(sale) == 1


def test_what_was_accepted_is_persisted_by_a_full_redis(sale: Sale, api_key: str) -> None:
    place_all(api_key, [Request(f"k-{n}") for n in range(5)])
    fill()
    assert persist(sale) == 5
    assert backlog(sale) == 0
    assert client().hlen(Keys.of(sale.pk).pending) == 0
    assert Order.objects.count() == 5


def test_a_worker_does_its_work_where_it_cannot_say_so(sale: Sale) -> None:
    fill()
    progress.report("sweep")


def test_when_there_is_room_again_all_goes_on(sale: Sale, api_key: str) -> None:
    fill()
    place_all(api_key, [Request("k-1")])
    client().config_set("maxmemory", 0)
    [reply] = place_all(api_key, [Request("k-1")])
    assert (reply.status, header(reply, "Idempotent-Replayed")) == (202, None)
    persist(sale)
    assert reconcile(sale.pk, "drop").drift == 0


def test_the_last_room_is_left_to_what_takes_orders_out(sale: Sale, api_key: str) -> None:
    client().set("ballast", b"." * 20_000_000)  # against which nothing else counts
    await_condition("the buffers of its way are gone", lambda: used_memory() < 35_000_000)
    client().config_set("maxmemory", int(used_memory() / 0.97))

    async def steps() -> None:
        intake = Intake()
        try:
            told = [await _order(intake, api_key, "k-1")]
            while told[-1] == 202 and len(told) < 1000:
                await asyncio.sleep(0)  # it looks in the background
                told.append(await _order(intake, api_key, "k-1"))
            assert told[-1] == 503
        finally:
            await intake.close()

    asyncio.run(steps())
    assert persist(sale) == 1
    client().delete("ballast")
    [reply] = place_all(api_key, [Request("k-2")])
    assert reply.status == 202


async def _order(intake: Intake, api_key: str, key: str) -> int:
    return (await intake.place_order(headers(api_key, key), Request(key).body())).status


def used_memory() -> int:
    return int(client().info("memory")["used_memory"])


def test_junk_leaves_nothing_in_redis_but_figures_that_end(
    sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    caller, api_key = api_client
    place_all(api_key, [Request("first")])
    before = lasting_keys()
    place_all("flash_no_such_key", [Request(f"j-{n}") for n in range(20)])
    place_all(api_key, [Request(f"j-{n}", sale=f"sale-{n}") for n in range(20)])
    place_all(api_key, [Request(f"j-{n}", lines={f"SKU-{n}": 1}) for n in range(20)])
    for n in range(20):
        made_up = UUID(bytes=new_order_id(sale.pk + n, 1_700_000_000_000 + n))
        assert find_order(made_up, client_id=caller.pk) is None
    assert lasting_keys() == before


def lasting_keys() -> dict[bytes, Any]:
    """Return what is in Redis, by key, without that of a time to live."""
    return {key: client().dump(key) for key in client().keys("*") if client().ttl(key) < 0}
