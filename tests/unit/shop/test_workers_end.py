"""A worker that is told to stop has ended before whoever told it loses patience."""

import importlib

from billiard import pool

from shop.local.processes.service import STOP_SECONDS


def test_a_worker_does_not_wait_longer_than_it_is_waited_for() -> None:
    importlib.import_module("shop.core.tasks.signals")
    waits = (
        pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT
        * pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    )
    assert waits < STOP_SECONDS / 2
