"""Connections to the Redis that holds stock and outbox, one for threads and one for event loops."""

from functools import cache
from pathlib import Path

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.commands.core import Script
from redis.retry import Retry

# A script that is sent twice answers the second time from its own records, so one reconnect is
# safe. A time-out is not retried: it has used up the caller's patience already. A server that may
# not be written to was the primary once; a new connection leads to the one that is.
_RETRIES = 1
_RETRIED = (redis.ConnectionError, redis.ReadOnlyError)
_BACKOFF_SECONDS = 0.02


@cache
def client() -> redis.Redis:
    """Return this process's blocking client. Replies are bytes; every wait is bounded."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT_SECONDS * 4,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
        retry=Retry(ConstantBackoff(_BACKOFF_SECONDS), _RETRIES, _RETRIED),
        protocol=2,
    )


def async_client(*, max_connections: int = 64) -> redis.asyncio.Redis:
    """Return a new client for the running event loop; the caller closes it."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        max_connections=max_connections,
        socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS / 2,
        retry=AsyncRetry(ConstantBackoff(_BACKOFF_SECONDS), _RETRIES, _RETRIED),
        protocol=2,
    )


@cache
def script(path: Path) -> Script:
    """Return the Lua file at `path` as a callable of the blocking client."""
    return client().register_script(path.read_text())
