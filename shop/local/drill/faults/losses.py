"""Redis loses what it knew: the product answers 503 until an operator rebuilds the sales."""

import asyncio
import re
import shutil
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

from shop.local.drill.outcome import NotDone
from shop.local.drill.replica import replica_of
from shop.local.drill.scene import Scene, freeze, kill
from shop.local.drill.surroundings import running_with

NOTICED_SECONDS = 2.0  # until an operator comes
LOST = re.compile(r"order (\S+) is lost")


async def redis_emptied(scene: Scene) -> None:
    """FLUSHALL, with orders that nothing else knows; then an operator runs rebuild_stock."""
    async with scene.worker_held_up():
        await scene.stock.flushall()
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(scene)


async def redis_older_copy(scene: Scene) -> None:
    """Redis starts from a copy of its files, 1.5 s old; then an operator runs rebuild_stock."""
    folder = await _folder(scene)
    copy = scene.stack.state / "drill-copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    async with scene.worker_held_up():
        _restart_with(scene, folder, copy)
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(scene)


async def redis_replica_takes_over(scene: Scene) -> None:
    """Redis and its disk are lost; an asynchronous replica's data takes their place."""
    folder = await _folder(scene)
    async with _replica(scene) as copy:
        await _stand_still_with_orders(scene)
    _restart_with(scene, folder, copy)
    await asyncio.sleep(NOTICED_SECONDS)
    await _rebuild(scene)


async def redis_replica_takes_over_waited(scene: Scene) -> None:
    """The same, but each yes has waited for the replica (WAIT): so it has them all."""
    folder = await _folder(scene)
    async with AsyncExitStack() as waiting:
        async with _replica(scene) as copy:
            env = {"REDIS_WAIT_REPLICAS": "1"}
            await waiting.enter_async_context(running_with(scene, "web", env=env))
            await _stand_still_with_orders(scene)
        _restart_with(scene, folder, copy)
        # No yes until an operator waits for no replica, since there is none any more. That is all
        # there is to do: nothing is rebuilt.
        await asyncio.sleep(NOTICED_SECONDS)


def _replica(scene: Scene) -> AbstractAsyncContextManager[Path]:
    return replica_of(scene.stack.servers["redis"], scene.stack.state / "drill-replica")


async def _stand_still_with_orders(scene: Scene) -> None:
    """Leave Redis frozen with orders that PostgreSQL does not know. Raises NotDone."""
    async with scene.worker_held_up():
        waiting = await scene.stock.xlen(scene.outbox)
        freeze(scene.family("redis"))
    if not waiting:
        raise NotDone("PostgreSQL knew all orders when Redis was lost")
    scene.notes.append(f"{waiting} orders were not in PostgreSQL when Redis was lost")


async def _folder(scene: Scene) -> Path:
    """Return the folder in which Redis keeps its files."""
    config: Any = await scene.stock.config_get("dir", "appenddirname")
    return Path(config["dir"], config["appenddirname"])


def _restart_with(scene: Scene, folder: Path, copy: Path) -> None:
    """Put `copy` in the place of `folder` under Redis, and kill it: it starts again from there."""
    family = scene.family("redis")
    freeze(family)  # it must not start again in between
    shutil.rmtree(folder)
    copy.rename(folder)
    kill(family)


async def _rebuild(scene: Scene) -> None:
    """Rebuild the sales, and note the orders that the product names as lost."""
    for slug in scene.slugs:
        printed = await scene.stack.manage("rebuild_stock", slug)
        scene.reported_lost.update(LOST.findall(printed))
