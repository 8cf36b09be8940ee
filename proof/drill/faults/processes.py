"""The product's own processes end or stand still."""

import asyncio
from signal import Signals

import psutil

from proof.drill.fault_context import LOOK_SECONDS, Scene, freeze, kill, thaw
from proof.drill.outcome import NotDone

PEACE_SECONDS = 4.0
ROLLS = 2
FROZEN_SECONDS = 8.0  # longer than a consumer may be silent before its orders are taken over

PRODUCT = ("web", "worker", "urgent", "settle", "upkeep", "notifier", "beat")
SERVERS = ("redis", "postgres")


async def nothing(scene: Scene) -> None:
    """Break nothing for 4 s: what the other figures are to be compared with."""
    await asyncio.sleep(PEACE_SECONDS)


async def web_killed(scene: Scene) -> None:
    """SIGKILL web: answers under way are lost, and so is what it remembers."""
    scene.kill("web")


async def web_asked_to_end(scene: Scene) -> None:
    """SIGTERM to web, as at a deployment."""
    _terminate(scene, "web")


async def web_rolled(scene: Scene) -> None:
    """Let a new web process take over from the running one, twice: what SIGHUP does."""
    for _ in range(ROLLS):
        if not await scene.stack.roll_web():
            raise NotDone("no new web process has taken over")


async def worker_killed_in_batch(scene: Scene) -> None:
    """SIGKILL the persist worker and its children while they hold orders."""
    family = scene.family("worker")
    if not await _freeze_in_batch(scene, family):
        scene.notes.append("the worker was killed between two batches")
    kill(family)


async def worker_asked_to_end(scene: Scene) -> None:
    """SIGTERM to the persist worker."""
    _terminate(scene, "worker")


async def worker_frozen(scene: Scene) -> None:
    """SIGSTOP the persist worker and its children, in a batch, for 8 s."""
    family = scene.family("worker")
    await _freeze_in_batch(scene, family)
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def consumer_frozen(scene: Scene) -> None:
    """SIGSTOP the one process that holds orders for 8 s: another takes them over meanwhile."""
    family = scene.family("worker")
    if not await _freeze_in_batch(scene, family):
        thaw(family)
        scene.notes.append("no process was found in a batch")
        return
    holders = {
        int(name.rpartition(":")[2]) for name, count in (await scene.pending()).items() if count
    }
    thaw([process for process in family if process.pid not in holders])
    await asyncio.sleep(FROZEN_SECONDS)
    thaw(family)


async def beat_killed(scene: Scene) -> None:
    """SIGKILL beat, which asks for every sweep."""
    scene.kill("beat")


async def upkeep_killed(scene: Scene) -> None:
    """SIGKILL the upkeep worker, which reconciles."""
    scene.kill("upkeep")


async def urgent_killed(scene: Scene) -> None:
    """SIGKILL the urgent worker, which ends holds, gives stock back and sweeps."""
    scene.kill("urgent")


async def settle_killed(scene: Scene) -> None:
    """SIGKILL the worker that applies payments."""
    scene.kill("settle")


async def everything_killed(scene: Scene) -> None:
    """SIGKILL every process of the product and both servers at once, with orders under way."""
    async with scene.worker_held_up():
        scene.kill(*SERVERS, *PRODUCT)


def _terminate(scene: Scene, name: str) -> None:
    head = scene.service(name).pid
    assert head is not None
    psutil.Process(head).send_signal(Signals.SIGTERM)


async def _freeze_in_batch(scene: Scene, family: list[psutil.Process]) -> bool:
    """Leave `family` frozen at a moment at which it holds orders. Returns whether it does."""
    deadline = scene.elapsed() + LOOK_SECONDS
    while True:
        freeze(family)
        if any((await scene.pending()).values()):
            return True
        if scene.elapsed() > deadline:
            return False
        thaw(family)
        await asyncio.sleep(0.005)
