"""Records of accepted requests and of releases: the memory of the counters for single orders."""

from collections.abc import Iterator, Sequence
from typing import Any

from inventory.reservation import AcceptedBefore
from shop.core.stores.redis import client

from .keys import Keys


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
    """Read a record: the inverse of `request_record`."""
    now_ms, held_until_ms, note = record[33:].split(b"|", 2)
    return AcceptedBefore(
        order_id=record[17:33],
        now_ms=int(now_ms),
        held_until_ms=int(held_until_ms),
        note=note,
        answered_persisted=record[16:17] == b"P",
    )


def accepted_orders(sale_id: int, *, page: int = 1000) -> Iterator[bytes]:
    """Yield the ids of all orders that a request is on record for, each at least once."""
    for _, record in client().hscan_iter(Keys.of(sale_id).requests, count=page):
        yield read_record(record).order_id


def on_record(sale_id: int, digests: Sequence[bytes]) -> list[bool]:
    """Tell of each request whether it is on record as accepted."""
    records: list[Any] = client().hmget(Keys.of(sale_id).requests, list(digests))
    return [record is not None for record in records]


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


def restore_requests(sale_id: int, records: dict[bytes, bytes], taken: dict[str, int]) -> None:
    """Write back records of requests, and add to the customers' shares of the limit."""
    keys = Keys.of(sale_id)
    with client().pipeline(transaction=False) as pipe:
        if records:
            pipe.hset(keys.requests, mapping=records)  # type: ignore[arg-type]
        for customer, units in taken.items():
            pipe.hincrby(keys.limits, customer, units)
        pipe.execute()
