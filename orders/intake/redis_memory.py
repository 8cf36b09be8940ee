"""Room in Redis for more orders. The last of it belongs to the workers that take orders out."""

import asyncio
import logging
import time

import redis

from inventory.reserving import StockConnection

logger = logging.getLogger(__name__)

FULL_SHARE = 0.95  # of maxmemory; beyond, workers and the broker still write, and orders do not
LOOK_SECONDS = 1.0


class RedisFull(Exception):
    """Redis is so full that orders would take the room that draining them needs."""


class RedisMemory:
    """Reads once a second, while orders come, how full Redis is. Belongs to one event loop."""

    def __init__(self, connection: StockConnection) -> None:
        self._connection = connection
        self._full = False
        self._read_at = -LOOK_SECONDS
        self._reading: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Raise RedisFull where Redis was full when last read. Waits for nothing."""
        if self._reading is None and time.monotonic() - self._read_at >= LOOK_SECONDS:
            self._read_at = time.monotonic()
            self._reading = asyncio.create_task(self._read())
        if self._full:
            raise RedisFull("Redis has hardly any memory left.")

    async def close(self) -> None:
        """Finish the reading under way."""
        if self._reading is not None:
            await self._reading

    async def _read(self) -> None:
        try:
            full = await self._connection.memory_share() >= FULL_SHARE
            if full and not self._full:
                logger.error("Redis is full to %d %%: orders are answered 503", FULL_SHARE * 100)
            self._full = full
        except redis.RedisError as error:
            logger.info("how full Redis is can't be read, it is as before: %s", error)
        finally:
            self._reading = None
