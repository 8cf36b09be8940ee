"""The context of a fault: the running stack, its processes, and the keys of the sales."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil
import redis.asyncio

from shop.local.processes.service import Service
from shop.local.stack import Stack

from .order_stream import PLENTY

CONSUMERS = "persist"  # the group of those that read an outbox
LOOK_SECONDS = 5.0
HELD_UP_SECONDS = 1.5


@dataclass
class FaultContext:
    """A stack under load. A fault notes its findings in `notes` and `reported_lost`."""

    stack: Stack
    stock: redis.asyncio.Redis  # the database with the stock
    broker: redis.asyncio.Redis  # the database with the task queues
    sales: Mapping[str, str]  # slugs by PLENTY and SCARCE
    sale_ids: Mapping[str, int]  # by slug
    elapsed: Callable[[], float]  # seconds from the start of the load
    notes: list[str] = field(default_factory=list)
    reported_lost: set[str] = field(default_factory=set)
    not_done: str = ""  # why the fault has not happened
    broken: list[str] = field(default_factory=list)  # promises that the fault itself saw broken

    @property
    def slugs(self) -> list[str]:
        """The sales."""
        return [*self.sales.values()]

    @property
    def outbox(self) -> str:
        """The stream of accepted orders of the larger sale."""
        return key(self.sale_ids[self.sales[PLENTY]], "outbox")

    def keys(self, name: str) -> list[str]:
        """Return the key called `name` of each sale."""
        return [key(sale_id, name) for sale_id in self.sale_ids.values()]

    def service(self, name: str) -> Service:
        """Return a server, or a process of the Procfile."""
        return self.stack.servers.get(name) or self.stack.services[name]

    def family(self, *names: str) -> list[psutil.Process]:
        """Return the processes of these services with all that they have started."""
        found = []
        for name in names:
            try:
                head = psutil.Process(self.service(name).pid)
                found += [head, *head.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        return found

    def kill(self, *names: str) -> None:
        """SIGKILL these services with all that they have started, at once."""
        kill(self.family(*names))

    @asynccontextmanager
    async def worker_held_up(self) -> AsyncIterator[None]:
        """Let orders pile up that only Redis knows: the persist worker stands still."""
        family = self.family("worker")
        freeze(family)
        try:
            await asyncio.sleep(HELD_UP_SECONDS)
            yield
        finally:
            thaw(family)

    async def pending(self) -> dict[str, int]:
        """Return how many orders each consumer of the larger sale has taken and not finished."""
        reply = await self.stock.xpending(self.outbox, CONSUMERS)
        return {each["name"].decode(): each["pending"] for each in reply["consumers"]}


def key(sale_id: int, name: str) -> str:
    """Return a key of a sale, as `inventory/counters/keys.py` names it."""
    return f"{{sale:{sale_id}}}:{name}"


def kill(processes: Sequence[psutil.Process]) -> None:
    """SIGKILL all of these; some may have ended already."""
    _each(processes, psutil.Process.kill)


def freeze(processes: Sequence[psutil.Process]) -> None:
    """SIGSTOP all of these."""
    _each(processes, psutil.Process.suspend)


def thaw(processes: Sequence[psutil.Process]) -> None:
    """SIGCONT all of these."""
    _each(processes, psutil.Process.resume)


def _each(processes: Sequence[psutil.Process], action: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            action(process)
        except psutil.NoSuchProcess:
            continue
