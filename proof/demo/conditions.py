"""Conditions that have to hold before a demo sale can go on, or be checked."""

import json
from typing import Any

from proof.answers import ACCEPTED
from shop.local.web import Web

from .account.records import Records


async def has_ended(records: Records, web: Web, sale: str) -> bool:
    """Return whether no accepted order waits for anything, and what came back is on sale."""
    sampler = records.sampler
    await sampler.sample()
    everything = sampler.persisted >= records.book.first[ACCEPTED]
    if not everything or sampler.held or sampler.unsettled:
        return False
    reply = await web.get(f"/api/v1/sales/{sale}")
    return reply.status == 200 and is_balanced(json.loads(reply.text))


async def is_delivered(records: Records) -> bool:
    """Return whether every event has been delivered."""
    await records.sampler.sample()
    return not records.sampler.undelivered


def is_balanced(sale: dict[str, Any]) -> bool:
    """Return whether every unit of a sale, as the API shows it, is available, held or sold."""
    return all(
        sku["allocated"] == sku["available"] + sku["held"] + sku["sold"] for sku in sale["skus"]
    )
