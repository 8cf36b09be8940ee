"""Marks of orders that are being paid: a payment has come, and is not on record yet.

A mark keeps its order from the end of its hold and from its client's cancellation, for as long as
the payment is on its way into the ledger.
"""

from collections.abc import Collection, Sequence
from typing import Any

from shop.core.stores.redis import client

from .counters.keys import Keys
from .counters.lua import call

KEPT_MS = 60_000  # a process that died with a payment keeps its units for so long
MOST = 20_000  # marks of a sale, some 2 MB
_ORDER_ID = 16


def mark(sale_id: int, members: Sequence[bytes]) -> int:
    """Mark orders, each by its id's 16 bytes and as many more as tell two payments apart.

    Returns how many there was room for: the first ones. Raises redis.RedisError.
    """
    arguments: list[Any] = [KEPT_MS, MOST, *members]
    return int(call("mark_paying.lua", [Keys.of(sale_id).paying], arguments))


def take_away(sale_id: int, members: Sequence[bytes]) -> None:
    """Take marks away. Raises redis.RedisError."""
    client().zrem(Keys.of(sale_id).paying, *members)


def being_paid(sale_ids: Collection[int]) -> set[bytes]:
    """Return the ids of the orders of these sales that are marked, in one round trip.

    Raises redis.RedisError.
    """
    if not sale_ids:
        return set()
    with client().pipeline(transaction=False) as pipe:
        pipe.time()
        for sale_id in sale_ids:
            pipe.zrange(Keys.of(sale_id).paying, 0, -1, withscores=True)
        (seconds, micros), *marks = pipe.execute()
    now_ms = seconds * 1000 + micros // 1000
    return {
        member[:_ORDER_ID]
        for of_sale in marks
        for member, since_ms in of_sale
        if abs(now_ms - since_ms) <= KEPT_MS  # its clock may have been put back
    }
