"""Messages are lost or doubled: the Celery queues, the doorbell, the orders in the outbox."""

import asyncio
from typing import Any

from proof.drill.fault_context import FaultContext

LOST_SECONDS = 4.0
EVERY_SECONDS = 0.02
QUEUES = ("persist", "urgent", "settle", "upkeep", "notify", "unacked", "unacked_index")
COPIED = 20  # orders of each look


async def broker_queues_deleted(context: FaultContext) -> None:
    """DEL every Celery queue, again and again for 4 s."""
    deadline = context.elapsed() + LOST_SECONDS
    while context.elapsed() < deadline:
        await context.broker.delete(*QUEUES)
        await asyncio.sleep(EVERY_SECONDS)


async def doorbell_lost(context: FaultContext) -> None:
    """Keep the doorbells pressed for 4 s, so that no order rings: only the sweep finds them."""
    deadline = context.elapsed() + LOST_SECONDS
    while context.elapsed() < deadline:
        await context.stock.mset(dict.fromkeys(context.keys("bell"), b"1"))
        await asyncio.sleep(EVERY_SECONDS)
    await context.stock.delete(*context.keys("bell"))


async def entry_delivered_twice(context: FaultContext) -> None:
    """Append copies of accepted orders to the outboxes for 4 s, and once more when persisted."""
    old: list[tuple[str, dict[Any, Any]]] = []
    deadline = context.elapsed() + LOST_SECONDS
    while context.elapsed() < deadline:
        for outbox in context.keys("outbox"):
            entries: Any = await context.stock.xrange(outbox, count=COPIED)
            for _, fields in entries:
                await context.stock.xadd(outbox, fields)
                old.append((outbox, fields))
        await asyncio.sleep(0.1)
    for outbox, fields in old:
        await context.stock.xadd(outbox, fields)
    context.notes.append(f"{2 * len(old)} copies of {len(old)} entries")
