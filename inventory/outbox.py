"""The stream of accepted orders that wait to be persisted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from shop.core.stores.redis import client

from .counters.keys import PERSIST_GROUP as PERSIST_GROUP  # named to users of this module
from .counters.keys import Keys
from .counters.lua import call
from .reservation import entry_id_of, position_of

ABANDONED_MS = 86_400_000  # an idle time beyond any that is waited for


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted order as the outbox holds it."""

    entry_id: bytes
    payload: bytes
    accepted_at_ms: int
    held_until_ms: int  # 0: for good
    epoch: int

    @property
    def position(self) -> int:
        """Its place in the outbox, as one ordered integer."""
        return position_of(self.entry_id)


def clock() -> datetime:
    """Return the time as Redis has it, by which holds begin."""
    seconds, micros = client().time()
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def read_new(sale_id: int, *, consumer: str, count: int) -> list[Entry]:
    """Take up to `count` entries that no consumer has taken. Returns at once, also with none."""
    outbox = Keys.of(sale_id).outbox
    try:
        reply: Any = client().xreadgroup(PERSIST_GROUP, consumer, {outbox: ">"}, count=count)
    except redis.ResponseError as error:
        if "NOGROUP" not in str(error):
            raise
        _create_group(outbox)
        return read_new(sale_id, consumer=consumer, count=count)
    return [_entry(*raw) for _, raws in reply for raw in raws]


def claim_stale(sale_id: int, *, consumer: str, idle_ms: int, count: int) -> list[Entry]:
    """Take over up to `count` entries whose consumer has been silent for `idle_ms`.

    Redis measures silence with a clock that can be put back, and then orders of a dead consumer
    would wait until it is where it was. Until then everything is taken over at once: an order that
    is persisted twice counts once.
    """
    outbox = Keys.of(sale_id).outbox
    try:
        if _clock_was_put_back(outbox, idle_ms):
            idle_ms = 0
        _, raws, _ = client().xautoclaim(
            outbox, PERSIST_GROUP, consumer, min_idle_time=idle_ms, start_id="0-0", count=count
        )
    except redis.ResponseError as error:
        if "NOGROUP" not in str(error) and "no such key" not in str(error):
            raise
        return []
    return [_entry(*raw) for raw in raws if raw[1]]


def _clock_was_put_back(outbox: str, by_ms: int) -> bool:
    with client().pipeline(transaction=False) as pipe:
        pipe.xinfo_stream(outbox)
        pipe.time()
        stream, (seconds, _) = pipe.execute()
    newest = int(stream["last-generated-id"].partition(b"-")[0])
    return bool(newest > seconds * 1000 + by_ms)


def give_back(sale_id: int, entries: Sequence[Entry], *, consumer: str) -> None:
    """Let anyone take over entries at once that `consumer` could not persist."""
    ids: list[Any] = [entry.entry_id for entry in entries]
    outbox = Keys.of(sale_id).outbox
    client().xclaim(outbox, PERSIST_GROUP, consumer, 0, ids, idle=ABANDONED_MS, justid=True)


def acknowledge(sale_id: int, entries: Sequence[bytes], order_ids: Sequence[bytes]) -> int:
    """Take entries out of the outbox for good. Returns how many are left in it."""
    keys = Keys.of(sale_id)
    arguments: list[Any] = [PERSIST_GROUP, len(entries), *entries, *order_ids]
    return int(call("acknowledge.lua", [keys.outbox, keys.pending], arguments))


def backlogs(sale_ids: Sequence[int]) -> dict[int, int]:
    """Return how many accepted orders of each sale are not persisted yet, in one round trip."""
    with client().pipeline(transaction=False) as pipe:
        for sale_id in sale_ids:
            pipe.xlen(Keys.of(sale_id).outbox)
        return dict(zip(sale_ids, pipe.execute(), strict=True))


