"""PostgreSQL ends, stands still, or makes all others wait."""

import asyncio
from contextlib import closing

import psutil
import psycopg2

from proof.drill.fault_context import LOOK_SECONDS, FaultContext, freeze, kill, thaw

FROZEN_SECONDS = 8.0
LOCKED_SECONDS = 12.0  # longer than the product waits for a lock
LOCK = "SELECT 1 FROM inventory_allocation WHERE sale_id = ANY(%s) FOR UPDATE"


async def postgres_killed(context: FaultContext) -> None:
    """SIGKILL PostgreSQL with all its processes."""
    context.kill("postgres")


async def postgres_killed_in_commit(context: FaultContext) -> None:
    """SIGKILL PostgreSQL at a moment at which a transaction is being committed."""
    if not await asyncio.to_thread(_kill_in_commit, context):
        context.notes.append("no COMMIT was caught; killed at some moment")
        context.kill("postgres")


async def postgres_frozen(context: FaultContext) -> None:
    """SIGSTOP PostgreSQL with all its processes for 8 s."""
    family = context.family("postgres")
    freeze(family)
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def postgres_slow(context: FaultContext) -> None:
    """Hold the stock rows of the sales locked for 12 s."""
    await asyncio.to_thread(_hold_locks, context)


def _hold_locks(context: FaultContext) -> None:
    with closing(psycopg2.connect(context.stack.endpoints.database_url)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [[*context.sale_ids.values()]])
            cursor.execute("SELECT pg_sleep(%s)", [LOCKED_SECONDS])
        connection.rollback()


def _kill_in_commit(context: FaultContext) -> bool:
    """Kill all of PostgreSQL when a backend's title says COMMIT. Returns whether one did."""
    deadline = context.elapsed() + LOOK_SECONDS
    while context.elapsed() < deadline:
        family = context.family("postgres")
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
