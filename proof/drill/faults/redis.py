"""The stock's Redis ends, stands still, or has no room."""

import asyncio
import resource
from pathlib import Path

import psutil

from proof.drill.fault_context import FaultContext, freeze, thaw

FROZEN_SECONDS = 4.0
FULL_SECONDS = 4.0
ROOM = 64 * 1024  # bytes that can be written until the disk is full
CHECK_SECONDS = 0.05


async def redis_killed(context: FaultContext) -> None:
    """SIGKILL Redis while it holds orders that nothing else knows."""
    async with context.worker_held_up():
        context.kill("redis")


async def redis_frozen(context: FaultContext) -> None:
    """SIGSTOP Redis for 4 s: connections stand, and nothing answers."""
    family = context.family("redis")
    freeze(family)
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def redis_disk_full(context: FaultContext) -> None:
    """For 4 s no file of Redis can grow by more than 64 KiB: it ends, again and again."""
    deadline = context.elapsed() + FULL_SECONDS
    limited: set[int] = set()
    while context.elapsed() < deadline:
        for process in context.family("redis"):
            if process.pid not in limited and _limit_files(process):
                limited.add(process.pid)
        await asyncio.sleep(CHECK_SECONDS)
    for process in context.family("redis"):
        _lift_limit(process)


async def redis_out_of_memory(context: FaultContext) -> None:
    """For 4 s Redis may take no more memory than it has."""
    used = (await context.stock.info("memory"))["used_memory"]
    await context.stock.config_set("maxmemory", used)
    await asyncio.sleep(FULL_SECONDS)
    await context.stock.config_set("maxmemory", 0)


def _limit_files(process: psutil.Process) -> bool:
    """Let the files of `process` grow by ROOM; False where it is gone, or not a server yet."""
    try:
        files = [open_.path for open_ in process.open_files() if open_.path.endswith(".aof")]
        most = max((_size(path) for path in files), default=None)
        if most is None:
            return False
        process.rlimit(psutil.RLIMIT_FSIZE, (most + ROOM, resource.RLIM_INFINITY))
    except psutil.Error:
        return False
    return True


def _lift_limit(process: psutil.Process) -> None:
    try:
        process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except psutil.Error:
        return  # it has just ended; the next one has no limit


def _size(path: str) -> int:
    return Path(path).stat().st_size
