"""The product's own processes end or stand still."""

import asyncio
from signal import Signals

import psutil

from proof.drill.fault_context import LOOK_SECONDS, FaultContext, freeze, kill, thaw
from proof.drill.outcome import NotDone

PEACE_SECONDS = 4.0
ROLLS = 2
FROZEN_SECONDS = 8.0  # longer than a consumer may be silent before its orders are taken over

PRODUCT = ("web", "worker", "urgent", "settle", "upkeep", "notifier", "beat")
SERVERS = ("redis", "postgres")


async def nothing(context: FaultContext) -> None:
    """Break nothing for 4 s: the figures to compare the others with."""
    await asyncio.sleep(PEACE_SECONDS)


async def web_killed(context: FaultContext) -> None:
    """SIGKILL web: answers under way are lost, and so is all that it remembers."""
    context.kill("web")


async def web_asked_to_end(context: FaultContext) -> None:
    """SIGTERM to web, as at a deployment."""
    _terminate(context, "web")


async def web_rolled(context: FaultContext) -> None:
    """Let a new web process take over from the running one, twice: what SIGHUP does."""
    for _ in range(ROLLS):
        if not await context.stack.roll_web():
            raise NotDone("no new web process has taken over")


async def worker_killed_in_batch(context: FaultContext) -> None:
    """SIGKILL the persist worker and its children while they hold orders."""
    family = context.family("worker")
    if not await _freeze_in_batch(context, family):
        context.notes.append("the worker was killed between two batches")
    kill(family)


async def worker_asked_to_end(context: FaultContext) -> None:
    """SIGTERM to the persist worker."""
    _terminate(context, "worker")


async def worker_frozen(context: FaultContext) -> None:
    """SIGSTOP the persist worker and its children, in a batch, for 8 s."""
    family = context.family("worker")
    await _freeze_in_batch(context, family)
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def consumer_frozen(context: FaultContext) -> None:
    """SIGSTOP the one process that holds orders for 8 s: another takes them over meanwhile."""
    family = context.family("worker")
    if not await _freeze_in_batch(context, family):
        thaw(family)
        context.notes.append("no process was found in a batch")
        return
    holders = {
        int(name.rpartition(":")[2]) for name, count in (await context.pending()).items() if count
    }
    thaw([process for process in family if process.pid not in holders])
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def beat_killed(context: FaultContext) -> None:
    """SIGKILL beat, which asks for every sweep."""
    context.kill("beat")


async def upkeep_killed(context: FaultContext) -> None:
    """SIGKILL the upkeep worker, which reconciles."""
    context.kill("upkeep")


async def urgent_killed(context: FaultContext) -> None:
    """SIGKILL the urgent worker, which ends holds, gives stock back and sweeps."""
    context.kill("urgent")


async def settle_killed(context: FaultContext) -> None:
    """SIGKILL the worker that applies payments."""
    context.kill("settle")


async def everything_killed(context: FaultContext) -> None:
    """SIGKILL every process of the product and both servers at once, with orders under way."""
    async with context.worker_held_up():
        context.kill(*SERVERS, *PRODUCT)


def _terminate(context: FaultContext, name: str) -> None:
    head = context.service(name).pid
    assert head is not None
    psutil.Process(head).send_signal(Signals.SIGTERM)


async def _freeze_in_batch(context: FaultContext, family: list[psutil.Process]) -> bool:
    """Leave `family` frozen at a moment at which it holds orders. Returns whether it does."""
    deadline = context.elapsed() + LOOK_SECONDS
    while True:
        freeze(family)
        if any((await context.pending()).values()):
            return True
        if context.elapsed() > deadline:
            return False
        thaw(family)
        await asyncio.sleep(0.005)
