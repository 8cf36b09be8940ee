"""Sending Celery tasks by name: hints that something is to be done, never the only trace of it.

One hint for a piece of work says as much as a thousand, so a hint is sent only where none like it
waits. Otherwise a thousand changes a second would fill a queue with a thousand messages, and what
else has to be done by a time would wait behind them. It is known by a key in the broker, where it
is lost together with the queue: set with the message, gone when the work begins, and for HINT_MS at
the most, since a message may be lost with the worker that had taken it.
"""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from shop.core.logs import correlation

logger = logging.getLogger(__name__)

HINT_MS = 2000
BROKER_SECONDS = 1.0  # of patience with it, for a hint


@dataclass(frozen=True, slots=True)
class TaskName:
    """A task as senders know it."""

    name: str
    queue: str
    expires_seconds: float = 60.0  # a hint this old has been made good by a sweep


def send(task: TaskName, *args: Any) -> bool:
    """Ask for `task` to be run soon, unless that is asked for already.

    Returns False if the broker does not take it. That is logged and no error: the rows say what is
    to be done, and a sweep finds them.
    """
    if _is_asked_for(task.name, args):
        return True
    try:
        current_app.send_task(
            task.name,
            args=args,
            queue=task.queue,
            expires=task.expires_seconds,
            retry=False,
            headers=correlation.message_headers(),
        )
    except (OperationalError, OSError, redis.RedisError) as error:  # the last: it is read-only
        begun(task.name, args)
        logger.warning("task %s not sent, a sweep will make up for it: %s", task.name, error)
        return False
    return True


def send_on_commit(task: TaskName, *args: Any) -> None:
    """Ask for `task` once the current transaction is committed."""
    transaction.on_commit(partial(send, task, *args))


def hold_back(task: TaskName, *args: Any) -> None:
    """Send no hints for work that is under way and looks again, for HINT_MS.

    Call it before each look; after the last one call `begun` and look once more, since changes
    before that have sent no hint.
    """
    if hints := broker():
        with suppress(redis.RedisError):  # then it is asked for, in vain
            hints.set(_key(task.name, args), 1, px=HINT_MS)


def begun(name: str, args: Sequence[Any]) -> None:
    """Let the work be asked for again: it begins now, and may not see what changes from here on."""
    if hints := broker():
        with suppress(redis.RedisError):  # then it may be asked for again after HINT_MS
            hints.delete(_key(name, args))


def _is_asked_for(name: str, args: Sequence[Any]) -> bool:
    hints = broker()
    if hints is None:
        return False
    try:
        return not hints.set(_key(name, args), 1, nx=True, px=HINT_MS)
    except redis.RedisError:
        return False  # rather twice than not at all


def _key(name: str, args: Sequence[Any]) -> str:
    return f"hint:{name}:{json.dumps(args)}"


@cache
def broker() -> redis.Redis | None:
    """Return this process's client of the broker; None for one that does not speak Redis."""
    try:
        return redis.Redis.from_url(
            settings.CELERY_BROKER_URL,
            socket_timeout=BROKER_SECONDS,
            socket_connect_timeout=BROKER_SECONDS,
            protocol=2,
        )
    except ValueError:
        return None
