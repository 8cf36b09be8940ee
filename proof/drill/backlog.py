"""Watches the age of the oldest order that waits to be persisted: whether workers keep up."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self

import redis.asyncio

LOOK_SECONDS = 0.1
LATE_SECONDS = 1.0  # an order that waits longer was held up


class Backlog:
    """The outboxes of some sales, looked at again and again inside an `async with`."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        outboxes: Sequence[str],
        *,
        elapsed: Callable[[], float],
    ) -> None:
        """Look through `client`, whose calls have time-outs; times are `elapsed()`, in seconds."""
        self.last_late = 0.0  # when an order was last seen that was held up
        self.last_look = 0.0
        self._client = client
        self._outboxes = outboxes
        self._elapsed = elapsed
        self._over = False

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._keep_reading())
        return self

    async def __aexit__(self, *_: object) -> None:
        # Not cancelled: on Python 3.11 a call of Redis can swallow that, and would go on for ever.
        self._over = True
        await self._watch

    async def _keep_reading(self) -> None:
        while not self._over:
            await self.read()
            await asyncio.sleep(LOOK_SECONDS)

    async def read(self) -> None:
        """Note whether an order is held up; without Redis it counts as held up."""
        try:
            late = await self._age() > LATE_SECONDS
        except redis.RedisError:
            late = True
        self.last_look = self._elapsed()
        if late:
            self.last_late = self.last_look

    async def is_empty(self) -> bool:
        """Return whether every accepted order is persisted; False where Redis does not say."""
        try:
            return not any([await self._client.xlen(outbox) for outbox in self._outboxes])
        except redis.RedisError:
            return False

    async def _age(self) -> float:
        """Return the age of the oldest order, by Redis' own clock, in seconds."""
        seconds, micros = await self._client.time()
        oldest = seconds + micros / 1e6
        for outbox in self._outboxes:
            entries: Any = await self._client.xrange(outbox, count=1)
            for entry_id, _ in entries:
                oldest = min(oldest, int(entry_id.split(b"-")[0]) / 1000)
        return float(seconds + micros / 1e6 - oldest)
