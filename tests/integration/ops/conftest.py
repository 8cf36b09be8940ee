"""A scrape of a shop in which everything has happened that a figure tells of."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from prometheus_client.core import Metric

from orders.models import ApiClient
from orders.reads.live_stats import NO_SALE, StatsDelta
from orders.reconciliation.history import reconcile_all
from orders.task_names import PULSES
from shop.core import clock
from shop.core.stores.redis import client
from shop.core.tasks import progress
from shop.local.servers.embedded import temporary_state
from shop.local.servers.redis_server import RedisServer
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import place, placed
from tests.placing import Request
from tests.processes import await_condition
from tests.scrapes import scraped

ROOT = Path(__file__).resolve().parents[3]
OPS = ROOT / "ops"


@pytest.fixture
def _replica() -> Iterator[None]:
    """A replica of Redis that is in step."""
    primary = urlsplit(settings.REDIS_URL)
    client().config_set("repl-diskless-sync-delay", 0)
    with temporary_state() as state:
        follows = {"replicaof": f"{primary.hostname} {primary.port}"}
        server = RedisServer(state, settings=follows)
        server.prepare()
        server.start()
        try:
            server.wait_ready()
            await_condition("the replica is in step", _has_replica)
            yield
        finally:
            server.stop()


@pytest.fixture
def scrape(
    transactional_db: None, _replica: None, make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> list[Metric]:
    """The families of the scrape."""
    sale, (client_row, key) = make_sale("drop", {"TEE": 50}), api_client
    placed(sale, key, Request("k-1"), Request("k-2", customer="eve"))
    place(key, Request("k-3", customer="bob"))
    dead_letter(sale, client_row)
    tally = StatsDelta()
    tally.answered(NO_SALE, Counter({"unauthenticated": 1}))
    with client().pipeline() as pipe:
        tally.write(pipe)
        pipe.execute()
    reconcile_all(now=clock.now())
    for name in ("sweep", *(f"{queue} pulse" for queue in PULSES)):
        progress.report(name)
    return scraped()


def _has_replica() -> bool:
    return client().info("replication").get("slave0", {}).get("state") == "online"
