"""A second Redis that follows the stack's own, as a replica on another machine would."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import redis.asyncio

from shop.local.demo.beside import until
from shop.local.errors import ServerFailed
from shop.local.redis_server import RedisServer
from shop.local.server import HOST, Server

SYNC_SECONDS = 20.0


@asynccontextmanager
async def replica_of(primary: Server, state: Path) -> AsyncIterator[Path]:
    """Run a replica of `primary` from `state`; yield the folder of its files once it is in step.

    At the end the replica has stopped, and its files are whole.
    """
    shutil.rmtree(state, ignore_errors=True)
    replica = RedisServer(state, settings={"replicaof": f"{HOST} {primary.port}"})
    await asyncio.to_thread(replica.prepare)
    replica.start()
    try:
        await asyncio.to_thread(replica.wait_ready)
        async with redis.asyncio.Redis.from_url(replica.url, protocol=2) as client:
            await _wait_until_in_step(client)
            config: Any = await client.config_get("dir", "appenddirname")
        yield Path(config["dir"], config["appenddirname"])
    finally:
        await asyncio.to_thread(replica.stop)


async def _wait_until_in_step(client: redis.asyncio.Redis) -> None:
    async def is_in_step() -> bool:
        return bool((await client.info("replication"))["master_link_status"] == "up")

    if not await until(is_in_step, seconds=SYNC_SECONDS):
        raise ServerFailed("the replica", f"is not in step after {SYNC_SECONDS:g} s")
