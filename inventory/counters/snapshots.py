"""Reads of a sale's counters, all at one moment, and of the server that holds them."""

from collections.abc import Sequence
from typing import Any

import redis

from inventory import errors
from inventory.reservation import CountersSnapshot, SkuCounters, position_of
from shop.core.stores.redis import client

from .keys import Keys
from .lua import ask


def snapshot(sale_id: int, slug: str) -> CountersSnapshot:
    """Read a sale's counters and how far they count. Raises CountersLost, CountersUnavailable."""
    _, seen = server_and_snapshot(sale_id)
    if seen is None:
        raise errors.CountersLost(slug)
    return seen


def server() -> bytes:
    """Return the replication id of the Redis that answers. Raises CountersUnavailable."""
    try:
        return str(client().info("replication")["master_replid"]).encode()
    except redis.RedisError as error:
        raise errors.CountersUnavailable(f"Redis does not answer: {error}") from error


def server_and_snapshot(sale_id: int) -> tuple[bytes, CountersSnapshot | None]:
    """Return the server that answers, and a sale's counters on it if it has any.

    Raises CountersUnavailable.
    """
    keys = Keys.of(sale_id)
    reply = ask("snapshot.lua", [keys.config, keys.stock, keys.outbox])
    server, *counted = reply
    return server, _snapshot(server, *counted) if counted and counted[-1] else None


def _snapshot(
    server: bytes,
    epoch: bytes,
    version: bytes,
    after: bytes | None,
    last: bytes,
    waiting: int,
    flat: list[bytes],
) -> CountersSnapshot:
    stock = {name.decode(): int(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}
    return CountersSnapshot(
        server=server,
        epoch=int(epoch),
        version=int(version),
        after=None if after is None else int(after),
        position=position_of(last),
        waiting=waiting,
        accepted=stock.get("orders", 0),
        releases=stock["releases"],
        skus={int(name): _of_sku(name, stock) for name in stock if name.isdigit()},
    )


def _of_sku(name: str, stock: dict[str, int]) -> SkuCounters:
    available, taken, returned = stock[name], stock[f"{name}:t"], stock[f"{name}:r"]
    # Counters that an earlier version has opened do not say what they had in all.
    allocated = stock.get(f"{name}:a", available + taken - returned)
    return SkuCounters(allocated, available, taken, returned)


def are_there(sale_id: int, *, epoch: int) -> bool:
    """Tell whether a sale has counters of this epoch."""
    found: Any = client().hget(Keys.of(sale_id).config, "epoch")
    return found is not None and int(found) == epoch


def epochs(sale_ids: Sequence[int]) -> dict[int, int | None]:
    """Return the epoch of each sale's counters, None without any, in one round trip."""
    found = _field_of_each([Keys.of(sale_id).config for sale_id in sale_ids], "epoch")
    return dict(zip(sale_ids, found, strict=True))


def forgotten_refusals(sale_ids: Sequence[int]) -> dict[int, int]:
    """Return how many refusals each sale forgot before their time, in one round trip."""
    found = _field_of_each([Keys.of(sale_id).stock for sale_id in sale_ids], "forgotten")
    return {sale_id: number or 0 for sale_id, number in zip(sale_ids, found, strict=True)}


def _field_of_each(keys: list[str], field: str) -> list[int | None]:
    with client().pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hget(key, field)
        replies: list[Any] = pipe.execute(raise_on_error=False)  # a bad key costs its sale alone
    return [int(reply) if isinstance(reply, bytes) else None for reply in replies]
