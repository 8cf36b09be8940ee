"""A source that fails costs its own figures, and no scrape lasts longer than it may."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections
from pytest_django import Settings

from inventory.models import Sale
from orders.metrics import broker, scrape
from orders.metrics.sources import BROKER, POSTGRESQL, REDIS
from orders.reconciliation.history import reconcile_all
from shop.core import clock
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.processes import free_port
from tests.scrapes import failing, figures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    """A sale that has been scraped once: each process remembers the sales on record."""
    sale = make_sale("drop", {"TEE": 50})
    reconcile_all(now=clock.now())
    assert failing(figures()) == set()
    return sale


@pytest.fixture
def _without_redis(sale: Sale, settings: Settings) -> Iterator[None]:
    """Redis, and no broker either: in the tests both are one server."""
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def _without_broker(sale: Sale, settings: Settings) -> Iterator[None]:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    broker.client.cache_clear()
    yield
    broker.client.cache_clear()


@pytest.fixture
def _without_postgresql(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "PORT", str(free_port()))


@pytest.mark.usefixtures("_without_postgresql")
def test_without_postgresql_what_redis_tells_is_told_by_the_sales_last_known() -> None:
    told = figures()
    assert failing(told) == set(POSTGRESQL.sources)
    assert (told["shop_up", "postgresql"], told["shop_up", "redis"]) == (0, 1)
    assert told["shop_outbox_entries", "drop"] == 0
    assert told["shop_requests_total", "accepted", "drop"] == 0
    assert ("shop_drift_units", "drop") not in told


@pytest.mark.usefixtures("_without_redis")
def test_without_redis_what_postgresql_tells_is_told() -> None:
    told = figures()
    assert failing(told) == set(REDIS.sources)
    assert (told["shop_up", "postgresql"], told["shop_up", "redis"]) == (1, 0)
    assert told["shop_up", "broker"] == 1
    assert told["shop_drift_units", "drop"] == 0
    assert ("shop_outbox_entries", "drop") not in told


@pytest.mark.usefixtures("_without_broker")
def test_without_a_broker_everything_else_is_told() -> None:
    told = figures()
    assert failing(told) == set(BROKER.sources)
    assert (told["shop_up", "redis"], told["shop_up", "broker"]) == (1, 0)
    assert told["shop_redis_memory_used_bytes", "stock"] > 0
    assert ("shop_redis_memory_used_bytes", "broker") not in told


@pytest.mark.usefixtures("_without_redis", "_without_broker", "_without_postgresql")
def test_without_any_store_a_scrape_says_that_much() -> None:
    told = figures()
    assert failing(told) == {*POSTGRESQL.sources, *REDIS.sources, *BROKER.sources}
    assert not any(told["shop_up", store] for store in ("postgresql", "redis", "broker"))


def test_a_source_that_waits_for_a_lock_is_given_up_and_the_others_are_told(sale: Sale) -> None:
    with locked("orders_deadletter"):
        told = figures()
    assert failing(told) == {"attention", "lateness"}
    assert told["shop_up", "postgresql"] == 1
    assert told["shop_drift_units", "drop"] == 0
    assert told["shop_scrape_duration_seconds", "attention"] >= 1


def test_a_command_that_redis_refuses_costs_one_source(sale: Sale) -> None:
    client().hset("shop:sent", "email", "not a number")
    told = figures()
    assert failing(told) == {"sent"}
    assert told["shop_up", "redis"] == 1
    assert told["shop_outbox_entries", "drop"] == 0


def test_a_store_that_hangs_is_not_waited_for(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "SECONDS", 0.5)
    monkeypatch.setattr(scrape, "SALES_SECONDS", 0.2)
    hanging = threading.Event()
    busy = POSTGRESQL.submit(hanging.wait)
    try:
        told = figures()
    finally:
        hanging.set()
        busy.result()
    assert failing(told) == set(POSTGRESQL.sources)
    assert (told["shop_up", "postgresql"], told["shop_up", "redis"]) == (0, 1)
    assert told["shop_outbox_entries", "drop"] == 0
    assert failing(figures()) == set()  # and nothing of that scrape is left over


def test_two_scrapes_at_once_tell_the_same(sale: Sale) -> None:
    found: list[set[str]] = []
    threads = [threading.Thread(target=lambda: found.append(failing(figures()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [set()] * 3


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Keep a table from everybody else, as a migration may."""
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
