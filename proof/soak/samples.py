"""Readings of a running stack beside its load: duties, memory, stores, discarded hints."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psutil
import psycopg2
import redis

from shop.core.environment import default_store
from shop.core.tasks import discarded
from shop.local.database import ask
from shop.local.processes.service import Service
from shop.local.stack import Stack
from shop.local.web import Web

from .minute import Lateness, Stores

REDIS_SECONDS = 2.0  # of patience
BLOAT = """
SELECT
    pg_database_size(current_database()),
    coalesce(sum(n_dead_tup), 0)::bigint,
    coalesce(max(n_dead_tup::float / nullif(n_live_tup + n_dead_tup, 0))
        FILTER (WHERE n_live_tup + n_dead_tup > 10000), 0)::float8
FROM pg_stat_user_tables
"""


async def read_duties(web: Web) -> Lateness | None:
    """Return how late each duty is, in seconds; None where /readyz does not say."""
    return read_lateness((await web.get("/readyz")).text)


def read_lateness(text: str) -> Lateness | None:
    """Return each duty's lateness in an answer of /readyz, in seconds."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        late = json.loads(text)["checks"]["duties"]["late_seconds"]
        return {str(duty): float(seconds) for duty, seconds in late.items()}
    return None


def memory(services: Mapping[str, Service]) -> dict[str, int]:
    """Return the bytes that each of these processes has in memory, with all that it started."""
    return {name: _family_bytes(service.pid) for name, service in services.items() if service.pid}


def _family_bytes(pid: int) -> int:
    found = 0
    with suppress(psutil.NoSuchProcess):
        head = psutil.Process(pid)
        for process in (head, *head.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found += process.memory_info().rss
    return found


async def read_stores(stack: Stack) -> Stores:
    """Return the sizes of the stores; zeros for a server that does not answer."""
    used = await asyncio.to_thread(_redis_bytes, stack.endpoints.redis_url)
    try:
        [row] = await ask(stack.endpoints.database_url, BLOAT)
    except psycopg2.OperationalError:
        return Stores(redis_bytes=used)
    return Stores(used, *row)


def broker_url(stack: Stack) -> str:
    """Return where Celery's messages of a stack lie."""
    stock = stack.endpoints.redis_url
    return stack.env.get("CELERY_BROKER_URL") or default_store(stock, "CELERY_BROKER_URL")


def _redis_bytes(url: str) -> int:
    try:
        with redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS) as client:
            memory: Any = client.info("memory")
    except redis.RedisError:
        return 0
    return int(memory["used_memory"])


class Discarded:
    """Counts the hints that were too old when a worker came to them, as the workers count them."""

    def __init__(self, broker_url: str) -> None:
        """Begin with what comes from now on."""
        self._url = broker_url
        self._last = self._all()
        self._count = 0

    def count(self) -> int:
        """Return how many there were since the beginning; a broker that is away hides its own."""
        now = self._all()
        self._count += max(now - self._last, 0)  # one that was started anew begins at 0
        self._last = now
        return self._count

    def _all(self) -> int:
        try:
            with redis.Redis.from_url(self._url, socket_timeout=REDIS_SECONDS) as client:
                return sum(discarded.read_counts(client).values())
        except redis.RedisError:
            return 0