def waiting(sale_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return how many orders of each sale are not persisted, and since when (ms) the oldest is."""
    with client().pipeline(transaction=False) as pipe:
        for sale_id in sale_ids:
            pipe.xlen(Keys.of(sale_id).outbox)
            pipe.xrange(Keys.of(sale_id).outbox, count=1)
        replies: list[Any] = pipe.execute()
    return {
        sale_id: (length, int(first[0][0].partition(b"-")[0]) if first else 0)
        for sale_id, length, first in zip(sale_ids, replies[::2], replies[1::2], strict=True)
    }


def taken(sale_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return how many entries of each sale's outbox each consumer group has taken and not ended."""
    with client().pipeline(transaction=False) as pipe:
        for sale_id in sale_ids:
            pipe.xinfo_groups(Keys.of(sale_id).outbox)
        # A sale without an outbox is an error to Redis, and no group to us.
        replies: list[Any] = pipe.execute(raise_on_error=False)
    return dict(zip(sale_ids, map(_taken_by_group, replies), strict=True))


def _taken_by_group(reply: Any) -> dict[str, int]:
    if isinstance(reply, Exception):
        return {}
    return {group["name"].decode(): int(group["pending"]) for group in reply}


def clear_wakeup(sale_id: int) -> None:
    """From now on the next order accepted asks for a persist task again."""
    client().delete(Keys.of(sale_id).wakeup)


def find(sale_id: int, order_id: bytes) -> Entry | None:
    """Return the entry of an order that is accepted and not yet persisted."""
    return find_all([(sale_id, order_id)]).get(order_id)


def find_all(orders: Sequence[tuple[int, bytes]]) -> dict[bytes, Entry]:
    """Return the entries of those (sale, order id) that are accepted and not yet persisted."""
    with client().pipeline(transaction=False) as pipe:
        for sale_id, order_id in orders:
            pipe.hget(Keys.of(sale_id).pending, order_id)
        entry_ids = pipe.execute()
        waiting = [
            (sale_id, order_id, entry_id)
            for (sale_id, order_id), entry_id in zip(orders, entry_ids, strict=True)
            if entry_id is not None
        ]
        for sale_id, _, entry_id in waiting:
            pipe.xrange(Keys.of(sale_id).outbox, entry_id, entry_id)
        found = zip(waiting, pipe.execute(), strict=True)
        return {order_id: _entry(*raws[0]) for (_, order_id, _), raws in found if raws}


def order_ids(sale_id: int) -> set[bytes]:
    """Return the ids of all orders that are accepted and not yet persisted."""
    ids: Any = client().hkeys(Keys.of(sale_id).pending)
    return set(ids)


def still_waiting(sale_id: int, order_ids: Sequence[bytes]) -> set[bytes]:
    """Return those of these orders that are accepted and not yet persisted."""
    if not order_ids:
        return set()
    entries: list[Any] = client().hmget(Keys.of(sale_id).pending, list(order_ids))
    return {pk for pk, entry in zip(order_ids, entries, strict=True) if entry is not None}


def entries_up_to(sale_id: int, position: int, *, page: int = 2000) -> Iterator[Entry]:
    """Yield all entries in the outbox with a position of at most `position`, oldest first."""
    outbox, last = Keys.of(sale_id).outbox, entry_id_of(position)
    start = b"-"
    while raws := _xrange(outbox, start, last, page):
        yield from (_entry(*raw) for raw in raws)
        if len(raws) < page:
            return
        start = b"(" + raws[-1][0]


def _xrange(outbox: str, start: bytes, last: bytes, count: int) -> list[Any]:
    raws: Any = client().xrange(outbox, start, last, count=count)
    return list(raws)


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    return Entry(
        entry_id=entry_id,
        payload=fields.get(b"o", b""),
        accepted_at_ms=_integer(fields.get(b"t")),
        held_until_ms=_integer(fields.get(b"h")),
        epoch=_integer(fields.get(b"e")),
    )


def _integer(value: bytes | None) -> int:
    """Return a number that our script wrote, or 0 for what someone else put into the stream."""
    return int(value) if value is not None and value.isdigit() else 0


def _create_group(outbox: str) -> None:
    try:
        client().xgroup_create(outbox, PERSIST_GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):  # another worker was faster
            raise
