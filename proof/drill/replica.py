"""A second Redis that follows the stack's own, as a replica on another machine would."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import redis.asyncio

from proof.waiting import until
from shop.local.errors import ServerFailed
from shop.local.servers.redis_server import RedisServer
from shop.local.servers.server import HOST, Server

SYNC_SECONDS = 20.0


@asynccontextmanager
async def replica_of(primary: Server, state: Path) -> AsyncIterator[Path]:
    """Run a replica of `primary` from `state`; yield the folder of its files once it is in step.

    At the end the replica has stopped, and its files are whole.
    """
    async with running_replica(primary, state) as client:
        config: Any = await client.config_get("dir", "appenddirname")
        yield Path(config["dir"], config["appenddirname"])


@asynccontextmanager
async def running_replica(primary: Server, state: Path) -> AsyncIterator[redis.asyncio.Redis]:
    """Run a replica of `primary` from `state`, and yield a connection to it once it is in step."""
    shutil.rmtree(state, ignore_errors=True)
    settings = {"replicaof": f"{HOST} {primary.port}", "repl-diskless-sync-delay": "0"}
    replica = RedisServer(state, settings=settings)
    await asyncio.to_thread(replica.prepare)
    replica.start()
    try:
        await asyncio.to_thread(replica.wait_ready)
        async with redis.asyncio.Redis.from_url(replica.url, protocol=2) as client:
            await wait_until_in_step(client)
            yield client
    finally:
        await asyncio.to_thread(replica.stop)


async def take_over_state(server: redis.asyncio.Redis, source: redis.asyncio.Redis) -> None:
    """Let `server` follow `source` until it has its state, and be a primary of its own again."""
    port = source.connection_pool.connection_kwargs["port"]
    await server.replicaof(HOST, port)
    await wait_until_in_step(server)
    await server.replicaof("NO", "ONE")


async def wait_until_in_step(client: redis.asyncio.Redis) -> None:
    """Return once the replica `client` has its primary's state. Raises ServerFailed."""

    async def is_in_step() -> bool:
        return bool((await client.info("replication"))["master_link_status"] == "up")

    if not await until(is_in_step, seconds=SYNC_SECONDS):
        raise ServerFailed("the replica", f"is not in step after {SYNC_SECONDS:g} s")
