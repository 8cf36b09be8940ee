"""What tests share: clean servers, sales and clients to sell with, and the product's processes."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from importlib import metadata
from typing import Any
from unittest.mock import patch

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models import Model

from inventory import services
from inventory.domain import SkuSpec
from inventory.models import Sale
from orders.models import ApiClient
from orders.services.clients import create_client
from shop.core import clock

from . import emptying, examples, servers, turns
from .processes import Processes, Web

MakeSale = Callable[..., Sale]
_running: list[Processes] = []

# redis-py reads its own version from a file for every connection, which takes as long as a test's
# other dealings with Redis.
metadata.version = cache(metadata.version)
emptying.install()
examples.install()
# What a password check costs is no part of what these tests show, and a third of a second each.
settings.PASSWORD_HASHERS = ["tests.hashing.QuickHasher"]


@pytest.hookimpl(trylast=True)  # pytest-django sorts by what a test does to the database
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, int, str]:
    path, needs = item.nodeid.partition("::")[0], _needs_processes(item)
    if needs and not turns.has_processes(path):
        raise pytest.UsageError(f"{path} needs the product's processes: name it in tests/turns.py")
    return turns.turn_of(path, needs_processes=needs)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return turns.scheduler(config, log)


def _needs_processes(item: pytest.Item) -> bool:
    return "processes" in getattr(item, "fixturenames", ())


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not _needs_processes(item):
        for running in _running:
            running.stop_all()


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest) -> None:
    """Every test that may touch the servers starts with empty Redis databases."""
    if {"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker(
        "django_db"
    ):
        for url in (settings.REDIS_URL, settings.CACHE_URL):
            redis.Redis.from_url(url).flushdb()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Whether the test database may stay: to drop it fails where a process that was killed has not
    left it yet."""
    return servers.postgresql_is_ours()


@pytest.fixture
def make_sale() -> MakeSale:
    """Create an open sale: `make_sale("drop", {"TEE": 50}, limit=2)`."""

    def make(slug: str = "drop", skus: dict[str, int] | None = None, **rules: Any) -> Sale:
        price = rules.pop("price", "12.50")
        options: dict[str, Any] = {
            "name": slug,
            "currency": "EUR",
            "opens_at": clock.now(),
            "closes_at": None,
            "limit": 0,
            "hold_seconds": 900,
            "payment": "required",
        } | rules
        specs = [
            SkuSpec(code, quantity, Decimal(price))
            for code, quantity in (skus or {"TEE": 50}).items()
        ]
        # PostgreSQL holds every row to its constraints by itself. To ask it about each beforehand,
        # for words that a person understands, takes half of the time.
        with patch.object(Model, "validate_constraints"):
            return services.create_sale(slug=slug, skus=specs, **options)

    return make


@pytest.fixture
def api_client() -> tuple[ApiClient, str]:
    """A client that may place orders, and its key."""
    return create_client(name="storefront")


@pytest.fixture
def api_key(api_client: tuple[ApiClient, str]) -> str:
    return api_client[1]


@pytest.fixture(scope="session")
def processes(django_db_setup: None, django_db_blocker: Any) -> Iterator[Processes]:
    """The web, worker and beat processes of the product, on the test database."""
    with django_db_blocker.unblock():
        database = connection.settings_dict["NAME"]
    running = Processes(database)
    _running.append(running)
    running.start_all()
    yield running
    _running.remove(running)
    running.stop_all()


@pytest.fixture
def web(transactional_db: None, processes: Processes, api_key: str) -> Iterator[Web]:
    """The running product, with a client of its own; quiet again when the test ends."""
    processes.resume()
    with processes.web(api_key) as web:
        yield web
    processes.wait_until_quiet()
    processes.pause()
