"""A peer that runs: where it answers, which processes it has, what its stores know."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import psutil

from shop.local.errors import ServerFailed
from shop.local.processes.service import Service, wait_until

STILL_SECONDS = 5.0  # one in the middle of a write to the disk stops after it


class Stock(Protocol):
    """The stock of a peer, and the count of its accepted orders."""

    async def offer(self, sale: str, sku: str, units: int) -> None:
        """Open a new sale of one SKU, with so many units in stock."""

    async def accepted(self, sale: str) -> int:
        """Return how many orders of the sale are accepted."""


class Ledger(Protocol):
    """Where a peer's workers write its orders down."""

    async def persisted(self, sale: str) -> int:
        """Return how many orders of the sale are committed."""


@dataclass(frozen=True)
class RunningPeer:
    """The services of a peer, and how to look into its stores; see `Running`."""

    url: str
    api_key: str
    stock: Stock
    services: Mapping[str, Service]
    ledger: Ledger | None = None
    workers: tuple[str, ...] = ()  # those of the services that fill the ledger

    def pids(self) -> dict[str, int]:
        """Return the head process of each service."""
        return {name: service.pid for name, service in self.services.items() if service.pid}

    async def offer(self, sale: str, sku: str, units: int) -> None:
        """Open a new sale of one SKU, with so many units in stock."""
        await self.stock.offer(sale, sku, units)

    async def accepted(self, sale: str) -> int:
        """Return how many orders of the sale its store knows to be accepted."""
        return await self.stock.accepted(sale)

    async def persisted(self, sale: str) -> int | None:
        """Return how many orders of the sale are in PostgreSQL; None where none ever will be."""
        return await self.ledger.persisted(sale) if self.ledger else None

    async def pause_workers(self) -> None:
        """Freeze the workers; return once all stand still, or raise ServerFailed."""
        heads = self._workers()
        for head in heads:
            head.suspend()  # before its children are listed, for it might start another
        family = [*heads, *_children(heads)]
        for process in family:
            process.suspend()
        if not await asyncio.to_thread(wait_until, partial(_still, family), timeout=STILL_SECONDS):
            raise ServerFailed("a worker", f"does not stand still after {STILL_SECONDS:g} s")

    async def resume_workers(self) -> None:
        """Let the workers go on, children first, so that who has work finds hands for it."""
        heads = self._workers()
        for process in (*_children(heads), *heads):
            process.resume()

    def _workers(self) -> list[psutil.Process]:
        services = [self.services[name] for name in self.workers]
        return [psutil.Process(service.pid) for service in services if service.running]


def _children(heads: Sequence[psutil.Process]) -> list[psutil.Process]:
    return [child for head in heads for child in head.children(recursive=True)]


def _still(processes: Sequence[psutil.Process]) -> bool:
    return all(process.status() == psutil.STATUS_STOPPED for process in processes)
