"""A thread with a database connection of its own, for an event loop that ends."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from typing import ParamSpec, Self, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseThread:
    """Runs what blocks, one call after the other, and leaves no connection behind.

    A context manager; leaving it waits for what still runs.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.submit(connections.close_all)
        self._executor.shutdown()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function` in the thread. Raises what it raises."""
        context = contextvars.copy_context()  # its log lines are about the same

        def call() -> R:
            try:
                return context.run(function, *args, **kwargs)
            except Exception:
                close_old_connections()  # a broken one is not used again
                raise

        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    @asynccontextmanager
    async def inside(self, block: AbstractContextManager[R]) -> AsyncIterator[R]:
        """Enter and leave `block` in the thread: a lock is its connection's."""
        entered = await self.run(block.__enter__)
        try:
            yield entered
        finally:
            await self.run(block.__exit__, None, None, None)
