"""A heartbeat of progress: not "the worker is alive" but "a task went all the way just now"."""

import time

from .redis import client

_KEY = "shop:progress"


def report(name: str) -> None:
    """Note that `name` has just made progress."""
    client().hset(_KEY, name, str(time.time()))


def age_seconds(name: str) -> float | None:
    """Return how long ago `name` last made progress, None if it never did."""
    last = client().hget(_KEY, name)
    return None if last is None else max(0.0, time.time() - float(last))
