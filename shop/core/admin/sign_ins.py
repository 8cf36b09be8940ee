"""The count of failed sign-ins to the admin, over all processes: a figure for people."""

from contextlib import suppress
from typing import Any

import redis

from shop.core.stores.redis import client

KEY = "shop:sign_in_failures"


def count_failure() -> None:
    """Count one, if Redis is there."""
    with suppress(redis.RedisError):
        client().incr(KEY)


def failures() -> int:
    """Return how many there were. Raises redis.RedisError."""
    found: Any = client().get(KEY)
    return int(found or 0)
