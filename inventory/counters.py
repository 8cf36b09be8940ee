"""The Redis side of stock: one typed wrapper around the Lua files, whose contracts stand there."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

import redis

from shop.core.stores.redis import client, script

from . import errors
from .reservation import (
    Accepted,
    AcceptedBefore,
    BacklogFull,
    Closed,
    CountersSnapshot,
    Gap,
    KeyReused,
    LimitReached,
    NoCounter,
    NotOpen,
    Outcome,
    Release,
    Reservation,
    SkuCounters,
    SoldOut,
    entry_id_of,
    position_of,
)

LUA = Path(__file__).parent / "lua"
_HEAD = Struct(">16s16s16sHHHB")
_LINE = Struct(">QI")
PERSIST_GROUP = "persist"
REFUSALS_MS = 240_000  # the longest that reserve.lua remembers a refusal


class Keys(NamedTuple):
    """The keys of one sale. The shared hash tag keeps them on one node of a cluster."""

    config: str
    stock: str
    limits: str
    requests: str
    refusals: str  # two generations of them, which take turns
    refusals_too: str
    outbox: str
    pending: str
    wakeup: str
    released: str
    waits: str  # written to where a reply waits for replicas
    paying: str  # orders whose payment is on its way into the ledger

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, sale_id: int) -> "Keys":
        """Return the keys of a sale."""
        return cls(
            *(
                f"{{sale:{sale_id}}}:{name}"
                for name in (
                    "config",
                    "stock",
                    "limits",
                    "requests",
                    "refusals:0",
                    "refusals:1",
                    "outbox",
                    "pending",
                    "bell",
                    "released",
                    "waits",
                    "paying",
                )
            )
        )


class Rules(NamedTuple):
    """What the reserve script needs to know of a sale. Times are Unix milliseconds."""

    state: str  # open, paused or closed; the window is judged by the script
    opens_ms: int
    closes_ms: int | None
    limit: int
    hold_ms: int  # 0: an order holds its stock for good (no payment)

    def fields(self) -> list[str | int]:
        """Return names and values in turn, as the scripts take them."""
        closes: str | int = "" if self.closes_ms is None else self.closes_ms
        return [
            *("state", self.state, "opens", self.opens_ms, "closes", closes),
            *("limit", self.limit, "hold", self.hold_ms),
        ]


class Decision(NamedTuple):
    """The reply to a batch: each order's outcome, and whether a persist task is to be asked for."""

    outcomes: list[Outcome]
    wake_up: bool
    accepted: int  # orders ever accepted in this epoch


# --- Reserving (from the event loop, hence only the shapes; the intake sends them) ---------------


_COSTS_NOTHING = 0x80  # an order has at most 20 lines


def reserve_arguments(
    *,
    epoch: int,
    max_backlog: int,
    accepted: int,
    server: bytes,
    max_refusals: int,
    batch: Sequence[Reservation],
) -> list[bytes | str | int]:
    """Return the arguments of reserve.lua for `batch`, in the order that its contract gives."""
    packed = b"".join(map(_pack, batch))
    return [epoch, max_backlog, accepted, server, max_refusals, len(batch), packed]


def _pack(order: Reservation) -> bytes:
    customer, lines = order.customer.encode(), order.lines
    head = _HEAD.pack(
        order.digest,
        order.fingerprint,
        order.order_id,
        len(customer),
        len(order.note),
        len(order.payload),
        len(lines) | _COSTS_NOTHING if order.is_free else len(lines),
    )
    return b"".join((head, customer, order.note, order.payload, *(_LINE.pack(*x) for x in lines)))


def read_decision(slug: str, reply: list[Any]) -> Decision:
    """Return what reserve.lua replied.

    Raises CountersLost, ServerNotCompared where it did not judge at all.
    """
    _require_counters(slug, reply)
    now_ms, held_until_ms, wake_up, total = reply[:4]
    accepted = Accepted(now_ms, held_until_ms)
    for_good = Accepted(now_ms, 0)
    outcomes = [
        accepted if raw == b"A" else for_good if raw == b"A0" else _read_outcome(raw)
        for raw in reply[4:]
    ]
    return Decision(outcomes, wake_up == 1, total)


def _read_outcome(raw: bytes) -> Outcome:
    kind, rest = raw[:1], raw[1:]
    match kind:
        case b"R":
            return read_record(rest)
        case b"S" | b"s":
            pairs = (pair.split(b":") for pair in rest.split())
            return SoldOut({int(line): int(left) for line, left in pairs}, replayed=kind == b"s")
        case b"L" | b"l":
            taken, limit = rest.split(b":")
            return LimitReached(int(taken), int(limit), replayed=kind == b"l")
        case b"C":
            return KeyReused()
        case b"N":
            return NotOpen(int(rest))
        case b"P":
            return NotOpen(None)
        case b"X":
            return Closed()
        case b"F":
            return BacklogFull()
        case b"U":
            return NoCounter(int(rest))
    raise ValueError(f"reserve.lua answered {raw!r}")


