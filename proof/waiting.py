"""Runs work beside a block, and waits for conditions that have to come true in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

LOOK_SECONDS = 0.1


@asynccontextmanager
async def running_beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[Awaitable[None]]:
    """Run `work` beside the block, and no longer; an error of it is raised at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def until(
    condition: Callable[[], Awaitable[bool]], *, seconds: float, every: float = LOOK_SECONDS
) -> bool:
    """Return True as soon as `condition` holds, or False after `seconds`."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not await condition():
        if clock() > deadline:
            return False
        await asyncio.sleep(every)
    return True
