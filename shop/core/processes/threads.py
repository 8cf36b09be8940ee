"""Blocking work for the event loop: a few threads of our own that keep their database connection.

Django's own bridge gives each request a fresh thread under ASGI, hence a fresh connection.
"""

import asyncio
import contextvars
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4
MAX_WAITING = 500  # calls that wait for a thread; beyond, the answer is Overloaded
PATIENCE_SECONDS = 8.0  # for one call: a server that is there and stands still is as good as away

# A connection is not asked whether it works that long after it has. Under load that would be one
# more round trip in each call, and a server that has gone fails the calls of that second anyway.
TRUSTED_SECONDS = 1.0

_thread = threading.local()
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="blocking")
_waiting = 0


class Overloaded(Exception):
    """Blocking work cannot be done in reasonable time: too much of it waits, or it hangs."""


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in one of the threads. Raises what it raises, and Overloaded at the bounds.

    A call that takes too long goes on in its thread; its caller stops waiting.
    """
    global _waiting
    if _waiting >= MAX_WAITING:
        raise Overloaded(f"{_waiting} calls are waiting for {THREADS} threads")
    _waiting += 1
    context = contextvars.copy_context()

    def call() -> R:
        _tend_connections()
        try:
            found = context.run(function, *args, **kwargs)
            _thread.worked_at = time.monotonic()
            return found
        finally:
            close_old_connections()

    running = asyncio.get_running_loop().run_in_executor(_pool, call)
    running.add_done_callback(_no_longer_waiting)
    try:
        return await asyncio.wait_for(running, PATIENCE_SECONDS)
    except TimeoutError as error:
        raise Overloaded(f"no answer within {PATIENCE_SECONDS:g} s") from error


def _tend_connections() -> None:
    """Close what is too old or broken; what has not worked just now is asked whether it does."""
    close_old_connections()
    if time.monotonic() - getattr(_thread, "worked_at", -math.inf) < TRUSTED_SECONDS:
        for connection in connections.all(initialized_only=True):
            connection.health_check_done = True  # type: ignore[attr-defined]


def _no_longer_waiting(_: object) -> None:
    global _waiting
    _waiting -= 1
