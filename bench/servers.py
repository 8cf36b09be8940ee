"""The pair of servers that the contestants of a scenario share, each finding them empty."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from redis.asyncio import Redis

from bench.contestant import Servers
from proof.waiting import until
from shop.local.errors import ServerFailed
from shop.local.processes.logs import LogSink
from shop.local.servers.account import remove_state
from shop.local.servers.embedded import locked
from shop.local.servers.postgres import Postgres
from shop.local.servers.redis_server import RedisServer
from shop.local.servers.server import Server

REWRITE_SECONDS = 60.0
REDIS_SECONDS = 10.0  # of patience: an empty server has a large one to forget


@dataclass(frozen=True)
class Pair:
    """A running PostgreSQL and a running Redis."""

    state: Path
    postgres: Postgres
    redis: RedisServer
    _turns: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def pids(self) -> dict[str, int]:
        """Return both servers' processes by name."""
        return {each.name: each.pid for each in (self.postgres, self.redis) if each.pid}

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[Servers]:
        """Yield the servers with an empty Redis and a database that goes with the block."""
        await self._empty_redis()
        name = f"bench_{next(self._turns)}"
        await asyncio.to_thread(self._execute, f'CREATE DATABASE "{name}"')
        url = urlsplit(self.postgres.url)._replace(path=f"/{name}").geturl()
        try:
            yield Servers(self.redis.url, url, self.state)
        finally:
            await asyncio.to_thread(self._execute, f'DROP DATABASE "{name}" WITH (FORCE)')

    @asynccontextmanager
    async def client(self, db: int = 0) -> AsyncIterator[Redis]:
        """Yield a client of Redis; each call has a time-out."""
        url = urlsplit(self.redis.url)._replace(path=f"/{db}").geturl()
        async with Redis.from_url(
            url, protocol=2, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        ) as client:
            yield client

    async def _empty_redis(self) -> None:
        """Empty it, log and all: nobody's turn is to be the one in which the log is rewritten."""
        async with self.client() as client:
            await client.flushall()
            await client.bgrewriteaof()

            async def is_rewritten() -> bool:
                about: Any = await client.info("persistence")
                return not about["aof_rewrite_in_progress"] and not about["aof_rewrite_scheduled"]

            if not await until(is_rewritten, seconds=REWRITE_SECONDS):
                reason = f"did not rewrite its log within {REWRITE_SECONDS:g} s"
                raise ServerFailed("redis", reason, self.redis.last_lines())

    def _execute(self, statement: str) -> None:
        with closing(psycopg2.connect(self.postgres.url, connect_timeout=3)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


@asynccontextmanager
async def pair(state: Path) -> AsyncIterator[Pair]:
    """Run a new pair of servers from `state`, which is emptied before. Raises LocalStackError."""
    async with AsyncExitStack() as exits:
        await asyncio.to_thread(_clear, state)
        exits.enter_context(locked(state))
        sink = exits.enter_context(LogSink(state / "logs"))
        postgres = Postgres(state, write=sink.writer("postgres"))
        redis = RedisServer(state, write=sink.writer("redis"))
        servers: tuple[Server, ...] = (postgres, redis)
        await asyncio.gather(*(asyncio.to_thread(server.prepare) for server in servers))
        for server in servers:
            exits.push_async_callback(asyncio.to_thread, server.stop)
            server.start()  # in this thread, which outlives it
        await asyncio.gather(*(asyncio.to_thread(server.wait_ready) for server in servers))
        yield Pair(state, postgres, redis)


def _clear(state: Path) -> None:
    if state.exists():
        remove_state(state)
    state.mkdir(parents=True)
    state.chmod(0o711)  # PostgreSQL's user has to pass through, where that is not our own
