"""Sending Celery tasks by name: hints that something is to be done, never the only trace of it."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from . import correlation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskName:
    """A task as senders know it."""

    name: str
    queue: str
    expires_seconds: float = 60.0  # a hint this old has been made good by a sweep


def send(task: TaskName, *args: Any) -> bool:
    """Ask for `task` to be run soon. Returns False if the broker does not take it.

    That is logged and no error: the rows say what is to be done, and a sweep finds them.
    """
    try:
        current_app.send_task(
            task.name,
            args=args,
            queue=task.queue,
            expires=task.expires_seconds,
            retry=False,
            headers=correlation.message_headers(),
        )
    except (OperationalError, OSError) as error:
        logger.warning("task %s not sent, a sweep will make up for it: %s", task.name, error)
        return False
    return True


def send_on_commit(task: TaskName, *args: Any) -> None:
    """Ask for `task` once the current transaction is committed."""
    transaction.on_commit(partial(send, task, *args))
