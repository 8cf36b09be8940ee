"""Counters closed, cleared and corrected, where Redis and the ledger differ."""

from shop.core.stores.redis import client

from .keys import Keys
from .lua import run

REFUSALS_MS = 240_000  # the longest that reserve.lua remembers a refusal


def fence(sale_id: int) -> None:
    """Close a sale's counters: from now on, orders are answered 503 until `load`."""
    client().delete(Keys.of(sale_id).config)


def fence_on(sale_id: int, server: bytes) -> None:
    """Close a sale's counters on `server`. Raises CountersUnavailable where another one answers."""
    run("", "fence.lua", [Keys.of(sale_id).config], [server])


def clear(sale_id: int) -> None:
    """Forget all counters and records of a fenced sale, but not its outbox."""
    keys = Keys.of(sale_id)
    client().unlink(keys.stock, keys.limits, keys.requests, keys.released)


def adjust_available(sale_id: int, allocation_id: int, units: int, *, server: bytes) -> None:
    """Add `units` (may be negative) to what is available, however orders flow meanwhile.

    Only on `server`, where the difference was read. Raises CountersUnavailable elsewhere.
    """
    keys = [Keys.of(sale_id).stock]
    run("", "adjust.lua", keys, [server, allocation_id, units])


def shorten_refusals(sale_id: int) -> None:
    """Let refusals go in minutes that an earlier version has kept for two days."""
    keys = Keys.of(sale_id)
    with client().pipeline(transaction=False) as pipe:
        for key in (keys.refusals, keys.refusals_too):
            pipe.pexpire(key, REFUSALS_MS, lt=True)
        pipe.execute()
