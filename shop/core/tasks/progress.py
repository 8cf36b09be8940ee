"""A heartbeat of progress: not "the worker is alive" but "a task went all the way just now"."""

import time
from contextlib import suppress
from typing import Any

import redis

from shop.core.stores.redis import client

KEY = "shop:progress"


def report(name: str) -> None:
    """Note that `name` has just made progress. A Redis without room for the note stops no work."""
    with suppress(redis.exceptions.OutOfMemoryError):
        client().hset(KEY, name, str(time.time()))


def ages() -> dict[str, float]:
    """Return how many seconds ago each of those that ever made progress last did."""
    found: Any = client().hgetall(KEY)
    now = time.time()
    # A report from the future was made before a clock was put back: its age is unknown.
    return {name.decode(): abs(now - float(at)) for name, at in found.items()}
