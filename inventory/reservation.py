"""Reservations and their outcomes as plain values: the questions to the counters, and the replies.

>>> outcome: Outcome = SoldOut(shortages={0: 3}, replayed=False)
>>> match outcome:
...     case Accepted():
...         print("the order is in the outbox")
...     case SoldOut(shortages):
...         print(f"line 0 asks for more than the {shortages[0]} units there are")
line 0 asks for more than the 3 units there are
>>> entry_id_of(position_of(b"1700000000000-3"))
b'1700000000000-3'
"""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stock is held and the order is in the outbox."""

    now_ms: int
    held_until_ms: int  # 0: for good


@dataclass(frozen=True, slots=True)
class AcceptedBefore:
    """The same request was accepted earlier, under this order id."""

    order_id: bytes
    now_ms: int
    held_until_ms: int
    note: bytes  # what the caller had put aside with its request
    answered_persisted: bool  # the first answer was given after persistence


@dataclass(frozen=True, slots=True)
class SoldOut:
    """At least one line asks for more units than there are. Nothing is held."""

    shortages: dict[int, int]  # line -> units that were available
    replayed: bool


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The order would pass the customer's limit, in units over the whole sale. Nothing is held."""

    taken: int
    limit: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The idempotency key belongs to a different request of this sale."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    """The sale has not opened yet, or is paused."""

    opens_at_ms: int | None  # None: paused


@dataclass(frozen=True, slots=True)
class Closed:
    """The sale takes no more orders."""


@dataclass(frozen=True, slots=True)
class BacklogFull:
    """The sale's outbox holds as many orders as it may: workers have to catch up first."""


@dataclass(frozen=True, slots=True)
class NoCounter:
    """Redis has no counter for the SKU of this line, counted from 0."""

    line: int


Outcome = (
    Accepted
    | AcceptedBefore
    | SoldOut
    | LimitReached
    | KeyReused
    | NotOpen
    | Closed
    | BacklogFull
    | NoCounter
)


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """One order as the counters are asked for it."""

    digest: bytes  # 16 bytes that stand for client and idempotency key, within a sale
    fingerprint: bytes  # 16 bytes that stand for the request's content
    order_id: bytes
    customer: str
    note: bytes
    payload: bytes
    lines: list[tuple[int, int]]  # allocation, quantity
    traceparent: str = ""  # of the span that waits for the answer, where one is recorded
    is_free: bool = False  # it costs nothing, so it is held for good


@dataclass(frozen=True, slots=True)
class Release:
    """The units that one order gives back."""

    order_id: bytes  # or, after its stock was reacquired, `second_hold(order id)`
    customer: str
    lines: list[tuple[int, int]]  # allocation, quantity


def second_hold(order_id: bytes) -> bytes:
    """Return the id under which an order gives back what it had taken a second time."""
    return order_id + b"+"


def reacquiring(order_id: bytes) -> bytes:
    """Return the id under which Redis keeps the place of an order's retaking."""
    return order_id + b"@"


@dataclass(frozen=True, slots=True)
class Gap:
    """Between these two places of a sale's sequence of releases, an order held nothing."""

    start: int  # when its stock was released
    end: int  # when it was taken again


@dataclass(frozen=True, slots=True)
class SkuCounters:
    """The counters of one SKU in a sale, in units."""

    allocated: int  # as far as Redis knows
    available: int
    taken: int
    returned: int


@dataclass(frozen=True, slots=True)
class CountersSnapshot:
    """A sale's counters and the point up to which they count."""

    server: bytes  # its replication id: another one after each start and each promotion
    epoch: int
    version: int  # of the sale's rules
    after: int | None  # the position they were loaded with; None: by an earlier version
    position: int  # of the last order accepted
    waiting: int  # entries in the outbox
    accepted: int  # orders since the counters were loaded
    releases: int  # how many releases are counted in
    skus: dict[int, SkuCounters]  # by allocation


# A stream id is milliseconds and a number within the millisecond; as one integer it sorts the same
# and fits PostgreSQL's bigint until the year 2248.
_SEQUENCE_BITS = 20


def position_of(entry_id: bytes) -> int:
    """Return a stream id such as b"1700000000000-3" as a single ordered integer."""
    milliseconds, _, sequence = entry_id.partition(b"-")
    return (int(milliseconds) << _SEQUENCE_BITS) | int(sequence)


def entry_id_of(position: int) -> bytes:
    """Return the stream id at `position`: the inverse of `position_of`."""
    return b"%d-%d" % (position >> _SEQUENCE_BITS, position & ((1 << _SEQUENCE_BITS) - 1))
