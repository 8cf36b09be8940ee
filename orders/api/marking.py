"""Marking orders as being paid before their payments are noted: those of a moment in one call.

A thread of its own does it, since the others may all be waiting for PostgreSQL, and that is when a
mark is needed.
"""

import asyncio
import itertools
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis

from inventory import paying
from orders.domain import sale_id_of
from orders.http.gathered import Together

logger = logging.getLogger(__name__)

# A payment waits no longer for its mark: without one it is noted all the same.
PATIENCE_SECONDS = 1.0
# Two payments of an order have two marks, in whatever processes they are noted.
_PROCESS = secrets.token_bytes(4)
_numbers = itertools.count()
_pool = ThreadPoolExecutor(1, thread_name_prefix="marks")


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """That one payment of an order is on its way into the ledger."""

    sale_id: int
    member: bytes


def mark_of(order_id: UUID) -> Mark | None:
    """Return a new mark of an order, None where the id is none of ours."""
    sale_id = sale_id_of(order_id)
    if sale_id is None:
        return None
    return Mark(
        sale_id, order_id.bytes + _PROCESS + (next(_numbers) & 0xFFFFFFFF).to_bytes(4, "big")
    )


async def is_set(mark: Mark) -> bool:
    """Set a mark. Returns whether it is known to be set."""
    try:
        return await _set_together(mark)
    except TimeoutError:
        logger.warning("Redis did not mark an order as being paid in time")
        return False


def take_away(marks: Collection[Mark]) -> None:
    """Take marks away soon, if Redis is there: they end by themselves. From any thread."""
    if marks:
        _pool.submit(_take_all_away, marks)


async def _in_the_thread(function: Callable[..., Any], *args: Any) -> Any:
    running = asyncio.get_running_loop().run_in_executor(_pool, function, *args)
    return await asyncio.wait_for(running, PATIENCE_SECONDS)


def _set_all(marks: Collection[Mark]) -> Mapping[Mark, bool]:
    found: dict[Mark, bool] = {}
    for sale_id, some in _by_sale(marks).items():
        try:
            count = paying.mark(sale_id, [mark.member for mark in some])
        except redis.RedisError as error:
            logger.warning("orders are not marked as being paid: %s", error)
            count = 0
        found.update((mark, number < count) for number, mark in enumerate(some))
    return found


def _take_all_away(marks: Collection[Mark]) -> None:
    for sale_id, some in _by_sale(marks).items():
        try:
            paying.take_away(sale_id, [mark.member for mark in some])
        except redis.RedisError as error:
            logger.warning("marks of orders that are being paid are left to their end: %s", error)


def _by_sale(marks: Collection[Mark]) -> Mapping[int, list[Mark]]:
    found = defaultdict(list)
    for mark in marks:
        found[mark.sale_id].append(mark)
    return found


_set_together: Together[Mark, bool] = Together(_set_all, _in_the_thread)
