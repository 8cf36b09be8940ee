"""Waits for conditions that have to come true in time."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_SECONDS = 0.1


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
    """Return True as soon as `condition` holds, or False after `seconds`."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not await condition():
        if clock() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True
