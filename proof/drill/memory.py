"""Watches how much memory web takes, at most."""

import asyncio
from contextlib import suppress
from typing import Self

import psutil

from .fault_context import FaultContext

LOOK_SECONDS = 0.25


class Memory:
    """The most memory that web had while inside an `async with`, all its processes together."""

    def __init__(self, context: FaultContext) -> None:
        self.peak_mib = 0.0
        self._context = context

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._keep_reading())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watch.cancel()
        await asyncio.wait([self._watch])

    async def _keep_reading(self) -> None:
        while True:
            taken = 0
            for process in self._context.family("web"):
                with suppress(psutil.NoSuchProcess):
                    taken += process.memory_info().rss
            self.peak_mib = max(self.peak_mib, taken / 2**20)
            await asyncio.sleep(LOOK_SECONDS)