# --- Records of accepted requests ---------------------------------------------------------------


def request_record(
    *,
    fingerprint: bytes,
    order_id: bytes,
    now_ms: int,
    held_until_ms: int,
    note: bytes,
    persisted: bool,
) -> bytes:
    """Return the record that reserve.lua keeps of an accepted request."""
    answered = b"P" if persisted else b"A"
    return b"%b%b%b%d|%d|%b" % (fingerprint, answered, order_id, now_ms, held_until_ms, note)


def read_record(record: bytes) -> AcceptedBefore:
    """Return what a record says: the inverse of `request_record`."""
    now_ms, held_until_ms, note = record[33:].split(b"|", 2)
    return AcceptedBefore(
        order_id=record[17:33],
        now_ms=int(now_ms),
        held_until_ms=int(held_until_ms),
        note=note,
        answered_persisted=record[16:17] == b"P",
    )


# --- Everything else (from threads and workers) -------------------------------------------------


def load(
    sale_id: int,
    *,
    epoch: int,
    version: int,
    rules: Rules,
    stock: Iterable[tuple[int, int, int]],
    after_position: int = 0,
    releases: int = 0,
) -> bool:
    """Open a sale's counters, unless there are any: then returns False.

    `stock` is (allocation, available, taken). The outbox gives out only positions above
    `after_position`, and releases get places above `releases`.
    """
    keys = Keys.of(sale_id)
    config = ["epoch", epoch, "version", version, "after", after_position, *rules.fields()]
    after = entry_id_of(after_position)
    arguments: list[Any] = [PERSIST_GROUP, after, releases, len(config) // 2, *config]
    for row in stock:
        arguments += row
    reply = script(LUA / "load.lua")(keys=[keys.config, keys.stock, keys.outbox], args=arguments)
    return bool(reply)


def publish(sale_id: int, *, epoch: int, version: int, rules: Rules) -> bool:
    """Bring changed rules to the counters. Returns False where there are none of this epoch."""
    arguments = [epoch, version, *rules.fields()]
    return bool(script(LUA / "publish.lua")(keys=[Keys.of(sale_id).config], args=arguments))


def allocate(sale_id: int, slug: str, *, epoch: int, stock: Sequence[tuple[int, int]]) -> int:
    """Put on sale what `stock`, (allocation, units in all), has more than the counters know of.

    Returns how many units that were. Raises CountersLost, CountersUnavailable.
    """
    keys = Keys.of(sale_id)
    arguments: list[Any] = [epoch, len(stock)]
    for allocation in stock:
        arguments += allocation
    [units] = _run(slug, "allocate.lua", [keys.config, keys.stock], arguments)
    return int(units)


def release(
    sale_id: int, slug: str, *, epoch: int, server: bytes, releases: Sequence[Release]
) -> list[int]:
    """Give back what these orders, at most 1,000, held, once each.

    Returns each one's place among the sale's releases. Only `server` is asked. Raises CountersLost,
    CountersUnavailable, ServerNotCompared.
    """
    keys = Keys.of(sale_id)
    arguments: list[Any] = [epoch, server, len(releases)]
    arguments += (order.order_id for order in releases)
    for order in releases:
        arguments += (order.customer, len(order.lines))
        for line in order.lines:
            arguments += line
    reply = _run(
        slug, "release.lua", [keys.config, keys.stock, keys.limits, keys.released], arguments
    )
    return [int(place) for place in reply]


def reacquire(
    sale_id: int, slug: str, *, epoch: int, server: bytes, order: Release, place: int | None
) -> Gap | None:
    """Take once more what an order had held before its hold ended; all of it, or nothing: None.

    `place` is that of its release where it is known. May be repeated: the answer stays the same.
    Only `server` is asked. Raises CountersLost, CountersUnavailable, ServerNotCompared.
    """
    keys = Keys.of(sale_id)
    arguments: list[Any] = [epoch, server, order.order_id, order.customer, place or 0]
    arguments.append(len(order.lines))
    for line in order.lines:
        arguments += line
    reply = _run(
        slug, "retake.lua", [keys.config, keys.stock, keys.limits, keys.released], arguments
    )
    return None if reply == [0] else Gap(*map(int, reply))


def places_among_releases(
    sale_id: int, order_ids: Sequence[bytes], *, page: int = 5000
) -> list[int | None]:
    """Return each order's place in the sequence of releases, None where it was not released.

    Takes the ids that releases go by, and `reacquiring(id)` for retakings. Any number:
    Redis is asked in pages, each of which keeps it for some milliseconds.
    """
    released, places = Keys.of(sale_id).released, []
    for start in range(0, len(order_ids), page):
        places += client().hmget(released, order_ids[start : start + page])
    return [None if place is None else int(place) for place in places]


def snapshot(sale_id: int, slug: str) -> CountersSnapshot:
    """Read a sale's counters and how far they count. Raises CountersLost, CountersUnavailable."""
    _, seen = look(sale_id)
    if seen is None:
        raise errors.CountersLost(slug)
    return seen


def server() -> bytes:
    """Return the replication id of the Redis that answers. Raises CountersUnavailable."""
    try:
        return str(client().info("replication")["master_replid"]).encode()
    except redis.RedisError as error:
        raise errors.CountersUnavailable(f"Redis does not answer: {error}") from error


def look(sale_id: int) -> tuple[bytes, CountersSnapshot | None]:
    """Return the server that answers, and a sale's counters on it if it has any.

    Raises CountersUnavailable.
    """
    keys = Keys.of(sale_id)
    try:
        reply = script(LUA / "snapshot.lua")(keys=[keys.config, keys.stock, keys.outbox])
    except redis.RedisError as error:
        raise errors.CountersUnavailable(f"Redis does not answer: {error}") from error
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


def accepted_orders(sale_id: int, *, page: int = 1000) -> Iterator[bytes]:
    """Yield the ids of all orders that a request is on record for, each at least once."""
    for _, record in client().hscan_iter(Keys.of(sale_id).requests, count=page):
        yield read_record(record).order_id


def on_record(sale_id: int, digests: Sequence[bytes]) -> list[bool]:
    """Tell of each request whether it is on record as accepted."""
    records: list[Any] = client().hmget(Keys.of(sale_id).requests, list(digests))
    return [record is not None for record in records]


def adjust_available(sale_id: int, allocation_id: int, units: int, *, server: bytes) -> None:
    """Add `units` (may be negative) to what is available, however orders flow meanwhile.

    Only on `server`, where the difference was read. Raises CountersUnavailable elsewhere.
    """
    keys = [Keys.of(sale_id).stock]
    _run("", "adjust.lua", keys, [server, allocation_id, units])


def are_there(sale_id: int, *, epoch: int) -> bool:
    """Tell whether a sale has counters of this epoch."""
    found: Any = client().hget(Keys.of(sale_id).config, "epoch")
    return found is not None and int(found) == epoch


def shorten_refusals(sale_id: int) -> None:
    """Let refusals go in minutes that an earlier version has kept for two days."""
    keys = Keys.of(sale_id)
    with client().pipeline(transaction=False) as pipe:
        for key in (keys.refusals, keys.refusals_too):
            pipe.pexpire(key, REFUSALS_MS, lt=True)
        pipe.execute()


def fence(sale_id: int) -> None:
    """Close a sale's counters: from now on, orders are answered 503 until `load`."""
    client().delete(Keys.of(sale_id).config)


def fence_on(sale_id: int, server: bytes) -> None:
    """Close a sale's counters on `server`. Raises CountersUnavailable where another one answers."""
    _run("", "fence.lua", [Keys.of(sale_id).config], [server])


def clear(sale_id: int) -> None:
    """Forget all counters and records of a fenced sale, but not its outbox."""
    keys = Keys.of(sale_id)
    client().unlink(keys.stock, keys.limits, keys.requests, keys.released)


def restore_requests(sale_id: int, records: dict[bytes, bytes], taken: dict[str, int]) -> None:
    """Write back records of requests, and add to the customers' shares of the limit."""
    keys = Keys.of(sale_id)
    with client().pipeline(transaction=False) as pipe:
        if records:
            pipe.hset(keys.requests, mapping=records)  # type: ignore[arg-type]
        for customer, units in taken.items():
            pipe.hincrby(keys.limits, customer, units)
        pipe.execute()


def _run(slug: str, name: str, keys: list[str], arguments: list[Any]) -> list[Any]:
    """Return the reply of a script that works only on counters of the right epoch."""
    try:
        reply: list[Any] = script(LUA / name)(keys=keys, args=arguments)
    except redis.RedisError as error:
        raise errors.CountersUnavailable(f"Redis does not answer: {error}") from error
    _require_counters(slug, reply)
    return reply


def _require_counters(slug: str, reply: list[Any]) -> None:
    if reply and reply[0] in (-1, -2, -3):
        raise errors.CountersLost(slug)
    if reply and reply[0] == -4:
        raise errors.ServerNotCompared(reply[1])
