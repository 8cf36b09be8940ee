"""The arguments of reserve.lua and its reply, as its contract gives them."""

from collections.abc import Sequence
from struct import Struct
from typing import Any, NamedTuple

from inventory.reservation import (
    Accepted,
    BacklogFull,
    Closed,
    KeyReused,
    LimitReached,
    NoCounter,
    NotOpen,
    Outcome,
    Reservation,
    SoldOut,
)

from .lua import require_counters
from .records import read_record

_HEAD = Struct(">16s16s16sHHHB")
_LINE = Struct(">QI")
_COSTS_NOTHING = 0x80  # an order has at most 20 lines


class Decision(NamedTuple):
    """The reply to a batch: each order's outcome, and whether a persist task is to be asked for."""

    outcomes: list[Outcome]
    wake_up: bool
    accepted: int  # orders ever accepted in this epoch


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

    Raises CountersLost, ServerNotCompared where it decided on no order.
    """
    require_counters(slug, reply)
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
