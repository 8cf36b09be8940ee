"""Messages are lost or doubled: the Celery queues, the doorbell, the orders in the outbox."""

import asyncio
from typing import Any

from proof.drill.fault_context import Scene

LOST_SECONDS = 4.0
EVERY_SECONDS = 0.02
QUEUES = ("persist", "urgent", "settle", "upkeep", "notify", "unacked", "unacked_index")
COPIED = 20  # orders of each look


async def broker_queues_deleted(scene: Scene) -> None:
    """DEL every Celery queue, again and again for 4 s."""
    deadline = scene.elapsed() + LOST_SECONDS
    while scene.elapsed() < deadline:
        await scene.broker.delete(*QUEUES)
        await asyncio.sleep(EVERY_SECONDS)


async def doorbell_lost(scene: Scene) -> None:
    """Keep the doorbells pressed for 4 s, so that no order rings: only the sweep finds them."""
    deadline = scene.elapsed() + LOST_SECONDS
    while scene.elapsed() < deadline:
        await scene.stock.mset(dict.fromkeys(scene.keys("bell"), b"1"))
        await asyncio.sleep(EVERY_SECONDS)
    await scene.stock.delete(*scene.keys("bell"))


async def entry_delivered_twice(scene: Scene) -> None:
    """Append copies of accepted orders to the outboxes for 4 s, and once more when persisted."""
    old: list[tuple[str, dict[Any, Any]]] = []
    deadline = scene.elapsed() + LOST_SECONDS
    while scene.elapsed() < deadline:
        for outbox in scene.keys("outbox"):
            entries: Any = await scene.stock.xrange(outbox, count=COPIED)
            for _, fields in entries:
                await scene.stock.xadd(outbox, fields)
                old.append((outbox, fields))
        await asyncio.sleep(0.1)
    for outbox, fields in old:
        await scene.stock.xadd(outbox, fields)
    scene.notes.append(f"{2 * len(old)} copies of {len(old)} entries")
