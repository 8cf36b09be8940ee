"""PostgreSQL ends, stands still, or makes everybody wait."""

import asyncio
from contextlib import closing

import psutil
import psycopg2

from proof.drill.fault_context import LOOK_SECONDS, Scene, freeze, kill, thaw

FROZEN_SECONDS = 8.0
LOCKED_SECONDS = 12.0  # longer than the product waits for a lock
LOCK = "SELECT 1 FROM inventory_allocation WHERE sale_id = ANY(%s) FOR UPDATE"


async def postgres_killed(scene: Scene) -> None:
    """SIGKILL PostgreSQL with all its processes."""
    scene.kill("postgres")


async def postgres_killed_in_commit(scene: Scene) -> None:
    """SIGKILL PostgreSQL at a moment at which a transaction is being committed."""
    if not await asyncio.to_thread(_kill_in_commit, scene):
        scene.notes.append("no COMMIT was caught; killed at some moment")
        scene.kill("postgres")


async def postgres_frozen(scene: Scene) -> None:
    """SIGSTOP PostgreSQL with all its processes for 8 s."""
    family = scene.family("postgres")
    freeze(family)
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def postgres_slow(scene: Scene) -> None:
    """Hold the stock rows of the sales locked for 12 s."""
    await asyncio.to_thread(_hold_locks, scene)


def _hold_locks(scene: Scene) -> None:
    with closing(psycopg2.connect(scene.stack.endpoints.database_url)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [[*scene.sale_ids.values()]])
            cursor.execute("SELECT pg_sleep(%s)", [LOCKED_SECONDS])
        connection.rollback()


def _kill_in_commit(scene: Scene) -> bool:
    """Kill all of PostgreSQL when a backend's title says COMMIT. Returns whether one did."""
    deadline = scene.elapsed() + LOOK_SECONDS
    while scene.elapsed() < deadline:
        family = scene.family("postgres")
        for backend in filter(_commits, family):
            freeze([backend])
            if _commits(backend):  # still
                kill(family)
                return True
            thaw([backend])
    return False


def _commits(backend: psutil.Process) -> bool:
    try:
        return "".join(backend.cmdline()).rstrip().endswith("COMMIT")
    except psutil.Error:
        return False
