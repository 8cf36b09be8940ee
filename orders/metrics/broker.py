"""Celery's queues: the broker, where it speaks Redis' protocol."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import redis
from django.conf import settings
from prometheus_client.core import Metric

from orders import task_names
from orders.task_names import PULSES
from shop.core.tasks import discarded
from shop.core.tasks.dispatch import TaskName

from .context import ScrapeContext
from .families import counter, gauge

SECONDS = 1.0
_UNACKED = "unacked"  # where Celery's Redis transport keeps what a worker has and has not ended


@cache
def client() -> redis.Redis:
    """Return this process's client of the broker; every wait is bounded."""
    return redis.Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        protocol=2,
    )


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how many messages wait in each queue, are at work, and came too late."""
    with client().pipeline(transaction=False) as pipe:
        for queue in PULSES:
            pipe.llen(queue)
        pipe.hlen(_UNACKED)
        *lengths, unacked = _integers(pipe.execute())
    yield gauge(
        "shop_queue_messages",
        "Celery messages that wait for a worker.",
        ["queue"],
        list(zip(PULSES, lengths, strict=True)),
    )
    yield gauge(
        "shop_queue_unacked_messages",
        "Celery messages that workers have taken and not ended yet.",
        [],
        [(unacked,)],
    )
    yield counter(
        "shop_hints_discarded_total",
        "Celery messages that were too old when a worker came to them.",
        ["task"],
        {**dict.fromkeys(_hinted(), 0), **discarded.read_counts(client())}.items(),
    )


def _hinted() -> list[str]:
    """Return the names of all tasks, so that each has a figure before its first late hint."""
    named = [each for each in vars(task_names).values() if isinstance(each, TaskName)]
    return [each.name for each in (*named, *PULSES.values())]


def _integers(replies: list[Any]) -> list[int]:
    return [int(reply) for reply in replies]
