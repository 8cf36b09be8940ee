"""The stock's Redis ends, stands still, or has no room."""

import asyncio
import resource
from pathlib import Path

import psutil

from proof.drill.fault_context import Scene, freeze, thaw

FROZEN_SECONDS = 4.0
FULL_SECONDS = 4.0
ROOM = 64 * 1024  # bytes that can be written until the disk is full
CHECK_SECONDS = 0.05


async def redis_killed(scene: Scene) -> None:
    """SIGKILL Redis while it holds orders that nothing else knows."""
    async with scene.worker_held_up():
        scene.kill("redis")


async def redis_frozen(scene: Scene) -> None:
    """SIGSTOP Redis for 4 s: connections stand, and nothing answers."""
    family = scene.family("redis")
    freeze(family)
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def redis_disk_full(scene: Scene) -> None:
    """For 4 s no file of Redis can grow by more than 64 KiB: it ends, again and again."""
    deadline = scene.elapsed() + FULL_SECONDS
    limited: set[int] = set()
    while scene.elapsed() < deadline:
        for process in scene.family("redis"):
            if process.pid not in limited and _limit_files(process):
                limited.add(process.pid)
        await asyncio.sleep(CHECK_SECONDS)
    for process in scene.family("redis"):
        _lift_limit(process)


async def redis_out_of_memory(scene: Scene) -> None:
    """For 4 s Redis may take no more memory than it has."""
    used = (await scene.stock.info("memory"))["used_memory"]
    await scene.stock.config_set("maxmemory", used)
    await asyncio.sleep(FULL_SECONDS)
    await scene.stock.config_set("maxmemory", 0)


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
