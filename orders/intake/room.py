"""Is there room in Redis for more orders? The last of it belongs to what takes them out again."""

import asyncio
import logging
import time

import redis
from redis.asyncio import Redis

logger = logging.getLogger(__name__)

FULL_SHARE = 0.95  # of maxmemory; beyond, workers and the broker still write, and orders do not
LOOK_SECONDS = 1.0


class NoRoom(Exception):
    """Redis is so full that orders would take the room that draining them needs."""


class Room:
    """Looks once a second, while orders come, how full Redis is. Belongs to one event loop."""

    def __init__(self, connection: Redis) -> None:
        self._redis = connection
        self._full = False
        self._looked_at = -LOOK_SECONDS
        self._looking: asyncio.Task[None] | None = None

    def require(self) -> None:
        """Raise NoRoom where Redis was full at the last look. Waits for nothing."""
        if self._looking is None and time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            self._looking = asyncio.create_task(self._look())
        if self._full:
            raise NoRoom("Redis has hardly any memory left.")

    async def close(self) -> None:
        """Finish the look under way."""
        if self._looking is not None:
            await self._looking

    async def _look(self) -> None:
        try:
            recent_accepts = await self._redis.info("memory")
            limit = int(recent_accepts["maxmemory"])
            full = bool(limit) and int(recent_accepts["used_memory"]) >= FULL_SHARE * limit
            if full and not self._full:
                logger.error("Redis is full to %d %%: orders are answered 503", FULL_SHARE * 100)
            self._full = full
        except redis.RedisError as error:
            logger.info("how full Redis is can't be read, it is as before: %s", error)
        finally:
            self._looking = None
