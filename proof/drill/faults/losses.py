"""Redis loses its data: the product answers 503 until an operator rebuilds the sales."""

import asyncio
import re
import shutil
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

from proof.drill.fault_context import FaultContext, freeze, kill
from proof.drill.outcome import NotDone
from proof.drill.replica import replica_of, running_replica, take_over_state
from proof.drill.surroundings import running_with
from proof.waiting import until
from shop.local.servers.server import Server

NOTICED_SECONDS = 2.0  # until an operator comes
SOLD_ON_SECONDS = 1.5  # after the older state was made
PERSISTED_SECONDS = 10.0  # at most, while nothing new comes in
LOST = re.compile(r"order (\S+) is lost")


async def redis_emptied(context: FaultContext) -> None:
    """FLUSHALL, with orders that nothing else knows; then an operator runs rebuild_stock."""
    async with context.worker_held_up():
        await context.stock.flushall()
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(context)


async def redis_older_copy(context: FaultContext) -> None:
    """Redis starts from a copy of its files, 1.5 s old; then an operator runs rebuild_stock."""
    folder = await _folder(context)
    copy = context.stack.state / "drill-copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    async with context.worker_held_up():
        _restart_with(context, folder, copy)
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(context)


async def redis_replica_takes_over(context: FaultContext) -> None:
    """Redis and its disk are lost; an asynchronous replica's data takes their place."""
    folder = await _folder(context)
    async with _replica(context) as copy:
        await _stand_still_with_orders(context)
    _restart_with(context, folder, copy)
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(context)


async def redis_replica_takes_over_waited(context: FaultContext) -> None:
    """The same, but each acceptance has waited for the replica (WAIT): it has all orders."""
    folder = await _folder(context)
    async with AsyncExitStack() as waiting:
        async with _replica(context) as copy:
            env = {"REDIS_WAIT_REPLICAS": "1"}
            await waiting.enter_async_context(running_with(context, "web", env=env))
            await _stand_still_with_orders(context)
        _restart_with(context, folder, copy)
        # No order is accepted until an operator turns the waiting off, since the replica is gone.
        # Nothing has to be rebuilt.
        await asyncio.sleep(NOTICED_SECONDS)


async def redis_primary_before(context: FaultContext) -> None:
    """A primary of before is promoted again: older counters, full caches. Then rebuild_stock."""
    async with running_replica(*_beside(context)) as before:
        await before.replicaof("NO", "ONE")
        await asyncio.sleep(SOLD_ON_SECONDS)
        async with context.worker_held_up():
            await take_over_state(context.stock, before)
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(context)


async def redis_primary_before_web_restarted(context: FaultContext) -> None:
    """The same, while web is down: no process remembers the server; the ledger has all orders."""
    async with running_replica(*_beside(context)) as before:
        await before.replicaof("NO", "ONE")
        await asyncio.sleep(SOLD_ON_SECONDS)
        family = context.family("web")
        freeze(family)  # it must not start again in between

        async def all_is_persisted() -> bool:
            return not any([await context.stock.xlen(outbox) for outbox in context.keys("outbox")])

        if not await until(all_is_persisted, seconds=PERSISTED_SECONDS):
            raise NotDone("the outboxes did not become empty")
        await take_over_state(context.stock, before)
        kill(family)
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(context)


def _beside(context: FaultContext) -> tuple[Server, Path]:
    """Return the server that is followed, and where its replica keeps its files."""
    return context.stack.servers["redis"], context.stack.state / "drill-replica"


def _replica(context: FaultContext) -> AbstractAsyncContextManager[Path]:
    return replica_of(*_beside(context))


async def _stand_still_with_orders(context: FaultContext) -> None:
    """Leave Redis frozen with orders that PostgreSQL does not know. Raises NotDone."""
    async with context.worker_held_up():
        waiting = await context.stock.xlen(context.outbox)
        freeze(context.family("redis"))
    if not waiting:
        raise NotDone("PostgreSQL knew all orders when Redis was lost")
    context.notes.append(f"{waiting} orders were not in PostgreSQL when Redis was lost")


async def _folder(context: FaultContext) -> Path:
    """Return the folder in which Redis keeps its files."""
    config: Any = await context.stock.config_get("dir", "appenddirname")
    return Path(config["dir"], config["appenddirname"])


def _restart_with(context: FaultContext, folder: Path, copy: Path) -> None:
    """Put `copy` in the place of `folder` under Redis, and kill it: it starts again from there."""
    family = context.family("redis")
    freeze(family)  # it must not start again in between
    shutil.rmtree(folder)
    copy.rename(folder)
    kill(family)


async def _rebuild(context: FaultContext) -> None:
    """Rebuild the sales, and note the orders that the product names as lost."""
    for slug in context.slugs:
        printed = await context.stack.manage("rebuild_stock", slug)
        context.reported_lost.update(LOST.findall(printed))
