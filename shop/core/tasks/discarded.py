"""Counts of hints that were too old when a worker came to them, by task: a figure for people.

That is no fault, since a sweep has made good for them; many of them say that the workers of a queue
do not keep up. A worker's master process counts, and adds what it counted to the broker now and
then, where the hints lie: thousands may be discarded in a second.
"""

from collections import Counter
from typing import Any

import redis

from . import dispatch

KEY = "shop:hints_discarded"

_counted: Counter[str] = Counter()  # since the last publish; one thread counts and publishes


def count(task: str) -> None:
    """Count a hint for `task`."""
    _counted[task] += 1


def publish() -> None:
    """Add what was counted to the broker's figures; where it is away, the next time."""
    broker = dispatch.broker()
    if broker is None or not _counted:
        return
    try:
        with broker.pipeline(transaction=False) as pipe:
            for task, number in _counted.items():
                pipe.hincrby(KEY, task, number)
            pipe.execute()
    except redis.RedisError:
        return
    _counted.clear()


def read_counts(broker: redis.Redis) -> dict[str, int]:
    """Return how many there were of each task. Raises redis.RedisError."""
    found: Any = broker.hgetall(KEY)
    return {task.decode(): int(number) for task, number in found.items()}
