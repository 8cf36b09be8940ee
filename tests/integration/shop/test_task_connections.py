"""A worker keeps its connection to PostgreSQL from task to task, for as long as it works."""

from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module

import pytest
from celery import signals
from celery.fixups.django import DjangoWorkerFixup
from django.db import connection

from shop.celery import app
from workers import tasks

pytestmark = pytest.mark.django_db(transaction=True)

RunTask = Callable[[], int]


@pytest.fixture
def run_task(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunTask]:
    """Runs a task as a worker does, signals and all; gives what serves its connection."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)  # as it is outside of tests
    connection.close()
    import_module("shop.core.tasks.signals")
    fixup = DjangoWorkerFixup(app)
    fixup.install()
    task = tasks.pulse
    task.push_request(is_eager=False)

    def run() -> int:
        signals.task_prerun.send(sender=task, task_id="t-1", task=task, args=())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
        signals.task_postrun.send(sender=task, task_id="t-1", task=task, retval=None)
        return int(pid)

    yield run
    task.pop_request()
    connection.close()
    signals.task_prerun.disconnect(fixup.on_task_prerun)
    signals.task_postrun.disconnect(fixup.on_task_postrun)
    signals.worker_process_init.disconnect(fixup.on_worker_process_init)


def test_tasks_share_a_connection(run_task: RunTask) -> None:
    assert len({run_task() for _ in range(5)}) == 1


def test_a_connection_that_was_lost_between_two_tasks_is_replaced(run_task: RunTask) -> None:
    pid = run_task()
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    assert run_task() != pid


def test_a_connection_that_is_old_enough_is_replaced(
    run_task: RunTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = run_task()
    monkeypatch.setattr(connection, "close_at", 0.0)
    assert run_task() != pid
