"""The work of a Celery worker around its tasks: fields of log lines, spans, profiles."""

import gc
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from billiard import pool
from celery import Task, signals
from django.db import close_old_connections

from shop.core.logs import correlation
from shop.core.logs.request_id import sane_request_id
from shop.core.processes import health
from shop.core.profiling import in_process
from shop.core.tracing import process
from shop.core.tracing.traceparent import trace_id_of

from . import discarded, dispatch

# At its end a process of the pool waits until its parent has counted every task, and now and then
# the parent has stopped counting: then a worker that is told to stop takes half a minute, and is
# killed. Nothing hangs on that count: results are ignored, and a task that is not acknowledged
# comes back, to find done what it has done.
pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 20  # times 0.1 s

_open: dict[str, ExitStack] = {}  # by task id: the tasks under way in this process


@signals.worker_before_create_process.connect(weak=False)
def _forking(**_: Any) -> None:
    """Let the pool's processes share what is loaded: a collection would write into all of it."""
    gc.freeze()


@signals.worker_process_init.connect(weak=False)
def _forked(sender: str | None, **_: Any) -> None:
    """Start what takes a thread in the process that works, not in the one that it is forked from.

    `sender` is the worker's name, "notifier@host".
    """
    role = (sender or "worker").partition("@")[0]
    process.start(role)
    in_process.listen(role)


@signals.worker_init.connect(weak=False)
def _starting(**_: Any) -> None:
    """Log what is promised, and what this worker lacks, before it takes its first task."""
    health.log_promise()


@signals.worker_process_shutdown.connect(weak=False)
def _ending(**_: Any) -> None:
    process.stop()


@signals.task_revoked.connect(weak=False)
def _discarded(sender: "Task[Any, Any]", expired: bool, **_: Any) -> None:
    if expired:  # and not taken back by a person
        discarded.count(sender.name)


@signals.heartbeat_sent.connect(weak=False)
@signals.worker_shutdown.connect(weak=False)
def _publish_discarded(**_: Any) -> None:
    discarded.publish()


@signals.task_prerun.connect(weak=False)
def _begun(task_id: str, task: "Task[Any, Any]", args: Sequence[Any], **_: Any) -> None:
    dispatch.begun(task.name, args)
    _tend_connections(task)
    message = vars(task.request)
    request_id = message.get("request_id")
    parent = correlation.traceparent_of(message)
    block = _open[task_id] = ExitStack()
    own = block.enter_context(
        process.span(
            f"task {task.name}",
            parent=parent,
            kind="consumer",
            attributes={"messaging.system": "celery", "messaging.message.id": task_id},
        )
    )
    block.enter_context(
        correlation.about(
            task=task.name,
            task_id=task_id,
            request_id=request_id and sane_request_id(str(request_id).encode("ascii", "replace")),
            trace_id=trace_id_of(own or parent),
        )
    )


@signals.task_postrun.connect(weak=False)
def _ended(task_id: str, task: "Task[Any, Any]", retval: object, **_: Any) -> None:
    if block := _open.pop(task_id, None):
        if isinstance(retval, BaseException):
            block.__exit__(type(retval), retval, retval.__traceback__)
        else:
            block.close()
    _tend_connections(task)


def _tend_connections(task: "Task[Any, Any]") -> None:
    """Close connections that are too old or broken; a kept one is tested at its next use.

    As Django does it between two requests. A task that is called like a function is its caller's.
    """
    if not task.request.is_eager:
        close_old_connections()
