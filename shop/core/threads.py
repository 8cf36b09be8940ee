"""Blocking work for the event loop: a few threads of our own that keep their database connection.

Django's own bridge gives each request a fresh thread under ASGI, hence a fresh connection.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4
MAX_WAITING = 500  # calls that wait for a thread; beyond, the answer is Overloaded

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="blocking")
_waiting = 0


class Overloaded(Exception):
    """More blocking work is waiting than can be done in reasonable time."""


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in one of the threads. Raises what it raises, and Overloaded at the bound."""
    global _waiting
    if _waiting >= MAX_WAITING:
        raise Overloaded(f"{_waiting} calls are waiting for {THREADS} threads")
    _waiting += 1
    context = contextvars.copy_context()

    def call() -> R:
        close_old_connections()
        try:
            return context.run(function, *args, **kwargs)
        finally:
            close_old_connections()

    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, call)
    finally:
        _waiting -= 1
