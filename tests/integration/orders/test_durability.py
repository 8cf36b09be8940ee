"""A yes that waits for a replica: given when the replica has it, and not before."""

import os
import signal
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from redis import Redis

from inventory.counters.keys import Keys
from orders.http.replies import Reply
from shop.core.processes import health
from shop.core.stores.redis import client
from shop.local.servers.embedded import temporary_state
from shop.local.servers.redis_server import RedisServer
from tests.conftest import MakeSale
from tests.placing import Request, document, header, place_all
from tests.processes import await_condition

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def replica() -> Iterator[RedisServer]:
    """A second server that follows the first one."""
    primary = urlsplit(django_settings.REDIS_URL)
    with temporary_state() as state:
        server = RedisServer(state)
        server.prepare()
        server.start()
        try:
            server.wait_ready()
            client().config_set("repl-diskless-sync-delay", 0)
            with Redis.from_url(server.url, decode_responses=True) as redis:
                redis.replicaof(primary.hostname, primary.port)
                await_condition(
                    "the replica follows",
                    lambda: redis.info("replication")["master_link_status"] == "up",
                )
            yield server
        finally:
            server.stop()


def has_order(server: RedisServer, sale_id: int) -> bool:
    with Redis.from_url(server.url) as redis:
        return redis.hlen(Keys.of(sale_id).requests) > 0


def place(api_key: str) -> Reply:
    [reply] = place_all(api_key, [Request("k-1")])
    return reply


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_yes_is_on_the_replica(
    make_sale: MakeSale, api_key: str, settings: Settings, replica: RedisServer, on_disk: bool
) -> None:
    sale = make_sale()
    settings.REDIS_WAIT_REPLICAS = 1
    settings.REDIS_WAIT_AOF = on_disk
    # A replica that has just come writes its file anew before it says what is in it.
    await_condition("a yes is given", lambda: place(api_key).status == 202)
    assert has_order(replica, sale.pk)


def test_without_the_replica_the_outcome_is_in_doubt_and_a_repetition_tells_it(
    make_sale: MakeSale, api_key: str, settings: Settings, replica: RedisServer
) -> None:
    make_sale()
    settings.REDIS_WAIT_REPLICAS = 1
    settings.REDIS_WAIT_MS = 100
    assert replica.pid is not None
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        first, second = place(api_key), place(api_key)
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    assert [first.status, second.status] == [503, 503]
    assert document(first)["type"] == "/problems/unavailable"

    await_condition("the replica is back", lambda: place(api_key).status == 202)
    assert header(place(api_key), "Idempotent-Replayed") == "true"


def test_readiness_tells_of_a_replica_that_is_missing(
    settings: Settings, replica: RedisServer
) -> None:
    settings.REDIS_WAIT_REPLICAS = 1
    assert "in the memory of 1 replica, too, before the yes" in health.check_durability()
    settings.REDIS_WAIT_REPLICAS = 2
    with pytest.raises(health.NotReady, match="1 of 2 replicas"):
        health.check_durability()
