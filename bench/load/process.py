"""Runs a load generator as a process of its own, which never outlives this one."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from signal import Signals

from bench.errors import LoadFailed
from shop.local.discovery import REPOSITORY
from shop.local.processes.parent_death_guard import tethered

GRACE_SECONDS = 30.0  # beyond the load itself: to start, and to wait for the last answers


@asynccontextmanager
async def generator(command: Sequence[str]) -> AsyncIterator[Process]:
    """Run `command` beside the block, all it says in one pipe; what still runs then is killed."""
    process = await asyncio.create_subprocess_exec(
        *tethered(command, Signals.SIGTERM),
        cwd=REPOSITORY,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()  # with an unread pipe, `wait` would not return


async def last_line(command: Sequence[str], *, seconds: float) -> str:
    """Run `command`, a load of so many `seconds`; return the last line that it prints.

    Raises LoadFailed where it fails, says nothing, or does not end in time.
    """
    async with generator(command) as process:
        try:
            output, _ = await asyncio.wait_for(process.communicate(), seconds + GRACE_SECONDS)
        except TimeoutError as error:
            raise LoadFailed(f"{command[0]} did not end in time") from error
    lines = output.decode(errors="replace").splitlines()
    if process.returncode or not lines:
        raise LoadFailed(f"{command[0]} failed: {output.decode(errors='replace')}")
    return lines[-1]
